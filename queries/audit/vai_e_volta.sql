-- question: Which conversations came back to a sector that had given them away?
-- grain: one row per conversation that began in the period and held by one sector twice or more, with others between
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
-- reads: conversation, sector_stay, ticket
-- anchor: arrival
-- columns:
--   conversation_id  text        -    the conversation
--   sequential_id    text        -    the number of its first ticket that people see; not a key
--   started_local    local_time  -    the start
--   channel          text        -    domain of the channel
--   way              text        -    the sectors in order, joined by →
--   changes          count       M15  changes of hands
--   returns          count       -    stays in a sector that had held it before
--   waiting_s        duration    -    seconds that the customer waited in all
-- unique: conversation_id
-- not null: conversation_id, way
WITH stay AS (
    SELECT
        conversation_id,
        stay_number,
        sector,
        waiting_s,
        ROW_NUMBER() OVER (PARTITION BY conversation_id, sector ORDER BY stay_number) AS visit
    FROM sector_stay
    WHERE
        started_day >= $period_start
        AND started_day < $period_end
),

way AS (
    SELECT
        conversation_id,
        STRING_AGG(sector, ' → ' ORDER BY stay_number) AS way,
        COUNT(*) - 1 AS changes,
        COUNT(*) FILTER (WHERE visit > 1) AS returns,
        CAST(SUM(waiting_s) AS BIGINT) AS waiting_s,
        COUNT(*) FILTER (WHERE sector = $sector) AS of_sector
    FROM stay
    GROUP BY conversation_id
)

SELECT
    way.conversation_id,
    CAST(root.sequential_id AS STRING) AS sequential_id,
    conversation.started_local,
    conversation.channel,
    way.way,
    way.changes,
    way.returns,
    way.waiting_s
FROM way
INNER JOIN conversation ON conversation.conversation_id = way.conversation_id
INNER JOIN ticket AS root ON root.ticket_id = way.conversation_id
WHERE
    way.returns > 0
    AND (CAST($sector AS STRING) IS NULL OR way.of_sector > 0)
ORDER BY
    way.returns DESC,
    way.changes DESC,
    way.conversation_id
