-- A report as it went out, with the key figures that it printed.
CREATE TABLE publication (
    publication_id INTEGER PRIMARY KEY,
    report TEXT NOT NULL,
    -- As commands take it, such as 2026-10; and its first day, to sort by.
    period TEXT NOT NULL,
    period_start TEXT NOT NULL,
    sector TEXT,
    snapshot TEXT NOT NULL,
    -- When the snapshot was published: the report's time of issue.
    published_at TEXT NOT NULL,
    -- Digest of the settings and queries that say what figures mean.
    rules TEXT NOT NULL,
    UNIQUE (report, period, sector, snapshot)
) STRICT;

CREATE TABLE published_figure (
    publication_id INTEGER NOT NULL REFERENCES publication ON DELETE CASCADE,
    block TEXT NOT NULL,
    figure TEXT NOT NULL,
    -- Null: the report had no value.
    value REAL,
    PRIMARY KEY (publication_id, block, figure)
) STRICT;
