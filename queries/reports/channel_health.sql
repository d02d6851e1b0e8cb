-- question: Which channels receive as usual, which have fallen silent, which are set wrongly?
-- grain: one row per channel that is set, or by which any conversation began in the eight weeks before the period's end; one more for those
--   that name no channel
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  ignored: a channel belongs to the whole house
-- reads: conversation, calendar_day, channel_state
-- anchor: arrival
-- columns:
--   channel        text        -    domain of the channel; null: conversations that name none
--   health         text        -    misconfigured, silent, connected (set, and receives as usual), receiving (how it is set is not known)
--   conversations  count       M27  conversations that began in the period
--   last_local     local_time  -    the newest conversation's start; null: none in eight weeks
--   silent_hours   count       -    whole clock hours since then, up to the newest conversation by any channel; null: none in eight weeks, or no channel
--   usual          number      -    conversations that such hours usually bring, by the mean of each weekday and hour of the eight weeks; null: as silent_hours
--   missing        text        -    keys that are missing or switched off; null: none, or not known
-- behind:
--   conversations: conversas_de measure=conversations
-- unique: channel
-- not null: health, conversations
-- notes: silent is a stretch that usually brings seven conversations or more: with such a mean none comes by chance once in a thousand
--   times. When no channel receives anything, none is silent by this measure: completeness tells of that
WITH hour_of_day AS (
    SELECT hour_number
    FROM (
        VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11),
        (12), (13), (14), (15), (16), (17), (18), (19), (20), (21), (22), (23)
    ) AS hours (hour_number)
),

window_day AS (
    SELECT DISTINCT
        day,
        weekday
    FROM calendar_day
    WHERE
        day >= CAST($period_end AS DATE) - INTERVAL '56' DAY
        AND day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR CAST($sector AS STRING) IS NOT NULL)
),

weekday_count AS (
    SELECT
        weekday,
        COUNT(*) AS days
    FROM window_day
    GROUP BY weekday
),

begun AS (
    SELECT
        channel,
        started_local,
        started_day,
        started_weekday,
        started_hour
    FROM conversation
    WHERE
        started_day >= CAST($period_end AS DATE) - INTERVAL '56' DAY
        AND started_day < $period_end
),

newest AS (
    SELECT
        started_day AS end_day,
        started_hour AS end_hour
    FROM begun
    QUALIFY ROW_NUMBER() OVER (ORDER BY started_local DESC) = 1
),

newest_of_channel AS (
    SELECT
        channel,
        started_local,
        started_day,
        started_hour
    FROM begun
    WHERE channel IS NOT NULL
    QUALIFY ROW_NUMBER() OVER (PARTITION BY channel ORDER BY started_local DESC) = 1
),

rate AS (
    SELECT
        begun.channel,
        begun.started_weekday AS weekday,
        begun.started_hour AS hour_number,
        CAST(COUNT(*) AS DOUBLE) / MAX(weekday_count.days) AS usual
    FROM begun
    INNER JOIN weekday_count ON weekday_count.weekday = begun.started_weekday
    GROUP BY begun.channel, begun.started_weekday, begun.started_hour
),

silence AS (
    SELECT
        newest_of_channel.channel,
        COUNT(*) AS silent_hours,
        SUM(COALESCE(rate.usual, 0.0)) AS usual
    FROM newest_of_channel
    CROSS JOIN newest
    CROSS JOIN window_day
    CROSS JOIN hour_of_day
    LEFT JOIN rate
        ON rate.channel = newest_of_channel.channel
        AND rate.weekday = window_day.weekday
        AND rate.hour_number = hour_of_day.hour_number
    WHERE
        (
            window_day.day > newest_of_channel.started_day
            OR (window_day.day = newest_of_channel.started_day AND hour_of_day.hour_number > newest_of_channel.started_hour)
        )
        AND (
            window_day.day < newest.end_day
            OR (window_day.day = newest.end_day AND hour_of_day.hour_number < newest.end_hour)
        )
    GROUP BY newest_of_channel.channel
),

in_period AS (
    SELECT
        channel,
        COUNT(*) AS conversations
    FROM begun
    WHERE channel IS NOT NULL AND started_day >= $period_start
    GROUP BY channel
),

known AS (
    SELECT channel
    FROM newest_of_channel
    UNION
    SELECT channel
    FROM channel_state
    WHERE state <> 'absent'
),

joined AS (
    SELECT
        known.channel,
        channel_state.state,
        channel_state.missing,
        newest_of_channel.started_local AS last_local,
        CASE WHEN newest_of_channel.channel IS NOT NULL THEN COALESCE(silence.silent_hours, 0) END AS silent_hours,
        CASE WHEN newest_of_channel.channel IS NOT NULL THEN COALESCE(silence.usual, 0.0) END AS usual,
        COALESCE(in_period.conversations, 0) AS conversations
    FROM known
    LEFT JOIN channel_state ON channel_state.channel = known.channel
    LEFT JOIN newest_of_channel ON newest_of_channel.channel = known.channel
    LEFT JOIN silence ON silence.channel = known.channel
    LEFT JOIN in_period ON in_period.channel = known.channel
    UNION ALL
    -- What comes by no known channel is counted; whether it is silent nobody can say.
    SELECT
        CAST(NULL AS STRING) AS channel,
        CAST(NULL AS STRING) AS state,
        CAST(NULL AS STRING) AS missing,
        MAX(started_local) AS last_local,
        CAST(NULL AS BIGINT) AS silent_hours,
        CAST(NULL AS DOUBLE) AS usual,
        COUNT(*) FILTER (WHERE started_day >= $period_start) AS conversations
    FROM begun
    WHERE channel IS NULL
    HAVING COUNT(*) > 0
)

SELECT
    channel,
    CASE
        WHEN state = 'misconfigured' THEN 'misconfigured'
        WHEN usual >= 7.0 THEN 'silent'
        WHEN state = 'connected' THEN 'connected'
        ELSE 'receiving'
    END AS health,
    conversations,
    last_local,
    silent_hours,
    usual,
    missing
FROM joined
ORDER BY channel
