-- question: When is each calendar of business hours open?
-- grain: one row per calendar and stretch of open hours, from the first ticket until 400 days after the last day that is known; and an empty
--   one per calendar at its beginning
-- parameters: none
-- reads: settings.calendar, settings.business_span, marts.ticket, marts.calendar_day
-- columns:
--   calendar  text   the sector whose calendar it is; `*`: every sector without one
--   from_s    count  seconds from 1970 to the beginning
--   until_s   count  seconds from 1970 to the end
--   before_s  count  open seconds of the calendar before the beginning
-- notes: business seconds of a case that is open still are those of its calendar up to now, less its mark (see marts.ticket)
SELECT
    calendar,
    CAST(0 AS BIGINT) AS from_s,
    CAST(0 AS BIGINT) AS until_s,
    CAST(0 AS BIGINT) AS before_s
FROM settings.calendar
UNION ALL
SELECT
    calendar,
    CAST(epoch(from_at) AS BIGINT) AS from_s,
    CAST(epoch(to_at) AS BIGINT) AS until_s,
    CAST(before_s AS BIGINT) AS before_s
FROM settings.business_span
WHERE
    to_at >= (SELECT min(created_at) FROM marts.ticket)
    AND from_at < (SELECT max(day) FROM marts.calendar_day) + INTERVAL 400 DAY
ORDER BY calendar, from_s, until_s
