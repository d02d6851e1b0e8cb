-- question: What went to whom, when, by which way, and what became of it?
-- grain: one row per delivery of a run that was planned for the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: delivery
-- anchor: the planned time (UTC)
-- columns:
--   delivery_id     count       -  key
--   planned_at      local_time  -  UTC
--   schedule        text        -  name of the schedule
--   report          text        -  name of the report
--   period          text        -  days that it covers
--   sector          text        -  only this sector; null: all
--   channel         text        -  email, folder or webhook
--   recipient       text        -  who
--   state           text        -  pending, sending, sent, maybe_sent, failed or skipped
--   attempts        count       -  tries
--   answer          text        -  what the other side said, or why it was not sent; null: nothing
--   snapshot        text        -  what it was made from; null: nothing yet
--   content_sha256  text        -  SHA-256 of its content; null: nothing yet
-- unique: delivery_id
-- not null: delivery_id, planned_at, state
SELECT
    delivery_id,
    planned_at,
    schedule,
    report,
    period,
    sector,
    channel,
    recipient,
    state,
    attempts,
    answer,
    snapshot,
    content_sha256
FROM delivery
WHERE
    CAST(planned_at AS DATE) >= $period_start
    AND CAST(planned_at AS DATE) < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
ORDER BY
    planned_at,
    delivery_id
