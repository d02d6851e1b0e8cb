-- question: Is any wait longer than anybody would have waited?
-- strength: warn
-- message: waits of more than a month: a ticket that was forgotten, or clocks that disagree
-- metrics: M6, M8, M9
-- holds for: each customer
-- columns:
--   offending  count  rows that break the rule; 0: all is well
SELECT
    (SELECT COUNT(*) FROM ticket WHERE queue_wait_s > 2678400)
    + (SELECT COUNT(*) FROM turn WHERE whole_s > 2678400) AS offending
