-- Customers whose records were unlinked from them. What such a customer did before then must not be joined to them again when a source
-- tells of it once more.
CREATE TABLE restricted.erasure (customer_key VARCHAR NOT NULL, erased_at TIMESTAMP NOT NULL, receipt VARCHAR NOT NULL);
