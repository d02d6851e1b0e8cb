-- question: How many tickets came to each sector, day by day?
-- grain: one row per sector and local day of the period that is within the loaded history, days without tickets included
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: calendar_day
-- anchor: arrival of the ticket
-- columns:
--   sector    text   -   the sector
--   day       date   -   local
--   created   count  M1  tickets created
--   closed    count  M4  tickets closed, by whatever
--   open_end  count  M5  tickets open at the end of the day
-- behind:
--   created: conversas_de measure=tickets
--   closed: tickets_encerrados
--   open_end: conversas_de measure=open_end
-- unique: sector, day
-- not null: sector, day, created, closed, open_end
SELECT
    sector,
    day,
    created,
    closed,
    open_end
FROM calendar_day
WHERE
    day >= $period_start
    AND day < $period_end
    AND (CAST($sector AS STRING) IS NULL OR sector = $sector)
ORDER BY
    sector,
    day
