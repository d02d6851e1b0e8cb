-- question: Which days were read in full, and did as much arrive as Blip said it had?
-- grain: one row per resource and local day
-- parameters: none
-- reads: raw.coverage, raw.message_read, staging.quarantine, marts.ticket
-- columns:
--   resource     text   ticket, message or event
--   day          date   local
--   reported     count  records that Blip said it had
--   stored       count  records that were stored
--   is_complete  flag   the whole day was over when it was read, and nothing was missing
WITH bot_day AS (
    SELECT
        resource,
        day,
        sum(reported) AS reported,
        sum(stored) AS stored,
        bool_and(day_was_over AND stored >= reported) AS is_complete
    FROM raw.coverage
    GROUP BY resource, day
),

message_day AS (
    SELECT
        'message' AS resource,
        ticket.created_day AS day,
        count(*) AS reported,
        count(message_read.ticket_id) AS stored
    FROM marts.ticket
    LEFT JOIN raw.message_read ON message_read.ticket_id = ticket.ticket_id
    GROUP BY ticket.created_day
)

SELECT
    resource,
    day,
    CAST(reported AS BIGINT) AS reported,
    CAST(stored AS BIGINT) AS stored,
    is_complete
FROM bot_day
UNION ALL
SELECT
    resource,
    day,
    reported,
    stored,
    stored = reported AS is_complete
FROM message_day
ORDER BY resource, day
