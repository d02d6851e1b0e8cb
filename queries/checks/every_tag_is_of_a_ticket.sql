-- question: Does every tag belong to a ticket?
-- strength: fail
-- message: tags without a ticket
-- metrics: M1
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM ticket_tag
LEFT JOIN ticket ON ticket.ticket_id = ticket_tag.ticket_id
WHERE ticket.ticket_id IS NULL
