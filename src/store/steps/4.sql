-- Digests of the rows that each customer has in each month of the tables, so that a month that did not change is known without reading it.
DROP TABLE state.changed_month;
CREATE TABLE state.customer_digest (
    customer_key VARCHAR NOT NULL, month DATE, turn HUGEINT, sector_stay HUGEINT, rating HUGEINT, ticket_tag HUGEINT, ticket HUGEINT,
    conversation HUGEINT
);
DELETE FROM raw.mark WHERE name IN ('marts_basis', 'published_snapshot');

-- Tickets that had not ended, or whose messages are not here for good, when a run looked last; and all that came since.
CREATE TABLE state.unsettled (
    ticket_id VARCHAR NOT NULL, owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, key_name VARCHAR NOT NULL, created_at TIMESTAMP,
    is_closed BOOLEAN NOT NULL
);
INSERT INTO state.unsettled
SELECT ticket_id, owner, customer_key, key_name, created_at, is_closed
FROM state.ticket
WHERE NOT (
    is_closed
    AND ticket_id IN (SELECT ticket_id FROM raw.message_read WHERE is_final AND source <> 'no_key')
);
