-- question: Which tags does each ticket carry?
-- grain: one row per ticket and tag
-- parameters: none
-- reads: marts.ticket
-- columns:
--   ticket_id        text  the ticket
--   conversation_id  text  its conversation
--   customer_key     text  pseudonym of the customer
--   tag              text  as given, trimmed
--   started_day      date  local day of the conversation's root
SELECT DISTINCT
    ticket_id,
    conversation_id,
    customer_key,
    trim(tag) AS tag,
    started_day
FROM (
    SELECT
        ticket_id,
        conversation_id,
        customer_key,
        started_day,
        unnest(from_json(tags, '["VARCHAR"]')) AS tag
    FROM marts.ticket
    WHERE tags IS NOT NULL
) AS carried
WHERE trim(tag) <> ''
