-- question: Is what is here what Blip says it has, is it as much as such a day usually brings, and do the tables agree with themselves?
-- grain: one row per check and day; of the checks of tables one row each, on the last day that is loaded
-- parameters: none
-- reads: marts.coverage, marts.ticket, raw.report, staging.quarantine, settings.holiday, state.check_result, state.unnamed_customer
-- columns:
--   check_name  text   listed (records of Blip's list), counted (event counters), read (tickets with messages), closed (Blip's own
--                      day report), volume (the usual of that weekday), identities (customers of earlier loads), or the name of a file
--                      of queries/checks
--   resource    text   ticket, message or event; customer for identities; table for checks of tables
--   day         date   local; for identities the last day of its month with a ticket; for closed, Blip's day, cut at UTC−3
--   said        count  what Blip said; for volume, the median of the eight same weekdays before; for identities, customers of the month
--   found       count  what is here; for identities, those whose identity a source has named since; of a check of tables, rows that break its rule
--   set_aside   count  of that, records that could not be understood
--   state       text   ok, warn, fail (no report is made), or explained (the store begins here: tickets from before are not in it)
-- notes: a day is looked at once it is over. No tickets on a working day are a warning where five or more are usual, few where
--   less than a quarter of at least twenty came. Holidays bring what they bring.
WITH understood AS (
    SELECT
        day,
        count(*) AS set_aside
    FROM staging.quarantine
    WHERE day IS NOT NULL
    GROUP BY day
),

listed AS (
    SELECT
        CASE coverage.resource WHEN 'ticket' THEN 'listed' WHEN 'event' THEN 'counted' ELSE 'read' END AS check_name,
        coverage.resource,
        coverage.day,
        coverage.reported AS said,
        coverage.stored AS found,
        coverage.set_aside + CASE WHEN coverage.resource = 'ticket' THEN coalesce(understood.set_aside, 0) ELSE 0 END AS set_aside,
        CASE WHEN coverage.stored >= coverage.reported THEN 'ok' ELSE 'warn' END AS state
    FROM marts.coverage
    LEFT JOIN understood ON understood.day = coverage.day
    WHERE coverage.resource <> 'import' AND coverage.reported IS NOT NULL
),

span AS (
    SELECT
        min(day) AS first_day,
        max(day) FILTER (WHERE is_complete) AS last_day
    FROM marts.coverage
    WHERE resource = 'ticket' AND reported IS NOT NULL
),

blip_closed AS (
    SELECT
        day,
        sum(CAST(body ->> '$.closed' AS BIGINT)) AS said
    FROM raw.report
    WHERE report = 'tickets' AND is_final
    GROUP BY day
),

own_closed AS (
    SELECT
        CAST(closed_at - INTERVAL 3 HOUR AS DATE) AS day,
        count(*) AS found
    FROM marts.ticket
    WHERE closed_at IS NOT NULL
    GROUP BY CAST(closed_at - INTERVAL 3 HOUR AS DATE)
),

closed AS (
    SELECT
        'closed' AS check_name,
        'ticket' AS resource,
        blip_closed.day,
        blip_closed.said,
        coalesce(own_closed.found, 0) AS found,
        0 AS set_aside,
        CASE
            WHEN coalesce(own_closed.found, 0) >= blip_closed.said THEN 'ok'
            WHEN blip_closed.day < span.first_day + 7 THEN 'explained'
            ELSE 'warn'
        END AS state
    FROM blip_closed
    CROSS JOIN span
    LEFT JOIN own_closed ON own_closed.day = blip_closed.day
    WHERE blip_closed.said IS NOT NULL AND blip_closed.day >= span.first_day
),

arrived AS (
    SELECT
        CAST(day.day AS DATE) AS day,
        isodow(day.day) AS weekday,
        count(ticket.ticket_id) AS found
    FROM (SELECT unnest(generate_series(first_day, last_day, INTERVAL 1 DAY)) AS day FROM span) AS day
    LEFT JOIN marts.ticket ON ticket.created_day = CAST(day.day AS DATE)
    GROUP BY day.day
),

usual AS (
    SELECT
        arrived.day,
        arrived.found,
        median(arrived.found) FILTER (WHERE holiday.day IS NULL) OVER same_weekday AS said,
        holiday.day IS NOT NULL AS is_holiday
    FROM arrived
    LEFT JOIN settings.holiday ON holiday.day = arrived.day
    WINDOW same_weekday AS (PARTITION BY arrived.weekday ORDER BY arrived.day ROWS BETWEEN 8 PRECEDING AND 1 PRECEDING)
),

volume AS (
    SELECT
        'volume' AS check_name,
        'ticket' AS resource,
        day,
        CAST(floor(said) AS BIGINT) AS said,
        found,
        0 AS set_aside,
        CASE
            WHEN is_holiday THEN 'ok'
            WHEN said >= 5 AND found = 0 THEN 'warn'
            WHEN said >= 20 AND found < said / 4 THEN 'warn'
            ELSE 'ok'
        END AS state
    FROM usual
    WHERE said IS NOT NULL
),

-- Whose identity nobody names any more can be the same person as another customer.
identities AS (
    SELECT
        'identities' AS check_name,
        'customer' AS resource,
        max(ticket.created_day) AS day,
        count(DISTINCT ticket.customer_key) AS said,
        count(DISTINCT ticket.customer_key) FILTER (unnamed.customer_key IS NULL) AS found,
        0 AS set_aside,
        'warn' AS state
    FROM marts.ticket
    LEFT JOIN state.unnamed_customer AS unnamed ON unnamed.customer_key = ticket.customer_key
    GROUP BY date_trunc('month', ticket.created_day)
    HAVING count(unnamed.customer_key) > 0
)

SELECT check_name, resource, day, CAST(said AS BIGINT) AS said, CAST(found AS BIGINT) AS found, CAST(set_aside AS BIGINT) AS set_aside, state
FROM listed
UNION ALL
SELECT check_name, resource, day, CAST(said AS BIGINT), CAST(found AS BIGINT), CAST(set_aside AS BIGINT), state
FROM closed
UNION ALL
SELECT check_name, resource, day, said, CAST(found AS BIGINT), CAST(set_aside AS BIGINT), state
FROM volume
UNION ALL
SELECT check_name, resource, day, said, found, CAST(set_aside AS BIGINT), state
FROM identities
UNION ALL
SELECT
    check_result.check_name,
    'table' AS resource,
    last_read.day,
    0 AS said,
    check_result.offending AS found,
    0 AS set_aside,
    CASE WHEN check_result.offending = 0 THEN 'ok' ELSE check_result.strength END AS state
FROM state.check_result
CROSS JOIN (SELECT max(day) AS day FROM marts.coverage) AS last_read
WHERE last_read.day IS NOT NULL
ORDER BY check_name, day
