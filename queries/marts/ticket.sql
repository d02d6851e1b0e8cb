-- question: What happened to each ticket, in which sector, and how long did each step take?
-- grain: one row per Blip ticket
-- parameters: none
-- reads: staging.ticket, marts.ticket_chain, marts.agent_version, raw.message_read, settings.queue_sector, settings.rule, settings.calendar,
--   settings.business_span
-- columns: as in staging.ticket without is_closed, parent_sequential_id, rating_text, response_mean_s, and
--   parent_ticket_id     text      null: not born of a transfer, or the parent is older than the store
--   conversation_id      text      ticket_id of the chain's root
--   conversation_tickets count     tickets of the same conversation, this one included
--   sector               text      by the configured rule; never null
--   outcome              text      attended, lost, abandoned, inactive, transferred, gone (open until Blip did not know it any more; closed_at
--                                  is when that was noticed, and no duration ends there) or pending; exactly one
--   created_day          date      local day of created_at
--   created_weekday      weekday   1 = Monday
--   created_hour         hour      local
--   started_day          date      local day of the conversation's root: the period of waits and responses
--   queue_wait_s         duration  M6, opened − created; null: never opened, or a negative wait
--   first_response_s     duration  M7, first response − opened, at least 0; null: one of the two is missing
--   handling_s           duration  M10, closed − opened; null: one of the two is missing
--   queue_wait_business_s, first_response_business_s, handling_business_s
--                        duration  the same within the sector's business hours; null: as the whole, or no calendar is declared
--   queue_wait_rejected  flag      opened before it was created: left out of M6
--   first_response_early flag      answered before it was opened: M7 counts 0
--   blip_wait_s          duration  Blip's wait, first response − created, or closed − created where nobody answered; null: open and not
--                                  answered, or a negative time
--   blip_answered_wait_s duration  Blip's wait as published earlier, first response − created; null: not answered, or a negative time
--   blip_attendance_s    duration  Blip's second attendance, closed − first response; null: one of the two is missing, or a negative time
--   blip_response_s      duration  Blip's own mean of the attendant's responses; null: none was sent
--   routing              text      M26, queue (a rule matched), direct (given to a person), default (no rule matched) or unresolved (no
--                                  sector can be told)
--   queued_since_s       count     seconds from 1970 to the creation, while it waits in the queue; null: it does not
--   opened_since_s       count     seconds from 1970 to the pick-up, while it waits for the first response; null: it does not
--   queued_business_mark_s
--                        count     business seconds of the sector's calendar up to the creation, while it waits in the queue; null: it does not, or no
--                                  calendar is declared
--   in_hand_since_s      count     seconds from 1970 to the pick-up, until it is closed; null: not picked up, or closed
--   in_hand_business_mark_s
--                        count     business seconds of the sector's calendar up to the pick-up, until it is closed; null: as in_hand_since_s, or no
--                                  calendar is declared
--   is_short_loss        flag      M12, lost within the configured few seconds
--   message_state        text      here; or why they are not: expired (Blip no longer has them), no_key (only a router's key reads
--                                  them), none (nothing came); null: not asked for yet
--   messages             text      here, gone (no load brings them: expired, no_key, or imported from a file) or awaited
-- notes: every instant is cut to the second before subtracting, so that steps add up to the whole
WITH placed AS (
    SELECT
        staged.*,
        chain.parent_ticket_id,
        chain.conversation_id,
        root.created_local AS root_local,
        rule.short_loss_s,
        rule.unresolved,
        CASE WHEN staged.status <> 'Gone' THEN staged.closed_at END AS told_end_at,
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
    -- Whoever answers elsewhere today was there when the ticket came.
    ASOF LEFT JOIN marts.agent_version AS agent
        ON agent.agent = staged.agent
        AND CAST(staged.created_local AS DATE) >= agent.from_day
),

timed AS (
    SELECT
        placed.*,
        date_diff('second', date_trunc('second', created_at), date_trunc('second', opened_at)) AS wait_s,
        date_diff('second', date_trunc('second', opened_at), date_trunc('second', first_response_at)) AS response_s,
        date_diff('second', date_trunc('second', opened_at), date_trunc('second', told_end_at)) AS open_s,
        date_diff('second', date_trunc('second', created_at), date_trunc('second', told_end_at)) AS life_s,
        date_diff('second', date_trunc('second', created_at), date_trunc('second', first_response_at)) AS blip_answered_wait_s,
        date_diff('second', date_trunc('second', created_at), date_trunc('second', coalesce(first_response_at, told_end_at))) AS blip_wait_s,
        date_diff('second', date_trunc('second', first_response_at), date_trunc('second', told_end_at)) AS blip_attendance_s
    FROM placed
),

step AS (
    SELECT
        placed.ticket_id,
        unnest(['created', 'opened', 'responded', 'closed']) AS step,
        unnest([placed.created_at, placed.opened_at, placed.first_response_at, placed.told_end_at]) AS at,
        coalesce(own.calendar, base.calendar) AS calendar
    FROM placed
    LEFT JOIN settings.calendar AS own ON own.calendar = placed.sector
    LEFT JOIN settings.calendar AS base ON base.calendar = '*'
),

