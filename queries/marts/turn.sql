-- question: After the first human reply, how long did the customer wait for each further one?
-- grain: one row per turn (first unanswered customer message → next human reply)
-- parameters: none
-- reads: staging.message, marts.conversation, marts.ticket, marts.stay
-- columns:
--   conversation_id  text        the conversation
--   turn_number      count       1, 2, … in time
--   sector           text        that replies; of an unanswered turn the one that holds the conversation last
--   agent            text        attendant of the ticket that replies; null: nobody replied
--   started_at       local_time  UTC; the first unanswered message, even when more follow
--   replied_at       local_time  UTC; the first message of the reply; null: none
--   own_s            duration    M9, seconds in which the replying sector held the conversation; null: not answered
--   whole_s          duration    M9, reply − start; own_s + what was handed over; null: not answered
--   state            text        answered, unanswered (the conversation ended first) or pending
--   started_day      date        local day of the conversation's root
-- notes: only messages between the conversation's start and end count. A person is who is marked so where any message of the
--   conversation is marked; where none is, a content message sent while a ticket is open. The first reply itself is no turn.
--   Customers and conversations go by a number within the query: messages are many, and numbers sort faster than names.
WITH customer AS (
    SELECT
        owner,
        customer_key,
        row_number() OVER () AS customer
    FROM (SELECT DISTINCT owner, customer_key FROM marts.conversation)
),

begun AS (
    SELECT
        row_number() OVER () AS place,
        customer.customer,
        conversation.conversation_id,
        conversation.started_at,
        conversation.started_day,
        conversation.first_response_at,
        conversation.ended_at
    FROM marts.conversation
    INNER JOIN customer
        ON customer.owner = conversation.owner
        AND customer.customer_key = conversation.customer_key
),

written AS (
    SELECT
        customer.customer,
        message.message_id,
        message.is_received,
        message.author,
        message.content,
        message.sent_at
    FROM staging.message AS message
    INNER JOIN customer
        ON customer.owner = message.owner
        AND customer.customer_key = message.customer_key
),

placed AS (
    SELECT
        begun.place,
        begun.first_response_at,
        written.message_id,
        written.is_received,
        written.author,
        written.content,
        written.sent_at
    FROM written
    ASOF JOIN begun
        ON begun.customer = written.customer
        AND written.sent_at >= begun.started_at
    WHERE
        begun.first_response_at IS NOT NULL
        AND (begun.ended_at IS NULL OR written.sent_at <= begun.ended_at)
),

marked AS (
    SELECT
        place,
        bool_or(author IS NOT NULL) AS has_marks
    FROM placed
    GROUP BY place
),

ticket AS (
    SELECT
        begun.place,
        ticket.agent,
        ticket.created_at,
        ticket.opened_at,
        ticket.closed_at
    FROM marts.ticket
    INNER JOIN begun ON begun.conversation_id = ticket.conversation_id
),

sent AS (
    SELECT
        placed.place,
        placed.message_id,
        placed.sent_at,
        placed.author,
        placed.content,
        marked.has_marks,
        ticket.agent,
        coalesce(ticket.opened_at <= placed.sent_at AND (ticket.closed_at IS NULL OR placed.sent_at <= ticket.closed_at), FALSE) AS is_attended
    FROM placed
    INNER JOIN marked ON marked.place = placed.place
    ASOF LEFT JOIN ticket
        ON ticket.place = placed.place
        AND placed.sent_at >= ticket.created_at
    WHERE NOT placed.is_received AND placed.sent_at > placed.first_response_at
),

spoken AS (
    SELECT
        place,
        message_id,
        sent_at,
        CAST(NULL AS VARCHAR) AS agent,
        'customer' AS speaker
    FROM placed
    WHERE is_received AND content AND sent_at > first_response_at
    UNION ALL
    SELECT
        place,
        message_id,
        sent_at,
        agent,
        'person' AS speaker
    FROM sent
    WHERE (has_marks AND author = 'Human') OR (NOT has_marks AND content AND is_attended)
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE speaker = 'person') OVER (
            PARTITION BY place
            ORDER BY sent_at, message_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS replies_before
    FROM spoken
),

asked AS (
    SELECT
        place,
        replies_before,
        min(sent_at) AS started_at
    FROM numbered
    WHERE speaker = 'customer'
    GROUP BY place, replies_before
),

paired AS (
    SELECT
        asked.place,
        begun.conversation_id,
        begun.started_day,
        begun.ended_at,
        asked.started_at,
        reply.sent_at AS replied_at,
        reply.agent
    FROM asked
    INNER JOIN begun ON begun.place = asked.place
    LEFT JOIN numbered AS reply
        ON reply.place = asked.place
        AND reply.speaker = 'person'
        AND reply.replies_before = asked.replies_before
),

held AS (
    SELECT
        begun.place,
        stay.sector,
        stay.from_at,
        stay.to_at
    FROM marts.stay
    INNER JOIN begun ON begun.conversation_id = stay.conversation_id
),

sectored AS (
    SELECT
        paired.*,
        held.sector
    FROM paired
    ASOF JOIN held
        ON held.place = paired.place
        AND coalesce(paired.replied_at, paired.ended_at, TIMESTAMP '9999-12-31') >= held.from_at
),

owned AS (
    SELECT
        sectored.place,
        sectored.started_at,
        sum(
            greatest(
                0,
                date_diff(
                    'second',
                    date_trunc('second', greatest(sectored.started_at, held.from_at)),
                    date_trunc('second', least(sectored.replied_at, coalesce(held.to_at, sectored.replied_at)))
                )
            )
        ) AS own_s
    FROM sectored
    INNER JOIN held
        ON held.place = sectored.place
        AND held.sector = sectored.sector
        AND held.from_at <= sectored.replied_at
        AND (held.to_at IS NULL OR held.to_at >= sectored.started_at)
    GROUP BY sectored.place, sectored.started_at
)

SELECT
    sectored.conversation_id,
    row_number() OVER (PARTITION BY sectored.place ORDER BY sectored.started_at) AS turn_number,
    sectored.sector,
    sectored.agent,
    sectored.started_at,
    sectored.replied_at,
    CAST(owned.own_s AS BIGINT) AS own_s,
    date_diff('second', date_trunc('second', sectored.started_at), date_trunc('second', sectored.replied_at)) AS whole_s,
    CASE
        WHEN sectored.replied_at IS NOT NULL THEN 'answered'
        WHEN sectored.ended_at IS NOT NULL THEN 'unanswered'
        ELSE 'pending'
    END AS state,
    sectored.started_day
FROM sectored
LEFT JOIN owned
    ON owned.place = sectored.place
    AND owned.started_at = sectored.started_at
