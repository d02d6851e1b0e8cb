-- question: What does Blip itself report of each day?
-- grain: one row per figure and day of Blip (cut at UTC−3), of a bot's whole desk or of one queue
-- parameters: none
-- reads: raw.report
-- columns:
--   key_name  text    the bot's key in the configuration
--   day       date    Blip's day
--   figure    text    closed, closed_attendant, closed_client, transferred, missed (tickets); queue, first_response, wait, response,
--                     attendance (mean seconds)
--   queue     text    of this queue only, by its name on tickets; null: of the whole desk
--   value     number  tickets or seconds
-- notes: only days that were over when they were read. An average is absent where no ticket is behind it. Blip's panel calls the queue
--   DIRECT_TRANSFER "Transferência direta"
WITH desk AS (
    SELECT
        key_name,
        day,
        unnest(['closed', 'closed_attendant', 'closed_client', 'transferred', 'missed']) AS figure,
        unnest([
            body ->> '$.closed', body ->> '$.closedAttendant', body ->> '$.closedClient', body ->> '$.transferred', body ->> '$.missed'
        ]) AS value
    FROM raw.report
    WHERE report = 'tickets' AND is_final
    UNION ALL
    SELECT
        key_name,
        day,
        unnest(['queue', 'first_response', 'wait', 'response', 'attendance']) AS figure,
        unnest([
            body ->> '$.avgQueue_s', body ->> '$.avgFirstResponse_s', body ->> '$.avgWait_s', body ->> '$.avgResponse_s',
            body ->> '$.avgAttendance_s'
        ]) AS value
    FROM raw.report
    WHERE report = 'timings' AND is_final
),

team AS (
    SELECT
        key_name,
        day,
        unnest(CAST(body AS JSON[])) AS sent
    FROM raw.report
    WHERE report = 'teams' AND is_final
),

queue AS (
    SELECT
        key_name,
        day,
        CASE sent ->> '$.name' WHEN 'Transferência direta' THEN 'DIRECT_TRANSFER' ELSE sent ->> '$.name' END AS queue,
        unnest(['closed', 'first_response', 'wait', 'response', 'attendance']) AS figure,
        unnest([
            sent ->> '$.closedTickets', sent ->> '$.averageFirstResponse_s', sent ->> '$.averageWait_s', sent ->> '$.averageResponse_s',
            sent ->> '$.averageAttendance_s'
        ]) AS value
    FROM team
)

SELECT key_name, day, figure, CAST(NULL AS VARCHAR) AS queue, CAST(value AS DOUBLE) AS value
FROM desk
WHERE value IS NOT NULL
UNION ALL
SELECT key_name, day, figure, queue, CAST(value AS DOUBLE) AS value
FROM queue
WHERE value IS NOT NULL
ORDER BY key_name, day, figure, queue
