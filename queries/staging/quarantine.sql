-- question: Which records were received but could not be understood?
-- grain: one row per ticket whose newest answer is set aside
-- parameters: none
-- reads: raw.ticket, raw.imported_ticket, settings.offset_span
-- columns:
--   resource      text  the kind of record
--   record_id     text  Blip's id
--   customer_key  text  pseudonym of the customer
--   reason        text  what is wrong with it
--   day           date  local day of its creation; null: not known
-- notes: staging.ticket and this table share the received tickets between them, row for row
WITH known AS (
    SELECT ticket_id, customer_key, body
    FROM raw.ticket
    QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY version DESC) = 1
    UNION ALL
    SELECT imported.ticket_id, imported.customer_key, imported.body
    FROM raw.imported_ticket AS imported
    ANTI JOIN raw.ticket ON ticket.ticket_id = imported.ticket_id
),

latest AS (
    SELECT
        ticket_id,
        customer_key,
        body ->> '$.status' AS status,
        TRY_CAST(body ->> '$.storageDate' AS TIMESTAMP) AS created_at
    FROM known
)

SELECT
    'ticket' AS resource,
    latest.ticket_id AS record_id,
    latest.customer_key,
    CASE
        WHEN latest.created_at IS NULL THEN 'no creation date'
        WHEN latest.created_at < TIMESTAMP '2010-01-01' THEN 'created before there was a Blip'
        ELSE 'unknown status `' || coalesce(latest.status, '') || '`'
    END AS reason,
    CAST(latest.created_at + to_seconds(created_span.offset_s) AS DATE) AS day
FROM latest
ASOF LEFT JOIN settings.offset_span AS created_span ON latest.created_at >= created_span.from_at
WHERE
    latest.created_at IS NULL
    OR latest.created_at < TIMESTAMP '2010-01-01'
    OR latest.status IS NULL
    OR NOT (latest.status IN ('None', 'Waiting', 'Assigned', 'Open', 'Transferred') OR starts_with(latest.status, 'Closed'))
