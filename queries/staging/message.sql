-- question: Who wrote to whom, and when?
-- grain: one row per message of a customer's thread with a bot
-- parameters: none
-- reads: raw.message, raw.thread
-- columns:
--   owner         text        identity of the bot
--   customer_key  text        pseudonym of the customer
--   message_id    uuid        Blip's id; one that is no UUID is a digest of it
--   is_received   flag        from the customer; false: sent to them
--   author        text        the platform's mark of the author; null: not marked
--   content       flag        says something to a person, unlike typing states, redirections and ticket events
--   sent_at       local_time  UTC
--   author_id     count       number of the attendant in raw.author; null: the platform does not name one
--   is_survey     flag        a satisfaction survey sent to the customer, by its type; null: stored before types were read
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
INNER JOIN raw.thread ON thread.thread_id = message.thread_id
