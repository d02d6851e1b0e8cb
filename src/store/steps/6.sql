-- How the bots' channels are set, by the newest load; values of entries are not kept.
CREATE TABLE raw.channel_setting (channel VARCHAR NOT NULL, state VARCHAR NOT NULL, missing VARCHAR);
