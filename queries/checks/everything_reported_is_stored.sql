-- question: Was as much stored as Blip said it had?
-- strength: warn
-- message: days on which Blip reported more records than were stored
-- metrics: M28
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT COUNT(*) AS offending
FROM coverage
WHERE resource IN ('ticket', 'event') AND stored < reported
