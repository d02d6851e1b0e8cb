-- question: How satisfied are customers with each sector, attendant, channel or tag, and how many answered?
-- grain: one row per member of the dimension with a close, an answer or a survey in the period, and one total
-- parameters:
--   period_start  date  first local day, inclusive
--   period_end    date  local day after the last, exclusive
--   sector        text  only this sector; null: all
--   dimension     text  sector, agent, channel or tag
-- reads: rating, ticket, ticket_tag, conversation
-- rows: there on a day of the period
-- anchor: the close: answers and surveys by the day their conversation ended, tickets by their own close
-- columns:
--   row_kind       text    -    member or total
--   member         text    -    the sector, attendant, channel or tag; null: the total, and what has none
--   closed         count   M4   tickets closed, transfers apart
--   ratings        count   M18  valid answers that count: the last one of each conversation
--   invalid        count   M18  answers without a score, such as free text
--   no_answer      count   M18  what the flow recorded in place of an answer, such as "Outro"; neither valid nor invalid
--   score_1        count   M19  answers with score 1, on a scale of 1 to 5
--   score_2        count   M19  answers with score 2
--   score_3        count   M19  answers with score 3
--   score_4        count   M19  answers with score 4
--   score_5        count   M19  answers with score 5
--   csat_share     share   M18  satisfied ÷ ratings; null: no answer, or another scale
--   csat_low       share   M22  lower bound; null: as csat_share
--   csat_high      share   M22  upper bound; null: as csat_share
--   csat_mean      number  M19  mean score on its own scale; null: no answer
--   detractors     count   M20  answers of 0 to 6, on a scale of 0 to 10
--   passives       count   M20  answers of 7 and 8
--   promoters      count   M20  answers of 9 and 10
--   nps            number  M20  (promoters − detractors) ÷ their answers × 100; null: no answer, or another scale
--   nps_low        number  M22  lower bound of nps at 95 %; null: as nps
--   nps_high       number  M22  upper bound of nps at 95 %; null: as nps
--   surveys_sent   count   M21  surveys seen among the messages of conversations that ended in the period; 0: none was seen
--   response_rate  share   M21  ratings of conversations with a survey ÷ surveys_sent where one was seen, else ratings ÷ closed; null: nothing closed
--   few            flag    M22  fewer than 30 answers: too few to rank
-- behind:
--   closed, response_rate: conversas_de measure=closed
--   ratings, csat_low, csat_high, csat_mean, nps, nps_low, nps_high, few: conversas_de measure=ratings
--   invalid: conversas_de measure=invalid
--   no_answer: conversas_de measure=no_answer
--   surveys_sent: conversas_de measure=surveyed
--   csat_share: conversas_de measure=satisfied
--   score_1: conversas_de measure=score_1
--   score_2: conversas_de measure=score_2
--   score_3: conversas_de measure=score_3
--   score_4: conversas_de measure=score_4
--   score_5: conversas_de measure=score_5
--   detractors: conversas_de measure=detractors
--   passives: conversas_de measure=passives
--   promoters: conversas_de measure=promoters
-- unique: row_kind, member
-- not null: row_kind, closed, ratings, invalid, no_answer, surveys_sent, few
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
        'closed' AS anchor,
        ticket.sector,
        ticket.agent,
        ticket.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('ticket ', ticket.ticket_id) END AS tag_key,
        CAST(NULL AS STRING) AS validity,
        FALSE AS counted,
        FALSE AS was_asked,
        CAST(NULL AS BOOLEAN) AS is_satisfied,
        CAST(NULL AS STRING) AS scale,
        CAST(NULL AS DOUBLE) AS score,
        0 AS surveys
    FROM ticket
    WHERE
        ticket.outcome NOT IN ('transferred', 'gone')
        AND ticket.closed_day >= $period_start
        AND ticket.closed_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR ticket.sector = $sector)
    UNION ALL
    SELECT
        'rated' AS anchor,
        rating.sector,
        rating.agent,
        rating.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', rating.conversation_id) END AS tag_key,
        rating.validity,
        rating.counted,
        COALESCE(rating.was_asked, FALSE) AS was_asked,
        rating.is_satisfied,
        rating.scale,
        rating.score,
        0 AS surveys
    FROM rating
    WHERE
        rating.period_day >= $period_start
        AND rating.period_day < $period_end
        AND (CAST($sector AS STRING) IS NULL OR rating.sector = $sector)
    UNION ALL
    SELECT
        'asked' AS anchor,
        conversation.last_sector AS sector,
        conversation.last_agent AS agent,
        conversation.channel,
        CASE WHEN $dimension = 'tag' THEN CONCAT('conversation ', conversation.conversation_id) END AS tag_key,
        CAST(NULL AS STRING) AS validity,
        FALSE AS counted,
        FALSE AS was_asked,
        CAST(NULL AS BOOLEAN) AS is_satisfied,
        CAST(NULL AS STRING) AS scale,
        CAST(NULL AS DOUBLE) AS score,
        conversation.surveys_sent AS surveys
    FROM conversation
    WHERE
        conversation.surveys_sent > 0
        AND conversation.ended_day >= $period_start
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
        CAST(NULL AS STRING) AS validity,
        FALSE AS counted,
        FALSE AS was_asked,
        CAST(NULL AS BOOLEAN) AS is_satisfied,
        CAST(NULL AS STRING) AS scale,
        CAST(NULL AS DOUBLE) AS score,
        0 AS surveys
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
        fact.validity,
        fact.counted,
        fact.was_asked,
        fact.is_satisfied,
        fact.scale,
        fact.score,
        fact.surveys
    FROM fact
    CROSS JOIN kind
    LEFT JOIN tagged
        ON tagged.tag_key = CASE WHEN kind.row_kind = 'member' THEN fact.tag_key END
),

