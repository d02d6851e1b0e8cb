-- Who wrote a message, by number, where the platform says so; else for which ticket. Messages are many, attendants are few.
CREATE TABLE raw.author (author_id INTEGER NOT NULL, agent VARCHAR NOT NULL);
ALTER TABLE raw.message ADD COLUMN author_id INTEGER;
ALTER TABLE raw.message ADD COLUMN ticket_id UUID;

-- Other identities of a customer, as pseudonyms. `originator`: the customer's identity on the channel, for a customer whom a desk behind a
-- router knows by a tunnel; null: Blip does not know the tunnel. `bsuid`: WhatsApp's business-scoped id; the newest replaces the one before.
CREATE TABLE raw.identity_link (customer_key VARCHAR NOT NULL, kind VARCHAR NOT NULL, linked_key VARCHAR);

-- Customers known by a tunnel since the last look, those linked meanwhile included.
CREATE TABLE state.open_tunnel (customer_key VARCHAR NOT NULL);

-- What a key has answered before: a refusal of the same resource is then a failure, not a missing feature.
INSERT INTO raw.mark
SELECT DISTINCT 'answered:' || key_name || ':' || CASE resource WHEN 'ticket' THEN '/tickets' ELSE '/event-track' END, 'yes'
FROM raw.coverage
WHERE resource IN ('ticket', 'event');
INSERT INTO raw.mark
SELECT DISTINCT 'answered:' || key_name || ':/analytics/reports/' || report, 'yes'
FROM raw.report;
