-- question: What did customers answer to the satisfaction survey, about which conversation and sector?
-- grain: one row per answer
-- parameters: none
-- reads: raw.event, raw.imported_rating, state.person, staging.ticket, marts.conversation, marts.ticket, settings.queue_sector, settings.rule, settings.answer, settings.no_answer, settings.survey, settings.offset_span
-- columns:
--   rating_id        text        key of the answer
--   conversation_id  text        the customer's last conversation that had ended; null: none had
--   customer_key     text        pseudonym, of the conversation where there is one; null: the answer names nobody
--   sector           text        named by the answer's queue, else the rated ticket's, else the conversation's last; null: none of them. A queue
--                                that is none (`Default`, `DIRECT_TRANSFER`) follows the rules of tickets
--   agent            text        attendant of the rated ticket, else of the conversation's last one; null: none
--   channel          text        of the conversation; null: none
--   source           text        where answers come from: events, rating (on the ticket) or import
--   scale            text        1-5 or 0-10
--   raw_answer       text        as given
--   score            number      on its own scale; null: not valid
--   validity         text        valid, invalid (words without a score, numbers between two steps of the scale or outside of it) or none (what a
--                                flow records in place of an answer, such as "Outro", and 0 where the scale begins at 1)
--   is_satisfied     flag        score at or above the configured cut; null: not valid
--   counted          flag        the last valid answer about its conversation
--   answered_at      local_time  UTC
--   period_day       date        local day on which the conversation ended; without one, the day of the answer
--   was_asked        flag        a survey was sent in its conversation; null: its messages are not here, or there is no conversation
-- notes: a number may have a label ("Nota: 9"); `4,0` and `4.0` are 4. Words match whatever their case, the form of their accents and the blanks
--   around them. Of an answer between bars ("pesquisa|atendimento|Bom") the last part with a score on the scale counts. The forms of words
--   are those of `domain::satisfaction`.
--   a desk behind a router knows a customer by a tunnel, a survey of the router by the identity on the channel. Both are one customer
--   where a link between them is known.
WITH given AS (
    SELECT
        event.event_id AS rating_id,
        'events' AS source,
        CAST(NULL AS VARCHAR) AS ticket_id,
        coalesce(person.person_key, event.customer_key) AS customer_key,
        event.action AS raw_answer,
        event.queue,
        event.recorded_at AS answered_at
    FROM raw.event
    INNER JOIN settings.survey ON survey.category = event.category
    LEFT JOIN state.person ON person.customer_key = event.customer_key
    UNION ALL
    SELECT
        'rating-' || ticket.ticket_id AS rating_id,
        'rating' AS source,
        ticket.ticket_id,
        ticket.customer_key,
        ticket.rating_text AS raw_answer,
        NULL AS queue,
        ticket.closed_at AS answered_at
    FROM staging.ticket
    WHERE ticket.rating_text IS NOT NULL AND ticket.closed_at IS NOT NULL
    UNION ALL
    SELECT
        imported.rating_id,
        'import' AS source,
        imported.ticket_id,
        coalesce(ticket.customer_key, person.person_key, imported.customer_key) AS customer_key,
        imported.answer AS raw_answer,
        imported.queue,
        coalesce(imported.answered_at, ticket.closed_at) AS answered_at
    FROM raw.imported_rating AS imported
    LEFT JOIN staging.ticket ON ticket.ticket_id = imported.ticket_id
    LEFT JOIN state.person ON person.customer_key = imported.customer_key
    WHERE coalesce(imported.answered_at, ticket.closed_at) IS NOT NULL
),

-- Words in the form in which they are compared.
word AS (
    SELECT
        lower(nfc_normalize(regexp_replace(answer, '^[[:space:]\p{Z}\x{85}]+|[[:space:]\p{Z}\x{85}]+$', '', 'g'))) AS form,
        max(score) AS score
    FROM settings.answer
    GROUP BY form
),

-- Parts between bars; an answer without bars is one part.
part AS (
    SELECT
        given.rating_id,
        given.source,
        piece.place,
        regexp_replace(piece.text, '^[[:space:]\p{Z}\x{85}]+|[[:space:]\p{Z}\x{85}]+$', '', 'g') AS text
    FROM given
    CROSS JOIN unnest(string_split(given.raw_answer, '|')) WITH ORDINALITY AS piece (text, place)
),

scored AS (
    SELECT
        part.rating_id,
        part.place,
        part.text,
        word.score AS score_of_word,
        -- Digits alone, or behind a label, with nothing but zeros after a comma or point: no other text is a number.
        TRY_CAST(
            coalesce(
                nullif(regexp_extract(part.text, '^([+-]?[0-9]+)(?:[.,]0+)?$', 1), ''),
                regexp_extract(
                    lower(strip_accents(part.text)),
                    '^(?:nota|avaliacao|pontuacao|score|csat|nps)[[:space:]\p{Z}\x{85}]*[:=]?[[:space:]\p{Z}\x{85}]*([0-9]+)(?:[.,]0+)?$',
                    1
                )
            ) AS BIGINT
        ) AS number,
        survey.lowest,
        survey.highest
    FROM part
    INNER JOIN settings.survey ON survey.source = part.source
    LEFT JOIN word ON word.form = lower(nfc_normalize(part.text))
),