-- Business seconds from the beginning of the calendar up to each step: what lies between two steps is their difference.
clocked AS (
    SELECT
        step.ticket_id,
        step.step,
        coalesce(
            span.before_s + date_diff('second', span.from_at, least(date_trunc('second', step.at), span.to_at)),
            0
        ) AS business_s
    FROM step
    ASOF LEFT JOIN settings.business_span AS span
        ON span.calendar = step.calendar
        AND date_trunc('second', step.at) >= span.from_at
    WHERE step.at IS NOT NULL AND step.calendar IS NOT NULL
),

business AS (
    SELECT
        ticket_id,
        max(business_s) FILTER (WHERE step = 'created') AS created_s,
        max(business_s) FILTER (WHERE step = 'opened') AS opened_s,
        max(business_s) FILTER (WHERE step = 'opened') - max(business_s) FILTER (WHERE step = 'created') AS wait_s,
        max(business_s) FILTER (WHERE step = 'responded') - max(business_s) FILTER (WHERE step = 'opened') AS response_s,
        max(business_s) FILTER (WHERE step = 'closed') - max(business_s) FILTER (WHERE step = 'opened') AS open_s
    FROM clocked
    GROUP BY ticket_id
)

SELECT
    timed.ticket_id,
    timed.owner,
    timed.sequential_id,
    timed.parent_ticket_id,
    timed.conversation_id,
    count(*) OVER (PARTITION BY timed.conversation_id) AS conversation_tickets,
    timed.customer_key,
    timed.origin,
    timed.channel,
    timed.queue,
    timed.sector,
    timed.agent,
    timed.status,
    CASE
        WHEN NOT timed.is_closed THEN 'pending'
        WHEN timed.status = 'Gone' THEN 'gone'
        WHEN timed.status = 'Transferred' THEN 'transferred'
        WHEN timed.status = 'ClosedAttendant' THEN 'attended'
        WHEN timed.status = 'ClosedClient' AND timed.opened_at IS NULL THEN 'lost'
        WHEN timed.status = 'ClosedClient' THEN 'abandoned'
        ELSE 'inactive'
    END AS outcome,
    timed.created_at,
    timed.created_local,
    CAST(timed.created_local AS DATE) AS created_day,
    CAST(isodow(timed.created_local) AS INTEGER) AS created_weekday,
    CAST(hour(timed.created_local) AS INTEGER) AS created_hour,
    CAST(timed.root_local AS DATE) AS started_day,
    timed.opened_at,
    timed.first_response_at,
    timed.closed_at,
    timed.closed_day,
    CASE WHEN timed.wait_s >= 0 THEN timed.wait_s END AS queue_wait_s,
    CASE WHEN timed.response_s < 0 THEN 0 ELSE timed.response_s END AS first_response_s,
    CASE WHEN timed.open_s >= 0 THEN timed.open_s END AS handling_s,
    CASE WHEN timed.wait_s >= 0 THEN business.wait_s END AS queue_wait_business_s,
    CASE WHEN business.response_s < 0 THEN 0 ELSE business.response_s END AS first_response_business_s,
    CASE WHEN timed.open_s >= 0 THEN business.open_s END AS handling_business_s,
    CASE WHEN timed.blip_wait_s >= 0 THEN timed.blip_wait_s END AS blip_wait_s,
    CASE WHEN timed.blip_answered_wait_s >= 0 THEN timed.blip_answered_wait_s END AS blip_answered_wait_s,
    CASE WHEN timed.blip_attendance_s >= 0 THEN timed.blip_attendance_s END AS blip_attendance_s,
    timed.response_mean_s AS blip_response_s,
    CASE
        WHEN timed.queue = 'Default' THEN 'default'
        WHEN timed.queue <> 'DIRECT_TRANSFER' THEN 'queue'
        WHEN timed.sector = timed.unresolved THEN 'unresolved'
        ELSE 'direct'
    END AS routing,
    CASE
        WHEN NOT timed.is_closed AND timed.opened_at IS NULL THEN CAST(floor(epoch(timed.created_at)) AS BIGINT)
    END AS queued_since_s,
    CASE
        WHEN NOT timed.is_closed AND timed.first_response_at IS NULL THEN CAST(floor(epoch(timed.opened_at)) AS BIGINT)
    END AS opened_since_s,
    CASE WHEN NOT timed.is_closed AND timed.opened_at IS NULL THEN business.created_s END AS queued_business_mark_s,
    CASE WHEN NOT timed.is_closed THEN CAST(floor(epoch(timed.opened_at)) AS BIGINT) END AS in_hand_since_s,
    CASE WHEN NOT timed.is_closed THEN business.opened_s END AS in_hand_business_mark_s,
    coalesce(timed.wait_s < 0, FALSE) AS queue_wait_rejected,
    coalesce(timed.response_s < 0, FALSE) AS first_response_early,
    coalesce(timed.status = 'ClosedClient' AND timed.opened_at IS NULL AND timed.life_s < timed.short_loss_s, FALSE) AS is_short_loss,
    timed.tags,
    timed.priority,
    timed.rating,
    CASE WHEN message_read.source IN ('ticket', 'thread') THEN 'here' ELSE message_read.source END AS message_state,
    CASE
        WHEN message_read.source IN ('ticket', 'thread') THEN 'here'
        WHEN message_read.source IN ('expired', 'no_key') OR timed.origin = 'import' THEN 'gone'
        ELSE 'awaited'
    END AS messages
FROM timed
LEFT JOIN business ON business.ticket_id = timed.ticket_id
LEFT JOIN raw.message_read ON message_read.ticket_id = timed.ticket_id
