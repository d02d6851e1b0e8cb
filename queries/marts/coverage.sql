-- question: Which days were read in full, and did as much arrive as Blip said it had?
-- grain: one row per resource and local day
-- parameters: none
-- reads: raw.coverage, raw.imported_range, settings.source, marts.ticket
-- columns:
--   resource     text   ticket, message or event; import for days that imported files cover
--   day          date   local
--   reported     count  records that Blip said it had; for messages, the tickets of the day; for imports as stored; null: never asked
--   stored       count  records that arrived; for messages, the tickets whose messages are here; for imports, the tickets that only a file holds
--   set_aside    count  of the arrived, records that could not be kept; for messages, the tickets whose messages Blip no longer has
--   is_complete  flag   every key that the configuration reads it with has read it, the whole day was over by then, nothing was missing and
--                       nothing moved meanwhile; always for imports
--   files        text   names of the files that cover the day; null: none, or imported by a version that did not keep them
-- notes: a file covers the days between two of its tickets that are at most a week apart, as long as it alone holds a ticket of them. It cannot be
--   held against what Blip has. A day of which anything was read or imported has a row of each kind that the configuration reads, also where
--   that kind was never read. Survey answers have no rows where the configuration does not take satisfaction from them.
WITH known_day AS (
    SELECT day FROM raw.coverage
    UNION
    SELECT CAST(unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS DATE) FROM raw.imported_range
),

key_day AS (
    SELECT
        source.resource,
        source.key_name,
        known_day.day
    FROM settings.source
    CROSS JOIN known_day
    UNION
    SELECT
        resource,
        key_name,
        day
    FROM raw.coverage
    WHERE
        resource <> 'event'
        OR resource IN (SELECT resource FROM settings.source)
        -- Without any key nothing says what is read.
        OR NOT EXISTS (SELECT 1 FROM settings.source)
),

bot_day AS (
    SELECT
        key_day.resource,
        key_day.day,
        sum(coverage.reported) AS reported,
        coalesce(sum(coverage.stored), 0) AS stored,
        coalesce(sum(coverage.set_aside), 0) AS set_aside,
        bool_and(coalesce(coverage.day_was_over AND coverage.stored >= coverage.reported AND coverage.is_steady, FALSE)) AS is_complete
    FROM key_day
    LEFT JOIN raw.coverage
        ON coverage.resource = key_day.resource
        AND coverage.key_name = key_day.key_name
        AND coverage.day = key_day.day
    GROUP BY key_day.resource, key_day.day
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
