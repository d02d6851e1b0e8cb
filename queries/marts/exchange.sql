-- question: When did the customer wait for a person, and who ended each wait?
-- grain: one row per wait of a conversation
-- parameters: none
-- reads: staging.message, raw.message, raw.author, marts.chain, marts.ticket, marts.stay
-- columns:
--   conversation_id  text        the conversation
--   wait_number      count       0: from the start to the first human reply; 1, 2, …: the turns after it, in time
--   sector           text        that ends the wait; of a wait without an end the one that holds the conversation last
--   agent            text        attendant who replies; null: nobody replied, or the first wait
--   agent_basis      text        how the attendant is known: message (it names its author), ticket (it names its ticket) or time (the ticket
--                                that was open then); null: as agent
--   started_at       local_time  UTC; of a turn the first unanswered message, even when more follow
--   replied_at       local_time  UTC; the first message of the reply; null: none
--   until_at         local_time  UTC; the reply, else the end of the conversation; null: waits still
--   state            text        answered, unanswered (the conversation ended first) or pending
--   messages         count       messages of the conversation, on its first wait only
--   surveys_sent     count       surveys sent from its start to the next conversation's, on its first wait only; null: none of its messages is
--                                here with its type
--   started_day      date        local day of the conversation's root
-- notes: only messages between the conversation's start and end count. A person is who is marked so where any message of the
--   conversation is marked as a person's; where none is, a content message sent while a ticket is open. The first reply itself is no turn.
--   Customers and conversations go by a number within the query: messages are many, and numbers sort faster than names.
WITH customer AS (
    SELECT
        owner,
        customer_key,
        row_number() OVER () AS customer
    FROM (SELECT DISTINCT owner, customer_key FROM marts.chain)
),

begun AS (
    SELECT
        row_number() OVER () AS place,
        customer.customer,
        chain.conversation_id,
        chain.started_at,
        chain.started_day,
        chain.first_response_at,
        chain.first_response_sector,
        chain.last_sector,
        chain.ended_at
    FROM marts.chain
    INNER JOIN customer
        ON customer.owner = chain.owner
        AND customer.customer_key = chain.customer_key
),

written AS (
    SELECT
        customer.customer,
        message.message_id,
        message.is_received,
        message.author,
        message.content,
        message.sent_at,
        message.author_id,
        message.is_survey
    FROM staging.message AS message
    INNER JOIN customer
        ON customer.owner = message.owner
        AND customer.customer_key = message.customer_key
),

-- Of several that began at one instant, one takes the messages.
taking AS (
    SELECT *
    FROM begun
    QUALIFY row_number() OVER (PARTITION BY customer, started_at ORDER BY conversation_id DESC) = 1
),

placed AS (
    SELECT
        begun.place,
        begun.first_response_at,
        written.message_id,
        written.is_received,
        written.author,
        written.content,
        written.sent_at,
        written.author_id,
        written.is_survey
    FROM written
    ASOF JOIN taking AS begun
        ON begun.customer = written.customer
        AND written.sent_at >= begun.started_at
    WHERE begun.ended_at IS NULL OR written.sent_at <= begun.ended_at
),

marked AS (
    SELECT
        place,
        -- Other marks than a person's occur; they do not say who is one.
        coalesce(bool_or(author = 'Human'), FALSE) AS has_marks,
        count(*) AS messages,
        count(is_survey) AS typed_messages
    FROM placed
    GROUP BY place
),

-- A survey follows the end of its conversation.
surveyed AS (
    SELECT
        taking.place,
        count(*) AS surveys
    FROM staging.message AS message
    INNER JOIN customer
        ON customer.owner = message.owner
        AND customer.customer_key = message.customer_key
    ASOF JOIN taking
        ON taking.customer = customer.customer
        AND message.sent_at >= taking.started_at
    WHERE message.is_survey AND message.sent_at <= taking.ended_at + INTERVAL 7 DAY
    GROUP BY taking.place
),

ticket AS (
    SELECT
        begun.place,
        ticket.ticket_id,
        ticket.sequential_id,
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
        placed.author_id,
        ticket.agent,
        coalesce(ticket.opened_at <= placed.sent_at AND (ticket.closed_at IS NULL OR placed.sent_at <= ticket.closed_at), FALSE) AS is_attended
    FROM placed
    INNER JOIN marked ON marked.place = placed.place
    ASOF LEFT JOIN (
        SELECT *
        FROM ticket
        QUALIFY row_number() OVER (PARTITION BY place, created_at ORDER BY sequential_id DESC, ticket_id DESC) = 1
    ) AS ticket
        ON ticket.place = placed.place
        AND placed.sent_at >= ticket.created_at
    WHERE NOT placed.is_received AND placed.sent_at > placed.first_response_at
),

