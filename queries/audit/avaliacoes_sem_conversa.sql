-- question: Which survey answers belong to no conversation that is known?
-- grain: one row per answer
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: rating
-- anchor: the day of the answer
-- columns:
--   rating_id    text        -    key of the answer
--   answered_at  local_time  -    UTC
--   period_day   date        -    local day of the answer
--   sector       text        -    named by the answer itself; null: it names none
--   source       text        -    events, rating or import
--   raw_answer   text        -    as given
--   score        number      M19  null: not valid
--   validity     text        -    valid, invalid or none
-- unique: rating_id
-- not null: rating_id, period_day
SELECT
    rating_id,
    answered_at,
    period_day,
    sector,
    source,
    raw_answer,
    score,
    validity
FROM rating
WHERE
    conversation_id IS NULL
    AND period_day >= $period_start
    AND period_day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
ORDER BY
    answered_at,
    rating_id
