-- Business hours as stretches of absolute time. A sector without a calendar of its own goes by the one called `*`.
CREATE TABLE settings.calendar (calendar VARCHAR NOT NULL);
CREATE TABLE settings.business_span (
    calendar VARCHAR NOT NULL, from_at TIMESTAMP NOT NULL, to_at TIMESTAMP NOT NULL, before_s BIGINT NOT NULL
);

-- What figures should reach, each from a day to the day before the next.
CREATE TABLE settings.target (
    metric VARCHAR NOT NULL, sector VARCHAR, from_day DATE NOT NULL, until_day DATE, value DOUBLE NOT NULL
);

ALTER TABLE settings.rule ADD COLUMN short_loss_s BIGINT DEFAULT 10;

-- What the checks of the last load found.
CREATE TABLE state.check_result (check_name VARCHAR NOT NULL, strength VARCHAR NOT NULL, offending BIGINT NOT NULL);
