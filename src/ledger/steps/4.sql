-- Who looked at which data. Grain: the beginning, the end or the refusal of a question. Append-only: each hash is over the one before.
CREATE TABLE access_log (
    seq INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

-- The last record, by which it is seen when records are missing at the end.
CREATE TABLE access_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    seq INTEGER NOT NULL,
    hash TEXT NOT NULL
) STRICT;
