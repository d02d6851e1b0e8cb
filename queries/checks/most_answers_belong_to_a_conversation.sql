-- question: Do most answers to the survey belong to a conversation?
-- strength: warn
-- message: answers to the survey belong to no conversation, more than do: satisfaction by sector and attendant lacks them
-- metrics: M18, M21
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    CASE WHEN answers.alone > answers.joined THEN answers.alone ELSE 0 END AS offending
FROM (
    SELECT
        COUNT(*) FILTER (WHERE conversation_id IS NULL) AS alone,
        COUNT(conversation_id) AS joined
    FROM rating
    WHERE customer_key IS NOT NULL
) AS answers
