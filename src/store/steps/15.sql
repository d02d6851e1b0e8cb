-- Local days that imported files cover, both ends inclusive: which months come from files, and from which.
CREATE TABLE raw.imported_range (file VARCHAR NOT NULL, first_day DATE NOT NULL, last_day DATE NOT NULL, run BIGINT NOT NULL);
