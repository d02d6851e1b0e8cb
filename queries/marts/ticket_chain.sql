-- question: Which tickets make one conversation, and which queue did a directly transferred ticket come from?
-- grain: one row per Blip ticket
-- parameters: none
-- reads: staging.ticket
-- columns:
--   ticket_id         text   the ticket
--   parent_ticket_id  text   the ticket it was transferred from; null: a root
--   conversation_id   text   ticket_id of the root
--   truncated_chain   flag   the root names a parent that is older than the store's history
--   inherited_queue   text   nearest real queue from this ticket upwards; null: none in the chain so far
--   saw_default       flag   this ticket or one before it was in the queue `Default`
-- notes: a parent has the same owner and customer and the child's parent number, and is the latest that began no later.
--   Numbers can be reused, hence customer and time. A parent of the same instant must have the smaller number: no cycles.
WITH RECURSIVE link AS (
    SELECT
        child.ticket_id,
        parent.ticket_id AS parent_ticket_id
    FROM staging.ticket AS child
    INNER JOIN staging.ticket AS parent
        ON parent.owner = child.owner
        AND parent.sequential_id = child.parent_sequential_id
        AND parent.customer_key = child.customer_key
        AND (
            parent.created_at < child.created_at
            OR (parent.created_at = child.created_at AND parent.sequential_id < child.sequential_id)
        )
    QUALIFY row_number() OVER (
        PARTITION BY child.ticket_id
        ORDER BY parent.created_at DESC, parent.sequential_id DESC, parent.ticket_id DESC
    ) = 1
),

ticket AS (
    SELECT
        staged.ticket_id,
        link.parent_ticket_id,
        staged.parent_sequential_id,
        CASE WHEN staged.queue NOT IN ('Default', 'DIRECT_TRANSFER') THEN staged.queue END AS real_queue,
        staged.queue = 'Default' AS is_default
    FROM staging.ticket AS staged
    LEFT JOIN link ON link.ticket_id = staged.ticket_id
),

chain AS (
    SELECT
        ticket_id,
        parent_ticket_id,
        ticket_id AS conversation_id,
        parent_sequential_id IS NOT NULL AS truncated_chain,
        real_queue AS inherited_queue,
        is_default AS saw_default
    FROM ticket
    WHERE parent_ticket_id IS NULL
    UNION ALL
    SELECT
        ticket.ticket_id,
        ticket.parent_ticket_id,
        chain.conversation_id,
        chain.truncated_chain,
        coalesce(ticket.real_queue, chain.inherited_queue) AS inherited_queue,
        ticket.is_default OR chain.saw_default AS saw_default
    FROM ticket
    INNER JOIN chain ON chain.ticket_id = ticket.parent_ticket_id
)

SELECT
    ticket_id,
    parent_ticket_id,
    conversation_id,
    truncated_chain,
    inherited_queue,
    saw_default
FROM chain
