-- Answers that are none, in normal form.
CREATE TABLE settings.no_answer (answer VARCHAR NOT NULL);

-- Whether a message is a satisfaction survey by its type; null: stored before types were read.
ALTER TABLE raw.message ADD COLUMN is_survey BOOLEAN;
