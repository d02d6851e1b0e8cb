-- question: How often was each target met?
-- grain: one row per figure with a target and sector with such a case, then one total per figure
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   as_of_s       count  seconds since 1970 up to which everything is loaded
-- reads: target, ticket, conversation, turn, business_span
-- anchor: waits and responses by the arrival of the conversation; handling and resolution by the close, while they are open by the beginning
-- columns:
--   metric     text   -    the figure
--   row_kind   text   -    member or total
--   sector     text   -    null: the total
--   met        count  M23  cases that stayed within the target that was in force when their clock started
--   breached   count  M23  cases that did not, and open ones that are past it
--   running    count  M23  open cases that can still meet it
--   met_share  share  M23  met ÷ (met + breached); null: neither
-- behind:
--   met, breached, running, met_share: conversas_de measure=$metric
-- unique: metric, row_kind, sector
-- not null: metric, row_kind, met, breached, running
WITH kind AS (
    SELECT 'member' AS row_kind
    UNION ALL
    SELECT 'total' AS row_kind
),

fact AS (
    SELECT
        'queue_wait_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.queue_wait_s AS value_s,
        ticket.queued_since_s AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'first_response_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.first_response_s AS value_s,
        ticket.opened_since_s AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'whole_wait_s' AS metric,
        COALESCE(conversation.first_response_sector, conversation.last_sector) AS sector,
        conversation.started_day AS clock_day,
        conversation.whole_wait_s AS value_s,
        conversation.waiting_since_s AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM conversation
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR COALESCE(conversation.first_response_sector, conversation.last_sector) = $sector)
    UNION ALL
    SELECT
        'response_s' AS metric,
        turn.sector AS sector,
        turn.started_day AS clock_day,
        turn.own_s AS value_s,
        COALESCE(turn.own_since_s, turn.waiting_since_s) AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM turn
    WHERE
        turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
    UNION ALL
    SELECT
        'handling_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.handling_s AS value_s,
        ticket.in_hand_since_s AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM ticket
    WHERE
        COALESCE(ticket.closed_day, ticket.created_day) >= $period_start
        AND COALESCE(ticket.closed_day, ticket.created_day) < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'resolution_s' AS metric,
        conversation.last_sector AS sector,
        conversation.started_day AS clock_day,
        conversation.resolution_s AS value_s,
        conversation.open_since_s AS since_s,
        CAST(NULL AS BIGINT) AS mark_s
    FROM conversation
    WHERE
        COALESCE(conversation.ended_day, conversation.started_day) >= $period_start
        AND COALESCE(conversation.ended_day, conversation.started_day) < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
    UNION ALL
    SELECT
        'queue_wait_business_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.queue_wait_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        ticket.queued_business_mark_s AS mark_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'first_response_business_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.first_response_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        CASE WHEN ticket.opened_since_s IS NOT NULL THEN ticket.in_hand_business_mark_s END AS mark_s
    FROM ticket
    WHERE
        ticket.started_day >= $period_start
        AND ticket.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'whole_wait_business_s' AS metric,
        COALESCE(conversation.first_response_sector, conversation.last_sector) AS sector,
        conversation.started_day AS clock_day,
        conversation.whole_wait_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        CASE WHEN conversation.waiting_since_s IS NOT NULL THEN conversation.open_business_mark_s END AS mark_s
    FROM conversation
    WHERE
        conversation.started_day >= $period_start
        AND conversation.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR COALESCE(conversation.first_response_sector, conversation.last_sector) = $sector)
    UNION ALL
    SELECT
        'response_business_s' AS metric,
        turn.sector AS sector,
        turn.started_day AS clock_day,
        turn.own_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        turn.own_business_mark_s AS mark_s
    FROM turn
    WHERE
        turn.started_day >= $period_start
        AND turn.started_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR turn.sector = $sector)
    UNION ALL
    SELECT
        'handling_business_s' AS metric,
        ticket.sector AS sector,
        ticket.created_day AS clock_day,
        ticket.handling_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        ticket.in_hand_business_mark_s AS mark_s
    FROM ticket
    WHERE
        COALESCE(ticket.closed_day, ticket.created_day) >= $period_start
        AND COALESCE(ticket.closed_day, ticket.created_day) < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'resolution_business_s' AS metric,
        conversation.last_sector AS sector,
        conversation.started_day AS clock_day,
        conversation.resolution_business_s AS value_s,
        CAST(NULL AS BIGINT) AS since_s,
        conversation.open_business_mark_s AS mark_s
    FROM conversation
    WHERE
        COALESCE(conversation.ended_day, conversation.started_day) >= $period_start
        AND COALESCE(conversation.ended_day, conversation.started_day) < $period_end
        AND (CAST($sector AS STRING) IS NULL OR conversation.last_sector = $sector)
),

-- Open seconds of each calendar up to now.
clock AS (
    SELECT
        calendar,
        MAX(before_s + CASE WHEN until_s < $as_of_s THEN until_s ELSE $as_of_s END - from_s) AS business_s
    FROM business_span
    WHERE from_s <= $as_of_s
    GROUP BY calendar
),

-- A sector's own target takes the place of the target of all.
aimed AS (
    SELECT
        fact.metric,
        fact.sector,
        fact.value_s,
        COALESCE($as_of_s - fact.since_s, COALESCE(own_clock.business_s, common_clock.business_s) - fact.mark_s) AS elapsed_s,
        COALESCE(own.value, common.value) AS aim_s
    FROM fact
    LEFT JOIN target AS own
        ON own.metric = fact.metric
        AND own.sector = fact.sector
        AND own.from_day <= fact.clock_day
        AND (own.until_day IS NULL OR own.until_day > fact.clock_day)
    LEFT JOIN target AS common
        ON common.metric = fact.metric
        AND common.sector IS NULL
        AND common.from_day <= fact.clock_day
        AND (common.until_day IS NULL OR common.until_day > fact.clock_day)
    LEFT JOIN clock AS own_clock ON own_clock.calendar = fact.sector
    LEFT JOIN clock AS common_clock ON common_clock.calendar = '*'
    WHERE
        fact.metric IN (SELECT metric FROM target)
        AND COALESCE(own.value, common.value) IS NOT NULL
        AND (
            fact.value_s IS NOT NULL
            OR fact.since_s IS NOT NULL
            OR COALESCE(own_clock.business_s, common_clock.business_s) - fact.mark_s IS NOT NULL
        )
),

counted AS (
    SELECT
        aimed.metric,
        kind.row_kind,
        CASE WHEN kind.row_kind = 'member' THEN aimed.sector END AS sector,
        COUNT(*) FILTER (WHERE aimed.value_s <= aimed.aim_s) AS met,
        COUNT(*) FILTER (WHERE aimed.value_s > aimed.aim_s OR (aimed.value_s IS NULL AND aimed.elapsed_s > aimed.aim_s)) AS breached,
        COUNT(*) FILTER (WHERE aimed.value_s IS NULL AND aimed.elapsed_s <= aimed.aim_s) AS running
    FROM aimed
    CROSS JOIN kind
    GROUP BY
        aimed.metric,
        kind.row_kind,
        CASE WHEN kind.row_kind = 'member' THEN aimed.sector END
)

SELECT
    metric,
    row_kind,
    sector,
    met,
    breached,
    running,
    CAST(met AS DOUBLE) / NULLIF(met + breached, 0) AS met_share
FROM counted
ORDER BY
    metric,
    row_kind,
    CAST(met AS DOUBLE) / NULLIF(met + breached, 0),
    sector
