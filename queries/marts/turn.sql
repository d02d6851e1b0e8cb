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
WITH placed AS (
    SELECT
        conversation.conversation_id,
        conversation.started_day,
        conversation.first_response_at,
        conversation.ended_at,
        message.message_id,
        message.is_received,
        message.author,
        message.content,
        message.sent_at
    FROM staging.message AS message
    ASOF JOIN marts.conversation
        ON message.owner = conversation.owner
        AND message.customer_key = conversation.customer_key
        AND message.sent_at >= conversation.started_at
    WHERE
        conversation.first_response_at IS NOT NULL
        AND (conversation.ended_at IS NULL OR message.sent_at <= conversation.ended_at)
),

held AS (
    SELECT
        placed.*,
        ticket.agent,
        coalesce(ticket.opened_at <= placed.sent_at AND (ticket.closed_at IS NULL OR placed.sent_at <= ticket.closed_at), FALSE) AS is_attended,
        bool_or(placed.author IS NOT NULL) OVER (PARTITION BY placed.conversation_id) AS has_marks
    FROM placed
    ASOF LEFT JOIN marts.ticket
        ON ticket.conversation_id = placed.conversation_id
        AND placed.sent_at >= ticket.created_at
),

spoken AS (
    SELECT
        conversation_id,
        started_day,
        ended_at,
        message_id,
        sent_at,
        agent,
        CASE
            WHEN is_received AND content THEN 'customer'
            WHEN NOT is_received AND has_marks AND author = 'Human' THEN 'person'
            WHEN NOT is_received AND NOT has_marks AND content AND is_attended THEN 'person'
        END AS speaker
    FROM held
    WHERE sent_at > first_response_at
),

numbered AS (
    SELECT
        *,
        count(*) FILTER (WHERE speaker = 'person') OVER (
            PARTITION BY conversation_id
            ORDER BY sent_at, message_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS replies_before
    FROM spoken
    WHERE speaker IS NOT NULL
),

asked AS (
    SELECT
        conversation_id,
        any_value(started_day) AS started_day,
        any_value(ended_at) AS ended_at,
        replies_before,
        min(sent_at) AS started_at
    FROM numbered
    WHERE speaker = 'customer'
    GROUP BY conversation_id, replies_before
),

paired AS (
    SELECT
        asked.conversation_id,
        asked.started_day,
        asked.ended_at,
        asked.started_at,
        reply.sent_at AS replied_at,
        reply.agent
    FROM asked
    LEFT JOIN numbered AS reply
        ON reply.conversation_id = asked.conversation_id
        AND reply.speaker = 'person'
        AND reply.replies_before = asked.replies_before
),

sectored AS (
    SELECT
        paired.*,
        stay.sector
    FROM paired
    ASOF JOIN marts.stay
        ON stay.conversation_id = paired.conversation_id
        AND coalesce(paired.replied_at, paired.ended_at, TIMESTAMP '9999-12-31') >= stay.from_at
),

owned AS (
    SELECT
        sectored.conversation_id,
        sectored.started_at,
        sum(
            greatest(
                0,
                date_diff(
                    'second',
                    date_trunc('second', greatest(sectored.started_at, stay.from_at)),
                    date_trunc('second', least(sectored.replied_at, coalesce(stay.to_at, sectored.replied_at)))
                )
            )
        ) AS own_s
    FROM sectored
    INNER JOIN marts.stay
        ON stay.conversation_id = sectored.conversation_id
        AND stay.sector = sectored.sector
        AND stay.from_at <= sectored.replied_at
        AND (stay.to_at IS NULL OR stay.to_at >= sectored.started_at)
    GROUP BY sectored.conversation_id, sectored.started_at
)

SELECT
    sectored.conversation_id,
    row_number() OVER (PARTITION BY sectored.conversation_id ORDER BY sectored.started_at) AS turn_number,
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
    ON owned.conversation_id = sectored.conversation_id
    AND owned.started_at = sectored.started_at
