-- Number of changes of this file. The file beside it knows it, too, so that a ledger that lost some is noticed.
CREATE TABLE ledger_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    changes INTEGER NOT NULL
) STRICT;
