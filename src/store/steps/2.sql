-- Runs are numbered; every raw row names the run that brought it.
DROP TABLE raw.load;
CREATE TABLE raw.load (
    run BIGINT NOT NULL, started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, outcome VARCHAR, ticket_answers BIGINT NOT NULL,
    messages BIGINT NOT NULL, events BIGINT NOT NULL, imported BIGINT NOT NULL
);
ALTER TABLE raw.ticket DROP COLUMN run_id;
ALTER TABLE raw.ticket ADD COLUMN run BIGINT DEFAULT 0;
ALTER TABLE raw.rejected DROP COLUMN run_id;
ALTER TABLE raw.rejected ADD COLUMN run BIGINT DEFAULT 0;
ALTER TABLE raw.attendant DROP COLUMN run_id;
ALTER TABLE raw.attendant ADD COLUMN run BIGINT DEFAULT 0;
ALTER TABLE raw.event DROP COLUMN run_id;
ALTER TABLE raw.event ADD COLUMN run BIGINT DEFAULT 0;

-- A thread is a customer of a bot. Messages are many: they name their thread by number, and their id as 128 bits.
CREATE TABLE raw.thread (thread_id BIGINT NOT NULL, owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL);
INSERT INTO raw.thread
SELECT row_number() OVER (ORDER BY owner, customer_key), owner, customer_key
FROM (SELECT DISTINCT owner, customer_key FROM raw.message);
ALTER TABLE raw.message RENAME TO earlier_message;
CREATE TABLE raw.message (
    thread_id BIGINT NOT NULL, message_id UUID NOT NULL, is_received BOOLEAN NOT NULL, author VARCHAR, content BOOLEAN NOT NULL,
    sent_at TIMESTAMP NOT NULL, run BIGINT NOT NULL
);
INSERT INTO raw.message
SELECT
    thread.thread_id,
    coalesce(TRY_CAST(message.message_id AS UUID), CAST(substr(sha256(message.message_id), 1, 32) AS UUID)),
    message.direction = 'received', message.author, message.content, message.sent_at, 0
FROM raw.earlier_message AS message
INNER JOIN raw.thread ON thread.owner = message.owner AND thread.customer_key = message.customer_key
ORDER BY thread.thread_id, message.sent_at, message.message_id;
DROP TABLE raw.earlier_message;

-- Where the messages of a ticket came from: `ticket`, `thread`, `none` (none yet) or `expired` (Blip has forgotten them).
ALTER TABLE raw.message_read DROP COLUMN run_id;
ALTER TABLE raw.message_read ADD COLUMN source VARCHAR DEFAULT 'ticket';

ALTER TABLE raw.coverage RENAME TO earlier_coverage;
CREATE TABLE raw.coverage (
    resource VARCHAR NOT NULL, key_name VARCHAR NOT NULL, day DATE NOT NULL, reported BIGINT NOT NULL, stored BIGINT NOT NULL,
    still_open BIGINT NOT NULL, day_was_over BOOLEAN NOT NULL, set_aside BIGINT NOT NULL, is_steady BOOLEAN NOT NULL, is_settled BOOLEAN NOT NULL
);
INSERT INTO raw.coverage
SELECT resource, key_name, day, reported, stored, still_open, day_was_over, 0, TRUE, day_was_over AND still_open = 0
FROM raw.earlier_coverage;
DROP TABLE raw.earlier_coverage;

-- Blip's own figures, as received: they hold no person but attendants, and are not kept by Blip for longer than 90 days.
CREATE TABLE raw.report (
    key_name VARCHAR NOT NULL, report VARCHAR NOT NULL, day DATE NOT NULL, body VARCHAR NOT NULL, is_final BOOLEAN NOT NULL, run BIGINT NOT NULL
);
CREATE TABLE raw.sample (key_name VARCHAR NOT NULL, sampled_at TIMESTAMP NOT NULL, body VARCHAR NOT NULL);
CREATE TABLE raw.unknown_field (resource VARCHAR NOT NULL, field VARCHAR NOT NULL, seen BIGINT NOT NULL, first_run BIGINT NOT NULL);
CREATE TABLE raw.imported_ticket (ticket_id VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, body VARCHAR NOT NULL, run BIGINT NOT NULL);
CREATE TABLE raw.imported_rating (
    rating_id VARCHAR NOT NULL, ticket_id VARCHAR, customer_key VARCHAR, answer VARCHAR NOT NULL, queue VARCHAR, answered_at TIMESTAMP, run BIGINT NOT NULL
);

-- What is known of each ticket now, made from raw.ticket, so that a load need not look through it.
CREATE SCHEMA state;
CREATE TABLE state.ticket (
    ticket_id VARCHAR NOT NULL, owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, key_name VARCHAR NOT NULL, created_at TIMESTAMP,
    is_closed BOOLEAN NOT NULL, digest UBIGINT NOT NULL
);
INSERT INTO state.ticket
SELECT
    ticket_id,
    coalesce(body ->> '$.ownerIdentity', ''),
    customer_key,
    key_name,
    TRY_CAST(body ->> '$.storageDate' AS TIMESTAMP),
    coalesce((body ->> '$.status') = 'Transferred' OR starts_with(body ->> '$.status', 'Closed'), FALSE),
    hash(body)
FROM raw.ticket
QUALIFY row_number() OVER (PARTITION BY ticket_id ORDER BY version DESC) = 1;

-- Customers whose rows in the tables have to be made again, and months of the tables that have changed since they were published.
CREATE TABLE state.changed_customer (customer_key VARCHAR NOT NULL);
CREATE TABLE state.changed_month (table_name VARCHAR NOT NULL, month VARCHAR);

CREATE TABLE settings.holiday (day DATE NOT NULL);

-- Tables are made anew by the queries of this version.
DROP SCHEMA staging CASCADE;
DROP SCHEMA marts CASCADE;
CREATE SCHEMA staging;
CREATE SCHEMA marts;
DELETE FROM raw.mark WHERE name = 'marts_basis';

ALTER TABLE settings.survey ADD COLUMN source VARCHAR DEFAULT 'events';
