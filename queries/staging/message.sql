-- question: Who wrote to whom, and when?
-- grain: one row per message of a customer's thread with a bot
-- parameters: none
-- reads: raw.message, raw.thread, state.person
-- columns:
--   owner         text        identity of the bot
--   customer_key  text        pseudonym of the customer; one for all linked identities of a person
--   message_id    uuid        Blip's id; one that is no UUID is a digest of it
--   is_received   flag        from the customer; false: sent to them
--   author        text        the platform's mark of the author; null: not marked
--   content       flag        says something to a person, unlike typing states, redirections and ticket events
--   sent_at       local_time  UTC
--   author_id     count       number of the attendant in raw.author; null: the platform does not name one
--   is_survey     flag        a satisfaction survey sent to the customer, by its type; null: stored before types were read
-- notes: Blip can tell one message under each identity of a person; it counts once
WITH thread AS (
    SELECT
        thread.thread_id,
        thread.owner,
        coalesce(person.person_key, thread.customer_key) AS customer_key,
        count(*) OVER (PARTITION BY thread.owner, coalesce(person.person_key, thread.customer_key)) > 1 AS is_one_of_several
    FROM raw.thread
    LEFT JOIN state.person ON person.customer_key = thread.customer_key
),

-- Few persons have several threads with one bot: only their messages are compared.
told_again AS (
    SELECT
        thread.owner,
        thread.customer_key,
        message.*
    FROM raw.message
    INNER JOIN thread ON thread.thread_id = message.thread_id AND thread.is_one_of_several
    QUALIFY row_number() OVER (
        PARTITION BY thread.owner, thread.customer_key, message.message_id
        ORDER BY message.thread_id
    ) = 1
)

SELECT
    thread.owner,
    thread.customer_key,
    message.message_id,
    message.is_received,
    message.author,
    message.content,
    message.sent_at,
    message.author_id,
    message.is_survey
FROM raw.message
INNER JOIN thread ON thread.thread_id = message.thread_id AND NOT thread.is_one_of_several
UNION ALL
SELECT
    owner,
    customer_key,
    message_id,
    is_received,
    author,
    content,
    sent_at,
    author_id,
    is_survey
FROM told_again
