-- By what a file is known again: the digest of the report's content, which every format prints, and that of each file's bytes.
ALTER TABLE publication ADD COLUMN content_sha256 TEXT;

CREATE TABLE published_file (
    publication_id INTEGER NOT NULL REFERENCES publication ON DELETE CASCADE,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (publication_id, name)
) STRICT;
