-- Plans that were applied to people and channels. Grain: plan.
CREATE TABLE operation (
    operation_id INTEGER PRIMARY KEY,
    plan TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    begun_at TEXT NOT NULL,
    ended_at TEXT
) STRICT;

-- Grain: write of such a plan.
CREATE TABLE operation_step (
    operation_id INTEGER NOT NULL REFERENCES operation,
    number INTEGER NOT NULL,
    place TEXT NOT NULL,
    subject TEXT NOT NULL,
    after TEXT,
    state TEXT NOT NULL CHECK (state IN ('planned', 'begun', 'done', 'verified', 'waiting', 'refused', 'unclear', 'differs')),
    answer TEXT,
    updated_at TEXT NOT NULL,
    PRIMARY KEY (operation_id, number)
) STRICT;

CREATE INDEX operation_step_subject ON operation_step (place, subject);
