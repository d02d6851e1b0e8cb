-- question: Which days were read in full, and did as much arrive as Blip said it had?
-- grain: one row per resource and local day
-- parameters: none
-- reads: raw.coverage, raw.imported_range, marts.ticket
-- columns:
--   resource     text   ticket, message or event; import for days that imported files cover
--   day          date   local
--   reported     count  records that Blip said it had; for messages, the tickets of the day; for imports as stored
--   stored       count  records that arrived; for messages, the tickets whose messages are here; for imports, the tickets that only a file holds
--   set_aside    count  of the arrived, records that could not be kept; for messages, the tickets whose messages Blip no longer has
--   is_complete  flag   the whole day was over when it was read, nothing was missing and nothing moved meanwhile; always for imports
--   files        text   names of the files that cover the day; null: none, or imported by a version that did not keep them
-- notes: a file covers the days between two of its tickets that are at most a week apart, as long as it alone holds a ticket of them. It cannot be
--   held against what Blip has.
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
),

file_ticket AS (
    SELECT
        created_day AS day,
        count(*) AS tickets
    FROM marts.ticket
    WHERE origin = 'import'
    GROUP BY created_day
),

file_day AS (
    SELECT
        file,
        CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) AS day
    FROM raw.imported_range
    -- What Blip told of since is covered by its own lists.
    WHERE EXISTS (SELECT 1 FROM file_ticket WHERE file_ticket.day BETWEEN imported_range.first_day AND imported_range.last_day)
),

covered_day AS (
    SELECT
        day,
        string_agg(DISTINCT file, ', ' ORDER BY file) AS files
    FROM file_day
    GROUP BY day
),

import_day AS (
    SELECT
        coalesce(covered_day.day, file_ticket.day) AS day,
        coalesce(file_ticket.tickets, 0) AS tickets,
        covered_day.files
    FROM covered_day
    FULL JOIN file_ticket ON file_ticket.day = covered_day.day
)

SELECT
    resource,
    day,
    CAST(reported AS BIGINT) AS reported,
    CAST(stored AS BIGINT) AS stored,
    CAST(set_aside AS BIGINT) AS set_aside,
    is_complete,
    CAST(NULL AS VARCHAR) AS files
FROM bot_day
UNION ALL
SELECT
    resource,
    day,
    reported,
    stored,
    set_aside,
    stored = reported AS is_complete,
    CAST(NULL AS VARCHAR) AS files
FROM message_day
UNION ALL
SELECT
    'import' AS resource,
    day,
    tickets AS reported,
    tickets AS stored,
    0 AS set_aside,
    TRUE AS is_complete,
    files
FROM import_day
ORDER BY resource, day
