-- What the configuration reads of each day: a day of which one of these was never read is not loaded.
CREATE TABLE settings.source (resource VARCHAR NOT NULL, key_name VARCHAR NOT NULL);

-- Open tickets that Blip did not know any more, and when that was noticed: for some time they are asked for again.
CREATE TABLE state.gone_ticket (ticket_id VARCHAR NOT NULL, noticed_at TIMESTAMP NOT NULL);
