-- Tickets that are not settled know themselves how far their messages are here, so that no load looks through those of all tickets.
CREATE TABLE state.new_unsettled (
    ticket_id VARCHAR NOT NULL, owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, key_name VARCHAR NOT NULL, created_at TIMESTAMP,
    is_closed BOOLEAN NOT NULL, has_all_messages BOOLEAN NOT NULL, message_source VARCHAR
);
INSERT INTO state.new_unsettled
SELECT
    ticket.ticket_id, ticket.owner, ticket.customer_key, ticket.key_name, ticket.created_at, ticket.is_closed,
    coalesce(message_read.is_final, FALSE), message_read.source
FROM state.unsettled AS ticket
LEFT JOIN raw.message_read ON message_read.ticket_id = ticket.ticket_id
WHERE NOT (ticket.is_closed AND coalesce(message_read.is_final AND message_read.source <> 'no_key', FALSE));
DROP TABLE state.unsettled;
ALTER TABLE state.new_unsettled RENAME TO unsettled;

-- A ticket that ends anew has new messages; ends from before are not known.
ALTER TABLE state.ticket ADD COLUMN closed_at TIMESTAMP;

-- Comments are made by customer.
ALTER TABLE state.customer_digest ADD COLUMN comment HUGEINT;
DELETE FROM raw.mark WHERE name = 'marts_basis';
