-- What the configuration reads of each day: a day of which one of these was never read is not loaded.
CREATE TABLE settings.source (resource VARCHAR NOT NULL, key_name VARCHAR NOT NULL);
