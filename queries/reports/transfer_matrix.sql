-- question: From which sector to which do conversations wander?
-- grain: one row per pair of sectors between which a conversation of the period was handed over
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only conversations that began in this sector; null: all
-- reads: conversation, sector_stay
-- anchor: arrival
-- columns:
--   from_sector    text   -    that gave it away
--   to_sector      text   -    that took it
--   changes        count  M15  changes of hands; one conversation can change several times
--   conversations  count  M15  conversations with such a change
--   changes_share  share  M15  of all changes
-- behind:
--   changes, conversations, changes_share: transferencias from_sector=$from_sector to_sector=$to_sector
-- unique: from_sector, to_sector
-- not null: from_sector, to_sector, changes, conversations, changes_share
WITH step AS (
    SELECT
        sector_stay.conversation_id,
        LAG(sector_stay.sector) OVER (PARTITION BY sector_stay.conversation_id ORDER BY sector_stay.stay_number) AS from_sector,
        sector_stay.sector AS to_sector
    FROM sector_stay
    INNER JOIN conversation ON conversation.conversation_id = sector_stay.conversation_id
    WHERE
        sector_stay.started_day >= $period_start
        AND sector_stay.started_day < $period_end
        AND conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND conversation.sector_change_count > 0
        AND (CAST($sector AS STRING) IS NULL OR conversation.first_sector = $sector)
),

counted AS (
    SELECT
        from_sector,
        to_sector,
        COUNT(*) AS changes,
        COUNT(DISTINCT conversation_id) AS conversations
    FROM step
    WHERE from_sector IS NOT NULL
    GROUP BY from_sector, to_sector
)

SELECT
    from_sector,
    to_sector,
    changes,
    conversations,
    CAST(changes AS DOUBLE) / SUM(changes) OVER () AS changes_share
FROM counted
ORDER BY
    changes DESC,
    from_sector,
    to_sector
