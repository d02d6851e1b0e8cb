-- Ids of the snapshots that this database has published, or that it was told to go on from. A database that does not know the newest one is older
-- than that: it was restored, or begun anew.
CREATE TABLE state.published_snapshot (snapshot_id VARCHAR NOT NULL);
