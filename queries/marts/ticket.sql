-- question: What happened to each ticket, in which sector, and how long did each step take?
-- grain: one row per Blip ticket
-- parameters: none
-- reads: staging.ticket, marts.ticket_chain, marts.agent, settings.queue_sector, settings.rule
-- columns: as in staging.ticket, and
--   parent_ticket_id     text      null: not born of a transfer, or the parent is older than the store
--   conversation_id      text      ticket_id of the chain's root
--   sector               text      by the configured rule; never null
--   outcome              text      attended, lost, abandoned, inactive, transferred or pending; exactly one
--   created_day          date      local day of created_at
--   created_weekday      weekday   1 = Monday
--   created_hour         hour      local
--   started_day          date      local day of the conversation's root: the period of waits and responses
--   queue_wait_s         duration  M6, opened − created; null: never opened, or a negative wait
--   first_response_s     duration  M7, first response − opened, at least 0; null: one of the two is missing
--   handling_s           duration  M10, closed − opened; null: one of the two is missing
--   queue_wait_rejected  flag      opened before it was created: left out of M6
--   first_response_early flag      answered before it was opened: M7 counts 0
-- notes: every instant is cut to the second before subtracting, so that steps add up to the whole
WITH placed AS (
    SELECT
        staged.*,
        chain.parent_ticket_id,
        chain.conversation_id,
        root.created_local AS root_local,
        CASE
            WHEN staged.queue = 'Default' THEN rule.default_queue
            WHEN staged.queue <> 'DIRECT_TRANSFER' THEN coalesce(own.sector, staged.queue)
            WHEN rule.direct_transfer = 'unassigned' THEN rule.unresolved
            WHEN rule.direct_transfer = 'inherit' AND chain.inherited_queue IS NOT NULL
                THEN coalesce(inherited.sector, chain.inherited_queue)
            WHEN agent.only_sector IS NOT NULL THEN agent.only_sector
            WHEN rule.direct_transfer = 'inherit' AND chain.saw_default THEN rule.default_queue
            ELSE rule.unresolved
        END AS sector
    FROM staging.ticket AS staged
    INNER JOIN marts.ticket_chain AS chain ON chain.ticket_id = staged.ticket_id
    INNER JOIN staging.ticket AS root ON root.ticket_id = chain.conversation_id
    CROSS JOIN settings.rule
    LEFT JOIN settings.queue_sector AS own ON own.queue = staged.queue
    LEFT JOIN settings.queue_sector AS inherited ON inherited.queue = chain.inherited_queue
    LEFT JOIN marts.agent ON agent.agent = staged.agent
),

timed AS (
    SELECT
        placed.*,
        date_diff('second', date_trunc('second', created_at), date_trunc('second', opened_at)) AS wait_s,
        date_diff('second', date_trunc('second', opened_at), date_trunc('second', first_response_at)) AS response_s,
        date_diff('second', date_trunc('second', opened_at), date_trunc('second', closed_at)) AS open_s
    FROM placed
)

SELECT
    ticket_id,
    owner,
    sequential_id,
    parent_ticket_id,
    conversation_id,
    customer_key,
    channel,
    queue,
    sector,
    agent,
    status,
    CASE
        WHEN NOT is_closed THEN 'pending'
        WHEN status = 'Transferred' THEN 'transferred'
        WHEN status = 'ClosedAttendant' THEN 'attended'
        WHEN status = 'ClosedClient' AND opened_at IS NULL THEN 'lost'
        WHEN status = 'ClosedClient' THEN 'abandoned'
        ELSE 'inactive'
    END AS outcome,
    created_at,
    created_local,
    CAST(created_local AS DATE) AS created_day,
    CAST(isodow(created_local) AS INTEGER) AS created_weekday,
    CAST(hour(created_local) AS INTEGER) AS created_hour,
    CAST(root_local AS DATE) AS started_day,
    opened_at,
    first_response_at,
    closed_at,
    closed_day,
    CASE WHEN wait_s >= 0 THEN wait_s END AS queue_wait_s,
    CASE WHEN response_s < 0 THEN 0 ELSE response_s END AS first_response_s,
    CASE WHEN open_s >= 0 THEN open_s END AS handling_s,
    coalesce(wait_s < 0, FALSE) AS queue_wait_rejected,
    coalesce(response_s < 0, FALSE) AS first_response_early,
    tags,
    priority,
    rating
FROM timed
