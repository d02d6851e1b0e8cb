-- question: What does Blip say of each ticket, in typed columns?
-- grain: one row per Blip ticket that can be understood
-- parameters: none
-- reads: staging.received_ticket, settings.offset_span
-- columns:
--   ticket_id             text        Blip's id; the key (the number that people see can be reused)
--   owner                 text        identity of the bot that owns the ticket
--   sequential_id         count       the number that people see; null: not sent
--   parent_sequential_id  count       number of the ticket that was transferred; null: not born of a transfer
--   customer_key          text        pseudonym of the customer
--   origin                text        api (Blip's answer) or import (a file that Blip exported)
--   channel               text        domain of the channel, in lower case and without an instance; null: not named
--   queue                 text        Blip's team as sent, `Default` and `DIRECT_TRANSFER` included
--   agent                 text        attendant's e-mail; null: nobody yet
--   status                text        as sent
--   is_closed             flag        true for every final status, unknown ones that begin with `Closed` included, and for `Gone`
--   created_at            local_time  UTC; enters the queue
--   created_local         local_time  the same on the organisation's wall clock
--   opened_at             local_time  UTC; null: never picked up
--   first_response_at     local_time  UTC; null: no answer
--   closed_at             local_time  UTC; null: still open. The last change of status stands in where a final status has no close date; of a ticket
--                                     that is gone, when that was noticed
--   closed_day            date        local; null: still open
--   tags                  text        JSON list of names; null: none
--   priority              count       0: none
--   rating                count       null: none (Blip sends 0 for none), or no whole number
--   rating_text           text        the same as sent, words of imported files included; null: none
--   response_mean_s       duration    Blip's own mean of the attendant's responses; null: not sent, 0 (no response after the first) or
--                                     no time that a ticket can have
-- notes: the other tickets are in staging.quarantine
WITH typed AS (
    SELECT
        ticket_id,
        sent.ownerIdentity AS owner,
        sent.sequentialId AS sequential_id,
        sent.parentSequentialId AS parent_sequential_id,
        customer_key,
        origin,
        -- Another case or an instance is no other channel.
        nullif(lower(trim(split_part(sent.customerDomain, '/', 1))), '') AS channel,
        coalesce(nullif(trim(sent.team), ''), 'Default') AS queue,
        nullif(trim(sent.agentIdentity), '') AS agent,
        sent.status AS status,
        is_closed,
        created_at,
        TRY_CAST(sent.openDate AS TIMESTAMP) AS opened_at,
        TRY_CAST(sent.firstResponseDate AS TIMESTAMP) AS first_response_at,
        CASE
            WHEN is_closed THEN coalesce(TRY_CAST(sent.closeDate AS TIMESTAMP), TRY_CAST(sent.statusDate AS TIMESTAMP))
        END AS closed_at,
        -- Names hold what they like: no character can join them.
        nullif(CAST(to_json(list_filter(sent.tags, tag -> tag <> '')) AS VARCHAR), '[]') AS tags,
        sent.priority AS priority,
        nullif(trim(sent.rating), '') AS rating_sent,
        TRY_CAST(nullif(regexp_extract(trim(sent.rating), '^([+-]?[0-9]+)(?:[.,]0+)?$', 1), '') AS BIGINT) AS rating,
        -- A thousand million seconds are thirty years; a column of seconds must hold what is left.
        CASE
            WHEN sent.averageAgentResponseTime > 0 AND sent.averageAgentResponseTime < 1000000000
                THEN CAST(round(sent.averageAgentResponseTime) AS BIGINT)
        END AS response_mean_s
    FROM staging.received_ticket
    WHERE fault IS NULL
)

SELECT
    typed.ticket_id,
    typed.owner,
    typed.sequential_id,
    typed.parent_sequential_id,
    typed.customer_key,
    typed.origin,
    typed.channel,
    typed.queue,
    typed.agent,
    typed.status,
    typed.is_closed,
    typed.created_at,
    typed.created_at + to_seconds(created_span.offset_s) AS created_local,
    typed.opened_at,
    typed.first_response_at,
    typed.closed_at,
    CAST(typed.closed_at + to_seconds(closed_span.offset_s) AS DATE) AS closed_day,
    typed.tags,
    typed.priority,
    nullif(typed.rating, 0) AS rating,
    CASE WHEN coalesce(typed.rating <> 0, TRUE) THEN typed.rating_sent END AS rating_text,
    typed.response_mean_s
FROM typed
ASOF JOIN settings.offset_span AS created_span ON typed.created_at >= created_span.from_at
ASOF LEFT JOIN settings.offset_span AS closed_span ON typed.closed_at >= closed_span.from_at