by_answer AS (
    SELECT
        row_kind,
        member,
        anchor,
        validity,
        counted,
        was_asked,
        is_satisfied,
        scale,
        score,
        COUNT(*) AS cases,
        SUM(surveys) AS surveys
    FROM placed
    GROUP BY row_kind, member, anchor, validity, counted, was_asked, is_satisfied, scale, score
),

counted AS (
    SELECT
        row_kind,
        member,
        CAST(COALESCE(SUM(cases) FILTER (WHERE anchor = 'closed'), 0) AS BIGINT) AS closed,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted), 0) AS BIGINT) AS ratings,
        CAST(COALESCE(SUM(cases) FILTER (WHERE validity = 'invalid'), 0) AS BIGINT) AS invalid,
        CAST(COALESCE(SUM(cases) FILTER (WHERE validity = 'none'), 0) AS BIGINT) AS no_answer,
        CAST(COALESCE(SUM(surveys), 0) AS BIGINT) AS surveys_sent,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND was_asked), 0) AS BIGINT) AS answers_asked,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND score = 1), 0) AS BIGINT) AS score_1,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND score = 2), 0) AS BIGINT) AS score_2,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND score = 3), 0) AS BIGINT) AS score_3,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND score = 4), 0) AS BIGINT) AS score_4,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND score = 5), 0) AS BIGINT) AS score_5,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5'), 0) AS BIGINT) AS csat_n,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '1-5' AND is_satisfied), 0) AS BIGINT) AS satisfied,
        CAST(SUM(score * cases) FILTER (WHERE counted) AS DOUBLE)
        / NULLIF(SUM(cases) FILTER (WHERE counted AND score IS NOT NULL), 0) AS csat_mean,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '0-10' AND score <= 6), 0) AS BIGINT) AS detractors,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '0-10' AND score > 6 AND score < 9), 0) AS BIGINT) AS passives,
        CAST(COALESCE(SUM(cases) FILTER (WHERE counted AND scale = '0-10' AND score >= 9), 0) AS BIGINT) AS promoters
    FROM by_answer
    GROUP BY row_kind, member
    -- After the grouping: before it, all rows are compared in the join with the kinds of line.
    HAVING COUNT(*) FILTER (WHERE anchor <> 'none') > 0 OR row_kind = 'total'
),

shared AS (
    SELECT
        counted.*,
        CAST(satisfied AS DOUBLE) / NULLIF(csat_n, 0) AS csat_share,
        CAST(1 AS DOUBLE) / NULLIF(csat_n, 0) AS per_answer,
        100 * CAST(promoters - detractors AS DOUBLE) / NULLIF(promoters + passives + detractors, 0) AS nps,
        CASE
            WHEN promoters + passives + detractors > 0
                THEN CAST(promoters - detractors AS DOUBLE) / (promoters + passives + detractors + 3)
        END AS nps_centre,
        CAST(promoters + detractors + 1.5 AS DOUBLE) / (promoters + passives + detractors + 3) AS nps_extreme,
        CAST(1 AS DOUBLE) / (promoters + passives + detractors + 3) AS per_opinion
    FROM counted
),

-- Wilson's interval at 95 %: z = 1.9599639845401, z² = 3.8414588206941. That of the NPS is Wald's with three answers added, half of them
-- passive (Rocks, 2016): it has a width even where all say the same.
bounded AS (
    SELECT
        shared.*,
        CAST(csat_share + 1.9207294103470 * per_answer AS DOUBLE) / (1 + 3.8414588206941 * per_answer) AS centre,
        CAST(1.9599639845401 * SQRT(csat_share * (1 - csat_share) * per_answer + 0.9603647051735 * per_answer * per_answer) AS DOUBLE)
        / (1 + 3.8414588206941 * per_answer) AS half_width,
        CAST(1.9599639845401 * SQRT((nps_extreme - nps_centre * nps_centre) * per_opinion) AS DOUBLE) AS nps_half_width
    FROM shared
)

SELECT
    row_kind,
    member,
    closed,
    ratings,
    invalid,
    no_answer,
    score_1,
    score_2,
    score_3,
    score_4,
    score_5,
    csat_share,
    CASE WHEN centre > half_width THEN centre - half_width ELSE 0 * centre END AS csat_low,
    CASE WHEN centre + half_width < 1 THEN centre + half_width ELSE 1 + 0 * centre END AS csat_high,
    csat_mean,
    detractors,
    passives,
    promoters,
    nps,
    CASE
        WHEN 100 * (nps_centre - nps_half_width) < -100 THEN -100 + 0 * nps
        WHEN 100 * (nps_centre - nps_half_width) > nps THEN nps
        ELSE 100 * (nps_centre - nps_half_width)
    END AS nps_low,
    CASE
        WHEN 100 * (nps_centre + nps_half_width) > 100 THEN 100 + 0 * nps
        WHEN 100 * (nps_centre + nps_half_width) < nps THEN nps
        ELSE 100 * (nps_centre + nps_half_width)
    END AS nps_high,
    surveys_sent,
    CASE
        WHEN surveys_sent > 0 THEN CAST(answers_asked AS DOUBLE) / surveys_sent
        ELSE CAST(ratings AS DOUBLE) / NULLIF(closed, 0)
    END AS response_rate,
    ratings < 30 AS few
FROM bounded
ORDER BY
    row_kind,
    CASE WHEN ratings < 30 THEN 1 ELSE 0 END,
    csat_share DESC NULLS LAST,
    nps DESC NULLS LAST,
    member
