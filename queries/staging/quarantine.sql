-- question: Which records were received but could not be understood?
-- grain: one row per ticket whose newest answer is set aside
-- parameters: none
-- reads: raw.ticket
-- columns:
--   resource   text  the kind of record
--   record_id  text  Blip's id
--   reason     text  what is wrong with it
-- notes: staging.ticket and this table share raw.ticket between them, row for row
WITH latest AS (
    SELECT
        ticket_id,
        body ->> '$.status' AS status,
        TRY_CAST(body ->> '$.storageDate' AS TIMESTAMP) AS created_at
    FROM raw.ticket
    QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY version DESC) = 1
)

SELECT
    'ticket' AS resource,
    ticket_id AS record_id,
    CASE
        WHEN created_at IS NULL THEN 'no creation date'
        ELSE 'unknown status `' || coalesce(status, '') || '`'
    END AS reason
FROM latest
WHERE
    created_at IS NULL
    OR created_at < TIMESTAMP '2010-01-01'
    OR status IS NULL
    OR NOT (status IN ('None', 'Waiting', 'Assigned', 'Open', 'Transferred') OR starts_with(status, 'Closed'))
