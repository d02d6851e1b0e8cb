-- Identities of one person, each with the one by which the tables name the person: the smallest that has tickets. Who has one identity only is
-- not in it.
CREATE TABLE state.person (customer_key VARCHAR NOT NULL, person_key VARCHAR NOT NULL);

-- Customers whose links have changed since the last look.
CREATE TABLE state.changed_link (customer_key VARCHAR NOT NULL);
INSERT INTO state.changed_link SELECT DISTINCT customer_key FROM raw.identity_link WHERE linked_key IS NOT NULL;

-- Nothing names a customer who was unlinked, not even the list of them.
CREATE TABLE restricted.new_erasure (customer_digest VARCHAR NOT NULL, erased_at TIMESTAMP NOT NULL, receipt VARCHAR NOT NULL);
INSERT INTO restricted.new_erasure
SELECT sha256('erased:' || customer_key), erased_at, receipt FROM restricted.erasure;
DROP TABLE restricted.erasure;
ALTER TABLE restricted.new_erasure RENAME TO erasure;

-- Pseudonyms were made of identities as received. Blip is asked once whose they are.
INSERT INTO raw.mark
SELECT 'identities', 'due' WHERE EXISTS (SELECT 1 FROM state.ticket) OR EXISTS (SELECT 1 FROM raw.event);

-- Customers of earlier loads whose identity no source tells any more.
CREATE TABLE state.unnamed_customer (customer_key VARCHAR NOT NULL);

-- Ids of imported files are compared without regard to case.
CREATE TEMP TABLE other_case AS
SELECT ticket_id, customer_key FROM raw.imported_ticket WHERE TRY_CAST(ticket_id AS UUID) IS NOT NULL AND ticket_id <> lower(ticket_id);
INSERT INTO state.changed_customer SELECT customer_key FROM other_case;
DELETE FROM raw.imported_ticket
WHERE ticket_id IN (SELECT ticket_id FROM other_case) AND lower(ticket_id) IN (SELECT ticket_id FROM raw.imported_ticket);
UPDATE raw.imported_ticket SET ticket_id = lower(ticket_id) WHERE ticket_id IN (SELECT ticket_id FROM other_case);
INSERT INTO state.changed_customer
SELECT coalesce(customer_key, '') FROM raw.imported_rating WHERE TRY_CAST(ticket_id AS UUID) IS NOT NULL AND ticket_id <> lower(ticket_id);
UPDATE raw.imported_rating SET ticket_id = lower(ticket_id) WHERE TRY_CAST(ticket_id AS UUID) IS NOT NULL AND ticket_id <> lower(ticket_id);
DROP TABLE other_case;
