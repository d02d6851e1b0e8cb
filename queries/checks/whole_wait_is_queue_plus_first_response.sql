-- question: Is M8 = M6 + M7 where a conversation has one ticket?
-- strength: fail
-- message: single-ticket conversations whose whole wait is not queue wait plus first response
-- metrics: M6, M7, M8
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM conversation
INNER JOIN ticket ON ticket.conversation_id = conversation.conversation_id
WHERE
    conversation.ticket_count = 1
    AND NOT ticket.queue_wait_rejected
    AND NOT ticket.first_response_early
    AND conversation.whole_wait_s <> ticket.queue_wait_s + ticket.first_response_s
