-- question: On which days is less here than Blip says it has, or than such a day usually brings?
-- grain: one row per failed check and day
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: completeness is of the whole load
-- reads: quality
-- anchor: arrival
-- columns:
--   day         date   -    the day
--   check_name  text   -    listed, counted, read, closed, volume or identities
--   said        count  -    what Blip said, or the usual of that weekday; of identities, the customers of the month
--   found       count  -    what is here
--   set_aside   count  -    of that, records that could not be understood
-- behind:
--   said, found, set_aside: dias_lidos
-- unique: day, check_name
-- not null: day, check_name, said, found, set_aside
SELECT
    day,
    check_name,
    said,
    found,
    set_aside
FROM quality
WHERE
    state = 'warn'
    AND resource <> 'table'
    AND day >= $period_start
    AND day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
ORDER BY day, check_name
