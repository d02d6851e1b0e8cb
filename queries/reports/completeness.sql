-- question: Was everything that belongs to the period loaded, and can its figures still change?
-- grain: one row
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: completeness is of the whole load
-- reads: coverage, ticket, conversation, blip_figure
-- rows: there on a day of the period
-- anchor: arrival
-- columns:
--   days_loaded         count  M28  days of which all that the configuration reads was read after they were over, with nothing missing
--   days_tickets        count  M28  days whose tickets were so read
--   days_answers        count  M28  days whose survey answers were so read; null: satisfaction does not come from them
--   days_imported       count  M28  other days that imported files cover
--   tickets_stored      count  M28  tickets stored
--   closed_reported     count  M28  tickets ended on days of the period by Blip's own report of each day; null: no day has such a report
--   closed_stored       count  M28  tickets stored that ended on the same days; null: as closed_reported
--   tickets_open        count  M28  tickets of the period still open
--   conversations_open  count  M28  conversations not over that began in the period, or of which a ticket of the period is still open
--   messages_missing    count  M28  tickets of the period whose messages are not here
--   messages_gone       count  M28  of these, those whose messages no load brings: expired, no key reads them, or imported from a file
--   last_day            date   -    last day that was read at all; null: none
--   import_files        text   -    names of the files that cover the days imported, the first of several; null: none is known
--   import_groups       count  -    how many different lists of such names there are
-- behind:
--   days_loaded, days_tickets, days_answers, days_imported, tickets_stored: dias_lidos
--   closed_reported, closed_stored: paridade_por_dia figure=closed
--   messages_missing, messages_gone: tickets_sem_mensagens
--   tickets_open: conversas_de measure=tickets_open
--   conversations_open: conversas_de measure=not_over
-- unique: days_loaded
-- notes: the list of tickets does not tell how many there are, so what is stored is held against Blip's report of each day (cut at UTC−3)
-- not null: days_loaded, days_tickets, days_imported, tickets_stored, tickets_open, conversations_open, messages_missing, messages_gone
WITH known AS (
    SELECT
        day,
        -- Tickets are always read: a day without a row of theirs was not.
        COALESCE(MIN(CASE WHEN resource = 'ticket' AND is_complete THEN 1 WHEN resource = 'ticket' THEN 0 END), 0) AS has_tickets,
        MIN(CASE WHEN resource = 'event' AND is_complete THEN 1 WHEN resource = 'event' THEN 0 END) AS has_answers
    FROM coverage
    WHERE
        resource IN ('ticket', 'event')
        AND day >= $period_start
        AND day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
    GROUP BY day
),

loaded AS (
    SELECT
        day,
        has_tickets,
        has_answers,
        has_tickets * COALESCE(has_answers, 1) AS is_loaded
    FROM known
),

imported AS (
    SELECT
        COUNT(*) AS days_imported,
        MIN(coverage.files) AS import_files,
        COUNT(DISTINCT coverage.files) AS import_groups
    FROM coverage
    LEFT JOIN loaded ON loaded.day = coverage.day
    WHERE
        coverage.resource = 'import'
        AND coverage.is_complete
        AND coverage.day >= $period_start
        AND coverage.day < $period_end
        AND COALESCE(loaded.is_loaded, 0) = 0
),

counted AS (
    SELECT
        CAST(COALESCE(SUM(CASE WHEN resource IN ('ticket', 'import') THEN stored END), 0) AS BIGINT) AS tickets_stored,
        CAST(COALESCE(SUM(CASE WHEN resource = 'message' THEN reported - stored END), 0) AS BIGINT) AS messages_missing
    FROM coverage
    WHERE
        day >= $period_start
        AND day < $period_end
),

reported AS (
    SELECT
        day,
        SUM(value) AS tickets
    FROM blip_figure
    WHERE
        queue IS NULL
        AND figure = 'closed'
        AND day >= $period_start
        AND day < $period_end
    GROUP BY day
),

ended AS (
    SELECT
        CAST(closed_at - INTERVAL '3' HOUR AS DATE) AS day,
        COUNT(*) AS tickets
    FROM ticket
    WHERE
        closed_day >= CAST($period_start AS DATE) - INTERVAL '1' DAY
        AND closed_day <= $period_end
    GROUP BY CAST(closed_at - INTERVAL '3' HOUR AS DATE)
),

compared AS (
    SELECT
        CAST(SUM(reported.tickets) AS BIGINT) AS closed_reported,
        CAST(SUM(COALESCE(ended.tickets, 0)) AS BIGINT) AS closed_stored
    FROM reported
    LEFT JOIN ended ON ended.day = reported.day
),

created AS (
    SELECT
        COUNT(*) FILTER (WHERE outcome = 'pending') AS tickets_open,
        COUNT(*) FILTER (WHERE messages = 'gone') AS messages_gone
    FROM ticket
    WHERE
        created_day >= $period_start
        AND created_day < $period_end
),

-- What waits and what is answered counts by the day on which a conversation began, whenever its last ticket was created.
not_over AS (
    SELECT COUNT(*) AS conversations
    FROM (
        SELECT conversation_id
        FROM conversation
        WHERE
            ended_day IS NULL
            AND started_day >= $period_start
            AND started_day < $period_end
        UNION
        SELECT conversation_id
        FROM ticket
        WHERE
            outcome = 'pending'
            AND created_day >= $period_start
            AND created_day < $period_end
    ) AS conversation_not_over
)

SELECT
    (SELECT CAST(COALESCE(SUM(is_loaded), 0) AS BIGINT) FROM loaded) AS days_loaded,
    (SELECT CAST(COALESCE(SUM(has_tickets), 0) AS BIGINT) FROM loaded) AS days_tickets,
    (SELECT CAST(SUM(has_answers) AS BIGINT) FROM loaded) AS days_answers,
    imported.days_imported,
    counted.tickets_stored,
    compared.closed_reported,
    compared.closed_stored,
    created.tickets_open,
    not_over.conversations AS conversations_open,
    counted.messages_missing,
    created.messages_gone,
    (SELECT MAX(day) FROM coverage WHERE resource = 'ticket' AND reported IS NOT NULL) AS last_day,
    imported.import_files,
    imported.import_groups
FROM counted
CROSS JOIN imported
CROSS JOIN compared
CROSS JOIN created
CROSS JOIN not_over
