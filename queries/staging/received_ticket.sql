-- question: What was received of each ticket, and can it be understood?
-- grain: one row per Blip ticket (its newest answer; without any, what an imported file says)
-- parameters: none
-- reads: raw.ticket, raw.imported_ticket, state.person
-- columns:
--   ticket_id     text        Blip's id
--   customer_key  text        pseudonym of the customer; one for all linked identities of a person
--   origin        text        api (Blip's answer) or import (a file that Blip exported)
--   sent          record      the fields as sent
--   is_closed     flag        true for every final status, unknown ones that begin with `Closed` included, and for `Gone`, which stands for a
--                             ticket that was open and that Blip does not know any more
--   created_at    local_time  UTC; null: not readable
--   fault         text        why it is set aside; null: it is not
-- notes: staging.ticket takes the rows without a fault, staging.quarantine those with one: each row is in one of the two
WITH known AS (
    SELECT ticket_id, customer_key, body, 'api' AS origin
    FROM raw.ticket
    QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY version DESC) = 1
    UNION ALL
    SELECT imported.ticket_id, imported.customer_key, imported.body, 'import' AS origin
    FROM raw.imported_ticket AS imported
    ANTI JOIN raw.ticket ON ticket.ticket_id = imported.ticket_id
),

read AS (
    SELECT
        known.ticket_id,
        coalesce(person.person_key, known.customer_key) AS customer_key,
        known.origin,
        json_transform(
            known.body,
            '{"ownerIdentity":"VARCHAR","sequentialId":"BIGINT","parentSequentialId":"BIGINT","customerDomain":"VARCHAR",
              "team":"VARCHAR","agentIdentity":"VARCHAR","status":"VARCHAR","storageDate":"VARCHAR","openDate":"VARCHAR",
              "firstResponseDate":"VARCHAR","closeDate":"VARCHAR","statusDate":"VARCHAR","tags":["VARCHAR"],
              "priority":"BIGINT","rating":"VARCHAR","averageAgentResponseTime":"DOUBLE"}'
        ) AS sent
    FROM known
    LEFT JOIN state.person ON person.customer_key = known.customer_key
),

typed AS (
    SELECT
        *,
        coalesce(sent.status IN ('Transferred', 'Gone') OR starts_with(sent.status, 'Closed'), FALSE) AS is_closed,
        TRY_CAST(sent.storageDate AS TIMESTAMP) AS created_at
    FROM read
)

SELECT
    *,
    CASE
        WHEN created_at IS NULL THEN 'no creation date'
        WHEN created_at < TIMESTAMP '2010-01-01' THEN 'created before there was a Blip'
        WHEN NOT is_closed AND coalesce(sent.status NOT IN ('None', 'Waiting', 'Assigned', 'Open'), TRUE)
            THEN 'unknown status `' || coalesce(sent.status, '') || '`'
    END AS fault
FROM typed
