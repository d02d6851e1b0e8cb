-- question: Which tickets and sectors did each request of a customer go through?
-- grain: one row per conversation (chain of tickets joined by transfers)
-- parameters: none
-- reads: marts.ticket, marts.ticket_chain
-- columns:
--   conversation_id        text        ticket_id of the root
--   owner                  text        identity of the bot
--   customer_key           text        pseudonym of the customer
--   channel                text        of the root
--   first_sector           text        where it began
--   last_sector            text        where it is or ended
--   ticket_count           count       tickets in the chain
--   transfer_count         count       tickets that ended by a transfer
--   sector_change_count    count       steps of the chain that changed the sector
--   started_at             local_time  UTC; the root's creation
--   started_local          local_time  on the organisation's wall clock
--   started_day            date        local: the period of the conversation
--   started_weekday        weekday     1 = Monday
--   started_hour           hour        local
--   first_response_at      local_time  UTC; earliest first response of the chain; null: never answered
--   first_response_sector  text        sector of that ticket; null: never answered
--   first_response_agent   text        attendant of that ticket; null: never answered
--   last_agent             text        attendant of the last ticket; null: nobody yet
--   whole_wait_s           duration    M8, first response − start; null: never answered
--   ended_at               local_time  UTC; last close; null: still open, or a transfer whose new ticket is not here yet
--   ended_day              date        local; null: still open
--   last_outcome           text        outcome of the last ticket
--   truncated_chain        flag        began before the store's history
WITH ticket AS (
    SELECT
        *,
        lag(sector) OVER chain AS earlier_sector,
        row_number() OVER chain AS step,
        row_number() OVER (PARTITION BY conversation_id ORDER BY created_at DESC, sequential_id DESC, ticket_id DESC) AS step_from_end,
        row_number() OVER (
            PARTITION BY conversation_id
            ORDER BY first_response_at NULLS LAST, created_at, ticket_id
        ) AS response_rank
    FROM marts.ticket
    WINDOW chain AS (PARTITION BY conversation_id ORDER BY created_at, sequential_id, ticket_id)
),

chain AS (
    SELECT
        conversation_id,
        count(*) AS ticket_count,
        count(*) FILTER (WHERE outcome = 'transferred') AS transfer_count,
        count(*) FILTER (WHERE sector <> earlier_sector) AS sector_change_count,
        min(first_response_at) AS first_response_at,
        max(sector) FILTER (WHERE response_rank = 1 AND first_response_at IS NOT NULL) AS first_response_sector,
        max(agent) FILTER (WHERE response_rank = 1 AND first_response_at IS NOT NULL) AS first_response_agent,
        max(sector) FILTER (WHERE step_from_end = 1) AS last_sector,
        max(agent) FILTER (WHERE step_from_end = 1) AS last_agent,
        max(outcome) FILTER (WHERE step_from_end = 1) AS last_outcome,
        CASE
            WHEN bool_and(closed_at IS NOT NULL) AND max(outcome) FILTER (WHERE step_from_end = 1) <> 'transferred'
                THEN max(closed_at)
        END AS ended_at,
        CASE
            WHEN bool_and(closed_at IS NOT NULL) AND max(outcome) FILTER (WHERE step_from_end = 1) <> 'transferred'
                THEN max(closed_day)
        END AS ended_day
    FROM ticket
    GROUP BY conversation_id
)

SELECT
    root.conversation_id,
    root.owner,
    root.customer_key,
    root.channel,
    root.sector AS first_sector,
    chain.last_sector,
    chain.ticket_count,
    chain.transfer_count,
    chain.sector_change_count,
    root.created_at AS started_at,
    root.created_local AS started_local,
    root.created_day AS started_day,
    root.created_weekday AS started_weekday,
    root.created_hour AS started_hour,
    chain.first_response_at,
    chain.first_response_sector,
    chain.first_response_agent,
    chain.last_agent,
    CASE
        WHEN chain.first_response_at >= root.created_at
            THEN date_diff('second', date_trunc('second', root.created_at), date_trunc('second', chain.first_response_at))
    END AS whole_wait_s,
    chain.ended_at,
    chain.ended_day,
    chain.last_outcome,
    ticket_chain.truncated_chain
FROM chain
INNER JOIN marts.ticket AS root ON root.ticket_id = chain.conversation_id
INNER JOIN marts.ticket_chain ON ticket_chain.ticket_id = chain.conversation_id
