-- question: How were requests settled: how soon, by how many hands, and did the customer come back?
-- grain: one row per member of the dimension with a conversation that ended in the period, then one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel or tag
-- reads: conversation, ticket_tag
-- rows: there on a day of the period
-- anchor: the end of the conversation; transfers, too, of the conversations that ended
-- columns:
--   row_kind                text      -    member or total
--   member                  text      -    the sector, attendant, channel or tag; null: the total, and what has none
--   ended                   count     M11  conversations that ended with the member
--   resolution_n            count     M11  of these, with a time: an end before the beginning is none
--   resolution_mean_s       duration  M11  from the start to the end, mean; null: none ended
--   resolution_median_s     duration  M11  median; null: none ended
--   resolution_p90_s        duration  M11  90th percentile; null: none ended
--   resolution_min_s        duration  -    smallest
--   resolution_max_s        duration  -    largest
--   full_n                  count     M11  of these, settled for good: no return within seven days is still open
--   full_resolution_mean_s  duration  M11  the same up to the end of the last return within seven days; null: none
--   one_touch_n             count     M17  of the ended ones, those whose messages are here
--   one_touch_share         share     M17  of these, settled by one ticket and one reply; null: none
--   ended_moved_share       share     M15  of the ended ones, those that changed the sector; null: none ended
--   ended_transfers_mean    number    M15  transfers ÷ ended; null: none ended
--   returned_24h            count     M16  of the ended ones, followed within 24 hours by another of the customer in the same sector
--   returned_24h_share      share     M16  their share; null: none ended
--   returned_7d             count     M16  the same within seven days
--   returned_7d_share       share     M16  their share; null: none ended
-- behind:
--   ended, resolution_n, resolution_mean_s, resolution_median_s, resolution_p90_s, resolution_min_s, resolution_max_s: conversas_de measure=resolution
--   full_n, full_resolution_mean_s: conversas_de measure=full_resolution
--   one_touch_n: conversas_de measure=one_touch_known
--   one_touch_share: conversas_de measure=one_touch
--   ended_moved_share: conversas_de measure=ended_moved
--   ended_transfers_mean: conversas_de measure=ended_transfers
--   returned_24h, returned_24h_share: conversas_de measure=returned_24h
--   returned_7d, returned_7d_share: conversas_de measure=returned_7d
-- unique: row_kind, member
-- not null: row_kind, ended, resolution_n, full_n, one_touch_n, returned_24h, returned_7d
WITH kind AS (
    SELECT 'member' AS row_kind
    UNION ALL
    SELECT 'total' AS row_kind
),

-- Tags of a ticket, and of a conversation those of all its tickets.
tagged AS (
    SELECT
        CONCAT('ticket ', ticket_id) AS tag_key,
        tag
    FROM ticket_tag
    WHERE $dimension = 'tag'
    UNION
    SELECT
        CONCAT('conversation ', conversation_id) AS tag_key,
        tag
    FROM ticket_tag
    WHERE $dimension = 'tag'
),

fact AS (
    SELECT
        'ended' AS anchor,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        conversation.resolution_s,
        conversation.full_resolution_s,
        conversation.is_one_touch,
        conversation.sector_change_count,
        conversation.transfer_count,
        conversation.returned_after_s
    FROM conversation
    WHERE
        conversation.ended_day >= $period_start
        AND conversation.ended_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
    UNION ALL
    -- There is a total even where nothing happened.
    SELECT
        'none' AS anchor,
        CAST(NULL AS STRING) AS sector,
        CAST(NULL AS STRING) AS agent,
        CAST(NULL AS STRING) AS channel,
        CAST(NULL AS STRING) AS tag_key,
        CAST(NULL AS BIGINT) AS resolution_s,
        CAST(NULL AS BIGINT) AS full_resolution_s,
        CAST(NULL AS BOOLEAN) AS is_one_touch,
        CAST(NULL AS BIGINT) AS sector_change_count,
        CAST(NULL AS BIGINT) AS transfer_count,
        CAST(NULL AS BIGINT) AS returned_after_s
),

placed AS (
    SELECT
        kind.row_kind,
        CASE
            WHEN kind.row_kind = 'total' THEN CAST(NULL AS STRING)
            WHEN $dimension = 'sector' THEN fact.sector
            WHEN $dimension = 'agent' THEN fact.agent
            WHEN $dimension = 'channel' THEN fact.channel
            WHEN $dimension = 'tag' THEN tagged.tag
        END AS member,
        fact.anchor,
        fact.resolution_s,
        fact.full_resolution_s,
        fact.is_one_touch,
        fact.sector_change_count,
        fact.transfer_count,
        fact.returned_after_s
    FROM fact
    CROSS JOIN kind
    LEFT JOIN tagged
        ON tagged.tag_key = CASE WHEN kind.row_kind = 'member' THEN fact.tag_key END
),

counted AS (
    SELECT
        row_kind,
        member,
        COUNT(*) FILTER (WHERE anchor = 'ended') AS ended,
        COUNT(resolution_s) AS resolution_n,
        AVG(resolution_s) AS resolution_mean_s,
        ROUND(percentile_cont(0.5) WITHIN GROUP (ORDER BY resolution_s), 1) AS resolution_median_s,
        ROUND(percentile_cont(0.9) WITHIN GROUP (ORDER BY resolution_s), 1) AS resolution_p90_s,
        MIN(resolution_s) AS resolution_min_s,
        MAX(resolution_s) AS resolution_max_s,
        COUNT(full_resolution_s) AS full_n,
        AVG(full_resolution_s) AS full_resolution_mean_s,
        COUNT(is_one_touch) AS one_touch_n,
        COUNT(*) FILTER (WHERE is_one_touch) AS one_touch,
        COUNT(*) FILTER (WHERE sector_change_count > 0) AS moved,
        SUM(transfer_count) AS transfers,
        COUNT(*) FILTER (WHERE returned_after_s <= 86400) AS returned_24h,
        COUNT(*) FILTER (WHERE returned_after_s <= 604800) AS returned_7d
    FROM placed
    GROUP BY row_kind, member
    -- After the grouping: before it, all rows are compared in the join with the kinds of line.
    HAVING COUNT(*) FILTER (WHERE anchor = 'ended') > 0 OR row_kind = 'total'
)

SELECT
    row_kind,
    member,
    ended,
    resolution_n,
    resolution_mean_s,
    resolution_median_s,
    resolution_p90_s,
    resolution_min_s,
    resolution_max_s,
    full_n,
    full_resolution_mean_s,
    one_touch_n,
    CAST(one_touch AS DOUBLE) / NULLIF(one_touch_n, 0) AS one_touch_share,
    CAST(moved AS DOUBLE) / NULLIF(ended, 0) AS ended_moved_share,
    CAST(transfers AS DOUBLE) / NULLIF(ended, 0) AS ended_transfers_mean,
    returned_24h,
    CAST(returned_24h AS DOUBLE) / NULLIF(ended, 0) AS returned_24h_share,
    returned_7d,
    CAST(returned_7d AS DOUBLE) / NULLIF(ended, 0) AS returned_7d_share
FROM counted
ORDER BY
    row_kind,
    ended DESC,
    member