spoken AS (
    SELECT
        place,
        message_id,
        sent_at,
        CAST(NULL AS INTEGER) AS author_id,
        CAST(NULL AS VARCHAR) AS agent,
        'customer' AS speaker
    FROM placed
    WHERE is_received AND content AND sent_at > first_response_at
    UNION ALL
    SELECT
        place,
        message_id,
        sent_at,
        author_id,
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
        reply.message_id,
        reply.author_id,
        reply.agent
    FROM asked
    INNER JOIN begun ON begun.place = asked.place
    LEFT JOIN numbered AS reply
        ON reply.place = asked.place
        AND reply.speaker = 'person'
        AND reply.replies_before = asked.replies_before
),

-- Replies that name a ticket and not their author: as a rule there are none.
named AS (
    SELECT
        paired.place,
        paired.message_id,
        any_value(ticket.agent) AS agent
    FROM paired
    INNER JOIN raw.message AS message ON message.message_id = paired.message_id
    INNER JOIN ticket
        ON ticket.place = paired.place
        AND ticket.ticket_id = CAST(message.ticket_id AS VARCHAR)
    WHERE message.ticket_id IS NOT NULL
    GROUP BY paired.place, paired.message_id
),

held AS (
    SELECT
        begun.place,
        stay.sector,
        stay.stay_number,
        stay.from_at
    FROM marts.stay
    INNER JOIN begun ON begun.conversation_id = stay.conversation_id
),

sectored AS (
    SELECT
        paired.conversation_id,
        paired.place,
        paired.started_day,
        paired.ended_at,
        paired.started_at,
        paired.replied_at,
        coalesce(author.agent, named.agent, paired.agent) AS agent,
        CASE
            WHEN author.agent IS NOT NULL THEN 'message'
            WHEN named.agent IS NOT NULL THEN 'ticket'
            WHEN paired.replied_at IS NOT NULL THEN 'time'
        END AS agent_basis,
        held.sector
    FROM paired
    LEFT JOIN raw.author ON author.author_id = paired.author_id
    LEFT JOIN named
        ON named.place = paired.place
        AND named.message_id = paired.message_id
    ASOF JOIN (
        SELECT *
        FROM held
        QUALIFY row_number() OVER (PARTITION BY place, from_at ORDER BY stay_number DESC) = 1
    ) AS held
        ON held.place = paired.place
        AND coalesce(paired.replied_at, paired.ended_at, TIMESTAMP '9999-12-31') >= held.from_at
)

SELECT
    conversation_id,
    row_number() OVER (PARTITION BY place ORDER BY started_at) AS wait_number,
    sector,
    agent,
    agent_basis,
    started_at,
    replied_at,
    coalesce(replied_at, ended_at) AS until_at,
    CASE
        WHEN replied_at IS NOT NULL THEN 'answered'
        WHEN ended_at IS NOT NULL THEN 'unanswered'
        ELSE 'pending'
    END AS state,
    CAST(NULL AS BIGINT) AS messages,
    CAST(NULL AS BIGINT) AS surveys_sent,
    started_day
FROM sectored
UNION ALL
SELECT
    begun.conversation_id,
    0 AS wait_number,
    coalesce(begun.first_response_sector, begun.last_sector) AS sector,
    NULL AS agent,
    NULL AS agent_basis,
    begun.started_at,
    begun.first_response_at AS replied_at,
    coalesce(begun.first_response_at, begun.ended_at) AS until_at,
    CASE
        WHEN begun.first_response_at IS NOT NULL THEN 'answered'
        WHEN begun.ended_at IS NOT NULL THEN 'unanswered'
        ELSE 'pending'
    END AS state,
    coalesce(marked.messages, 0) AS messages,
    CASE WHEN marked.typed_messages > 0 THEN coalesce(surveyed.surveys, 0) ELSE surveyed.surveys END AS surveys_sent,
    begun.started_day
FROM begun
LEFT JOIN marked ON marked.place = begun.place
LEFT JOIN surveyed ON surveyed.place = begun.place
