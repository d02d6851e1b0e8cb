-- Tickets that became another customer's, by whose they were before.
CREATE TABLE state.former_customer (ticket_id VARCHAR NOT NULL, customer_key VARCHAR NOT NULL);
INSERT INTO state.former_customer
SELECT DISTINCT ticket.ticket_id, ticket.customer_key
FROM raw.ticket
ANTI JOIN state.ticket AS known ON known.ticket_id = ticket.ticket_id AND known.customer_key = ticket.customer_key;
INSERT INTO state.changed_customer SELECT DISTINCT customer_key FROM state.former_customer;
