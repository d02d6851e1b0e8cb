-- question: What did customers answer to the satisfaction survey, about which conversation and sector?
-- grain: one row per answer
-- parameters: none
-- reads: raw.event, marts.conversation, settings.queue_sector, settings.answer, settings.survey, settings.offset_span
-- columns:
--   rating_id        text        key of the answer
--   conversation_id  text        the customer's last conversation that had ended; null: none had
--   customer_key     text        pseudonym; null: the event names nobody
--   sector           text        named by the event's extra, else the conversation's last; null: neither
--   agent            text        attendant of the conversation's last ticket; null: none
--   source           text        where answers come from: events
--   scale            text        1-5 or 0-10
--   raw_answer       text        as given
--   score            number      on its own scale; null: not valid
--   validity         text        valid or invalid (words without a score, scores outside the scale)
--   is_satisfied     flag        score at or above the configured cut; null: not valid
--   counted          flag        the last valid answer about its conversation
--   answered_at      local_time  UTC
--   period_day       date        local day on which the conversation ended; without one, the day of the answer
WITH answer AS (
    SELECT
        event.event_id AS rating_id,
        event.customer_key,
        event.action AS raw_answer,
        event.queue,
        event.recorded_at AS answered_at,
        CAST(event.recorded_at + to_seconds(offset_span.offset_s) AS DATE) AS answered_day,
        survey.scale,
        survey.lowest,
        survey.highest,
        survey.satisfied_from,
        coalesce(words.score, TRY_CAST(trim(event.action) AS BIGINT)) AS given_score
    FROM raw.event
    CROSS JOIN settings.survey
    ASOF JOIN settings.offset_span ON event.recorded_at >= offset_span.from_at
    LEFT JOIN settings.answer AS words ON words.answer = event.action
    WHERE event.category = survey.category
),

ended AS (
    SELECT
        conversation.customer_key,
        conversation.conversation_id,
        conversation.last_sector,
        conversation.ended_at,
        conversation.ended_day,
        ticket.agent
    FROM marts.conversation
    LEFT JOIN marts.ticket
        ON ticket.conversation_id = conversation.conversation_id
        AND ticket.closed_at = conversation.ended_at
        AND ticket.outcome <> 'transferred'
    WHERE conversation.ended_at IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY conversation.conversation_id ORDER BY ticket.created_at DESC, ticket.ticket_id DESC) = 1
),

joined AS (
    SELECT
        answer.*,
        ended.conversation_id,
        ended.agent,
        ended.ended_day,
        coalesce(queue_sector.sector, answer.queue, ended.last_sector) AS sector,
        coalesce(answer.given_score BETWEEN answer.lowest AND answer.highest, FALSE) AS is_valid
    FROM answer
    ASOF LEFT JOIN ended
        ON ended.customer_key = answer.customer_key
        AND answer.answered_at >= ended.ended_at
    LEFT JOIN settings.queue_sector ON queue_sector.queue = answer.queue
)

SELECT
    rating_id,
    conversation_id,
    customer_key,
    sector,
    agent,
    'events' AS source,
    scale,
    raw_answer,
    CASE WHEN is_valid THEN CAST(given_score AS DOUBLE) END AS score,
    CASE WHEN is_valid THEN 'valid' ELSE 'invalid' END AS validity,
    CASE WHEN is_valid THEN given_score >= satisfied_from END AS is_satisfied,
    is_valid AND row_number() OVER (
        PARTITION BY is_valid, coalesce(conversation_id, rating_id)
        ORDER BY answered_at DESC, rating_id DESC
    ) = 1 AS counted,
    answered_at,
    coalesce(ended_day, answered_day) AS period_day
FROM joined
ORDER BY answered_at, rating_id
