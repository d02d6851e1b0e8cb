-- question: Which published figures of a period were published again with another value?
-- grain: one row per report, period, sector and figure with more than one value, for periods that begin in the asked one
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: published_figure
-- anchor: the first day of the period that the figure is about
-- columns:
--   report          text    -  name of the report
--   period          text    -  days that it covers
--   sector          text    -  only this sector; null: all
--   block           text    -  part of the report
--   figure          text    -  the figure
--   first_value     number  -  as published first; null: no value
--   last_value      number  -  as published last; null: no value
--   publications    count   -  publications with this figure
--   first_snapshot  text    -  what the first was made from
--   last_snapshot   text    -  what the last was made from
-- unique: report, period, sector, block, figure
-- not null: report, period, block, figure, publications
SELECT
    report,
    period,
    sector,
    block,
    figure,
    arg_min(value, snapshot) AS first_value,
    arg_max(value, snapshot) AS last_value,
    COUNT(*) AS publications,
    MIN(snapshot) AS first_snapshot,
    MAX(snapshot) AS last_snapshot
FROM published_figure
WHERE
    period_start >= $period_start
    AND period_start < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
GROUP BY report, period, sector, block, figure
HAVING COUNT(DISTINCT COALESCE(CAST(value AS STRING), '—')) > 1
ORDER BY
    report,
    period,
    sector,
    block,
    figure
