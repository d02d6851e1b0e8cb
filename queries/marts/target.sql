-- question: What should each figure reach, and since when?
-- grain: one row per target and stretch of days in which it holds
-- parameters: none
-- reads: settings.target
-- columns:
--   metric     text    the figure by the name of its column
--   sector     text    of this sector, in place of the target of all; null: of all
--   from_day   date    first local day
--   until_day  date    first local day of the next target; null: holds still
--   value      number  seconds for durations, 0–1 for shares
SELECT metric, sector, from_day, until_day, value
FROM settings.target
ORDER BY metric, sector, from_day
