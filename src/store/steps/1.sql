CREATE SCHEMA raw;
CREATE SCHEMA settings;
CREATE SCHEMA staging;
CREATE SCHEMA marts;
CREATE SCHEMA restricted;

CREATE SEQUENCE raw.version;
CREATE TABLE raw.ticket (
    version BIGINT NOT NULL, ticket_id VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, body VARCHAR NOT NULL,
    key_name VARCHAR NOT NULL, run_id VARCHAR NOT NULL
);
CREATE TABLE raw.rejected (resource VARCHAR NOT NULL, reason VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, run_id VARCHAR NOT NULL);
CREATE TABLE raw.message (
    owner VARCHAR NOT NULL, customer_key VARCHAR NOT NULL, message_id VARCHAR NOT NULL, direction VARCHAR NOT NULL,
    author VARCHAR, content BOOLEAN NOT NULL, sent_at TIMESTAMP NOT NULL, run_id VARCHAR NOT NULL
);
CREATE TABLE raw.message_read (ticket_id VARCHAR NOT NULL, is_final BOOLEAN NOT NULL, run_id VARCHAR NOT NULL);
CREATE TABLE raw.event (
    event_id VARCHAR NOT NULL, category VARCHAR NOT NULL, action VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL,
    customer_key VARCHAR, queue VARCHAR, run_id VARCHAR NOT NULL
);
CREATE TABLE restricted.comment (event_id VARCHAR NOT NULL, comment VARCHAR NOT NULL);
CREATE TABLE raw.attendant (version BIGINT NOT NULL, agent VARCHAR NOT NULL, name VARCHAR, queues VARCHAR, run_id VARCHAR NOT NULL);
CREATE TABLE raw.queue (queue VARCHAR NOT NULL);
CREATE TABLE raw.coverage (
    resource VARCHAR NOT NULL, key_name VARCHAR NOT NULL, day DATE NOT NULL, reported BIGINT NOT NULL, stored BIGINT NOT NULL,
    still_open BIGINT NOT NULL, day_was_over BOOLEAN NOT NULL
);
CREATE TABLE raw.load (
    run_id VARCHAR NOT NULL, finished_at TIMESTAMP NOT NULL, ticket_answers BIGINT NOT NULL, messages BIGINT NOT NULL, events BIGINT NOT NULL
);
CREATE TABLE raw.mark (name VARCHAR NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE settings.queue_sector (queue VARCHAR NOT NULL, sector VARCHAR NOT NULL);
CREATE TABLE settings.rule (direct_transfer VARCHAR NOT NULL, default_queue VARCHAR NOT NULL, unresolved VARCHAR NOT NULL);
CREATE TABLE settings.survey (
    category VARCHAR NOT NULL, scale VARCHAR NOT NULL, lowest BIGINT NOT NULL, highest BIGINT NOT NULL, satisfied_from BIGINT NOT NULL
);
CREATE TABLE settings.answer (answer VARCHAR NOT NULL, score BIGINT NOT NULL);
CREATE TABLE settings.offset_span (from_at TIMESTAMP NOT NULL, until_at TIMESTAMP NOT NULL, offset_s BIGINT NOT NULL);
