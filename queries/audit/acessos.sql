-- question: Who asked what of the data, why, and with which outcome?
-- grain: one row per question that was asked or refused in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   who           text  only this person or operating-system user; null: all
-- reads: access
-- anchor: the time of the question (UTC)
-- columns:
--   record         count       -  number in the chain
--   asked_at       local_time  -  UTC
--   person         text        -  declared person; null: nobody
--   os_user        text        -  operating-system user
--   name           text        -  saved question; null: SQL of their own
--   sql            text        -  what ran
--   tables         text        -  tables that it read
--   snapshot       text        -  what was asked
--   reason         text        -  why; null: not said
--   outcome        text        -  answered, failed, refused or broken off
--   rows           count       -  rows that were handed out; null: none
--   duration_ms    count       -  milliseconds; null: refused, or broken off
--   result_sha256  text        -  SHA-256 of what was handed out; null: nothing
--   export         text        -  file that it went to; null: none
--   told           text        -  why it was refused or failed; null: it was not
-- unique: record
-- not null: record, asked_at, outcome
SELECT
    record,
    asked_at,
    person,
    os_user,
    name,
    sql,
    tables,
    snapshot,
    reason,
    outcome,
    rows,
    duration_ms,
    result_sha256,
    export,
    told
FROM access
WHERE
    CAST(asked_at AS DATE) >= $period_start
    AND CAST(asked_at AS DATE) < $period_end
    AND (CAST($who AS STRING) IS NULL OR person = $who OR os_user = $who)
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
ORDER BY record
