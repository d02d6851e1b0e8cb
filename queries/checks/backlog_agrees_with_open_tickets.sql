-- question: Does what came minus what went leave exactly the open tickets?
-- strength: fail
-- message: tickets by which the daily backlog differs from the open tickets
-- metrics: M5
-- columns:
--   offending  count  rows that break the rule; 0: all is well
WITH last_day AS (
    SELECT MAX(day) AS day
    FROM calendar_day
),

counted AS (
    SELECT COALESCE(SUM(calendar_day.open_end), 0) AS tickets
    FROM calendar_day
    INNER JOIN last_day ON last_day.day = calendar_day.day
),

listed AS (
    SELECT COUNT(*) AS tickets
    FROM ticket
    CROSS JOIN last_day
    WHERE
        ticket.created_day <= last_day.day
        AND (ticket.closed_day IS NULL OR ticket.closed_day > last_day.day)
)

SELECT ABS(counted.tickets - listed.tickets) AS offending
FROM counted
CROSS JOIN listed
