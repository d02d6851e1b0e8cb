-- question: Who changed which permission or channel, why, and what was it before?
-- grain: one row per change that was applied in the period
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: change
-- anchor: the time of the change (UTC)
-- columns:
--   record      count       -  number in the chain
--   changed_at  local_time  -  UTC
--   person      text        -  declared person who applied it; null: nobody
--   os_user     text        -  operating-system user
--   subject     text        -  what was changed
--   before      text        -  as it was
--   after       text        -  as it is
--   reason      text        -  why; null: not said
--   plan        text        -  SHA-256 of the plan
-- unique: record
-- not null: record, changed_at
SELECT
    record,
    changed_at,
    person,
    os_user,
    subject,
    before,
    after,
    reason,
    plan
FROM change
WHERE
    CAST(changed_at AS DATE) >= $period_start
    AND CAST(changed_at AS DATE) < $period_end
    AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
ORDER BY record
