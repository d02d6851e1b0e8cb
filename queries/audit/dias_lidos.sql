-- question: What was read of each day, against what Blip said it had?
-- grain: one row per resource and local day of the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: coverage
-- anchor: arrival
-- columns:
--   day          date   -    local
--   resource     text   -    ticket, message or event; import for days that imported files cover
--   reported     count  M28  records that Blip said it had; for messages, the tickets of the day; null: never asked
--   stored       count  M28  records that arrived
--   set_aside    count  -    of these, records that could not be kept
--   is_complete  flag   M28  the whole day was over when it was read, and nothing was missing
--   files        text   -    names of the imported files that cover the day; null: none
-- unique: day, resource
-- not null: day, resource
SELECT
    day,
    resource,
    reported,
    stored,
    set_aside,
    is_complete,
    files
FROM coverage
WHERE
    day >= $period_start
    AND day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
ORDER BY
    day,
    resource
