-- question: What did customers write beside their answers to the satisfaction survey?
-- grain: one row per answer with a comment
-- parameters: none
-- reads: restricted.comment, marts.rating
-- columns:
--   rating_id        text  key of the answer
--   conversation_id  text  the rated conversation; null: none is known
--   sector           text  that of the answer; null: none
--   period_day       date  that of the answer
--   comment          text  as written
-- notes: restricted: reports do not see this table, and questions only of profiles that [access] names
SELECT
    rating.rating_id,
    rating.conversation_id,
    rating.sector,
    rating.period_day,
    comment.comment
FROM restricted.comment
INNER JOIN marts.rating ON rating.rating_id = comment.event_id