understood AS (
    SELECT
        rating_id,
        arg_max(coalesce(score_of_word, number), place) FILTER (WHERE coalesce(score_of_word, number) BETWEEN lowest AND highest) AS score,
        coalesce(arg_max(coalesce(number = 0, FALSE), place) FILTER (WHERE text <> ''), FALSE) AND min(lowest) > 0 AS is_zero,
        trim(
            regexp_replace(
                lower(strip_accents(arg_max(text, place) FILTER (WHERE text <> ''))),
                '[[:punct:][:space:]\p{Z}\x{85}]+',
                ' ',
                'g'
            )
        ) AS normal_form
    FROM scored
    GROUP BY rating_id
),

answer AS (
    SELECT
        given.rating_id,
        given.source,
        given.ticket_id,
        given.customer_key,
        given.raw_answer,
        given.queue,
        given.answered_at,
        CAST(given.answered_at + to_seconds(offset_span.offset_s) AS DATE) AS answered_day,
        survey.scale,
        survey.satisfied_from,
        coalesce(word.score, understood.score) AS given_score,
        no_answer.answer IS NOT NULL OR coalesce(understood.is_zero, FALSE) AS is_no_answer
    FROM given
    INNER JOIN settings.survey ON survey.source = given.source
    ASOF JOIN settings.offset_span ON given.answered_at >= offset_span.from_at
    LEFT JOIN word
        ON word.form = lower(nfc_normalize(regexp_replace(given.raw_answer, '^[[:space:]\p{Z}\x{85}]+|[[:space:]\p{Z}\x{85}]+$', '', 'g')))
    LEFT JOIN understood ON understood.rating_id = given.rating_id
    LEFT JOIN settings.no_answer ON no_answer.answer = understood.normal_form
),

ended AS (
    SELECT
        conversation.customer_key AS customer_of_chain,
        conversation.conversation_id,
        conversation.channel,
        conversation.last_sector,
        conversation.ended_at,
        conversation.ended_day,
        conversation.surveys_sent,
        ticket.agent
    FROM marts.conversation
    LEFT JOIN marts.ticket
        ON ticket.conversation_id = conversation.conversation_id
        AND ticket.closed_at = conversation.ended_at
        AND ticket.outcome <> 'transferred'
    WHERE conversation.ended_at IS NOT NULL
    -- Of several that ended at one instant, the one that began last.
    QUALIFY row_number() OVER (
        PARTITION BY conversation.customer_key, conversation.ended_at
        ORDER BY conversation.started_at DESC, conversation.conversation_id DESC, ticket.created_at DESC, ticket.ticket_id DESC
    ) = 1
),

by_time AS (
    SELECT
        answer.*,
        ended.customer_of_chain,
        ended.conversation_id,
        ended.agent,
        ended.channel,
        ended.ended_day,
        ended.surveys_sent,
        ended.last_sector AS sector_of_chain
    FROM answer
    ASOF LEFT JOIN ended
        ON ended.customer_of_chain = answer.customer_key
        AND answer.answered_at >= ended.ended_at
    WHERE answer.ticket_id IS NULL
),

by_ticket AS (
    SELECT
        answer.*,
        ticket.customer_key AS customer_of_chain,
        ticket.conversation_id,
        ticket.agent,
        conversation.channel,
        conversation.ended_day,
        conversation.surveys_sent,
        ticket.sector AS sector_of_chain
    FROM answer
    LEFT JOIN marts.ticket ON ticket.ticket_id = answer.ticket_id
    LEFT JOIN marts.conversation ON conversation.conversation_id = ticket.conversation_id
    WHERE answer.ticket_id IS NOT NULL
),

joined AS (
    SELECT
        placed.*,
        -- The same rules as for tickets: a synthetic queue is no sector.
        CASE
            WHEN placed.queue = 'Default' THEN rule.default_queue
            WHEN placed.queue = 'DIRECT_TRANSFER' AND rule.direct_transfer = 'unassigned' THEN rule.unresolved
            WHEN placed.queue = 'DIRECT_TRANSFER' THEN coalesce(placed.sector_of_chain, rule.unresolved)
            ELSE coalesce(queue_sector.sector, placed.queue, placed.sector_of_chain)
        END AS sector,
        placed.given_score IS NOT NULL AS is_valid
    FROM (SELECT * FROM by_time UNION ALL SELECT * FROM by_ticket) AS placed
    CROSS JOIN settings.rule
    LEFT JOIN settings.queue_sector ON queue_sector.queue = placed.queue
)

SELECT
    rating_id,
    conversation_id,
    coalesce(customer_of_chain, customer_key) AS customer_key,
    sector,
    agent,
    channel,
    source,
    scale,
    raw_answer,
    CASE WHEN is_valid THEN CAST(given_score AS DOUBLE) END AS score,
    CASE WHEN is_valid THEN 'valid' WHEN is_no_answer THEN 'none' ELSE 'invalid' END AS validity,
    CASE WHEN is_valid THEN given_score >= satisfied_from END AS is_satisfied,
    is_valid AND row_number() OVER (
        PARTITION BY is_valid, coalesce(conversation_id, rating_id)
        ORDER BY answered_at DESC, rating_id DESC
    ) = 1 AS counted,
    answered_at,
    coalesce(ended_day, answered_day) AS period_day,
    surveys_sent > 0 AS was_asked
FROM joined
