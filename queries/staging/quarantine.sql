-- question: Which records were received but could not be understood?
-- grain: one row per ticket whose newest answer is set aside
-- parameters: none
-- reads: staging.received_ticket, settings.offset_span
-- columns:
--   resource      text  the kind of record
--   record_id     text  Blip's id
--   customer_key  text  pseudonym of the customer
--   reason        text  what is wrong with it
--   day           date  local day of its creation; null: not known
-- notes: the other tickets are in staging.ticket
SELECT
    'ticket' AS resource,
    received.ticket_id AS record_id,
    received.customer_key,
    received.fault AS reason,
    CAST(received.created_at + to_seconds(created_span.offset_s) AS DATE) AS day
FROM staging.received_ticket AS received
ASOF LEFT JOIN settings.offset_span AS created_span ON received.created_at >= created_span.from_at
WHERE received.fault IS NOT NULL
