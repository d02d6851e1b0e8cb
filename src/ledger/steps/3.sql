-- A publication is noted when it is rendered, and counts from when it went out.
ALTER TABLE publication ADD COLUMN went_out INTEGER NOT NULL DEFAULT 1;

-- Up to where the planned times of a schedule are in `run`, whatever became of them.
CREATE TABLE planned_through (
    schedule TEXT PRIMARY KEY,
    instant TEXT NOT NULL
) STRICT;

-- Grain: a planned time of a schedule, or a run that somebody asked for. Instants are UTC, to the second.
CREATE TABLE run (
    run_id INTEGER PRIMARY KEY,
    schedule TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('scheduled', 'manual')),
    planned_at TEXT NOT NULL,
    -- Later than planned where a holiday is waited for.
    due_at TEXT NOT NULL,
    report TEXT NOT NULL,
    period TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'waiting', 'rendered', 'sent', 'partial', 'failed', 'skipped', 'missed')),
    -- Why it is where it is, for people.
    reason TEXT,
    -- The snapshot that it was made from, or was looked at last while it waits.
    snapshot TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Nothing is done about it before.
    next_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    -- Of a run that somebody asked for: to whom alone, and whether what went out before may go out again.
    only_to TEXT,
    again INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX run_of_time ON run (schedule, planned_at) WHERE kind = 'scheduled';
CREATE INDEX run_open ON run (next_at) WHERE state IN ('planned', 'waiting', 'rendered');

-- Grain: a report of a run for one recipient by one way.
CREATE TABLE delivery (
    delivery_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run ON DELETE CASCADE,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'folder', 'webhook')),
    recipient TEXT NOT NULL,
    sector TEXT,
    -- Report, period, sector, formats, channel and recipient: what must not go out again by itself.
    subject TEXT NOT NULL,
    -- The subject and the version of the data: what can not go out twice at all.
    idempotency_key TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'maybe_sent', 'failed', 'skipped')),
    -- Folder of what is sent, within the outbox; none where there is nothing to send.
    parcel TEXT,
    content_sha256 TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    -- What the other side said, or why it was not sent.
    answer TEXT
) STRICT;
CREATE UNIQUE INDEX delivery_once ON delivery (idempotency_key) WHERE state IN ('sending', 'sent', 'maybe_sent');
CREATE INDEX delivery_of_run ON delivery (run_id);
CREATE INDEX delivery_of_subject ON delivery (subject);

-- Grain: a try to deliver.
CREATE TABLE attempt (
    attempt_id INTEGER PRIMARY KEY,
    delivery_id INTEGER NOT NULL REFERENCES delivery ON DELETE CASCADE,
    began_at TEXT NOT NULL,
    -- Null: the process ended before it knew.
    ended_at TEXT,
    outcome TEXT,
    answer TEXT
) STRICT;

-- Grain: a mail about a failure to one person.
CREATE TABLE notice (
    notice_id INTEGER PRIMARY KEY,
    -- What it is about: the same is told to the same person once.
    about TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'maybe_sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    answer TEXT,
    UNIQUE (about, recipient)
) STRICT;

-- When a process of `relato serve` last looked for work.
CREATE TABLE heartbeat (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at TEXT NOT NULL,
    pid INTEGER NOT NULL
) STRICT;
