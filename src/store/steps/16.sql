-- What was unlinked on request, under its receipt, from before it begins until somebody has the receipt: a break-off in between loses no proof.
CREATE TABLE restricted.receipt (
    receipt VARCHAR NOT NULL, begun_at TIMESTAMP NOT NULL, customers VARCHAR NOT NULL, document VARCHAR, is_issued BOOLEAN NOT NULL
);
