-- question: Which days were read in full, and did as much arrive as Blip said it had?
-- grain: one row per resource and local day
-- parameters: none
-- reads: raw.coverage, marts.ticket
-- columns:
--   resource     text   ticket, message or event
--   day          date   local
--   reported     count  records that Blip said it had; for messages, the tickets of the day
--   stored       count  records that arrived; for messages, the tickets whose messages are here
--   set_aside    count  of the arrived, records that could not be kept; for messages, the tickets whose messages Blip no longer has
--   is_complete  flag   the whole day was over when it was read, nothing was missing and nothing moved meanwhile
WITH bot_day AS (
    SELECT
        resource,
        day,
        sum(reported) AS reported,
        sum(stored) AS stored,
        sum(set_aside) AS set_aside,
        bool_and(day_was_over AND stored >= reported AND is_steady) AS is_complete
    FROM raw.coverage
    GROUP BY resource, day
),

message_day AS (
    SELECT
        'message' AS resource,
        created_day AS day,
        count(*) AS reported,
        count(*) FILTER (WHERE message_state = 'here') AS stored,
        count(*) FILTER (WHERE message_state = 'expired') AS set_aside
    FROM marts.ticket
    GROUP BY created_day
)

SELECT
    resource,
    day,
    CAST(reported AS BIGINT) AS reported,
    CAST(stored AS BIGINT) AS stored,
    CAST(set_aside AS BIGINT) AS set_aside,
    is_complete
FROM bot_day
UNION ALL
SELECT
    resource,
    day,
    reported,
    stored,
    set_aside,
    stored = reported AS is_complete
FROM message_day
ORDER BY resource, day
