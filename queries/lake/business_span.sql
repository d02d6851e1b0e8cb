-- question: When is each calendar of business hours open, by the first owner of the lake that has it?
-- grain: one row per calendar and stretch of open hours
-- reads: owned.business_span
-- columns: as in marts.business_span
-- notes: stretches of a calendar are taken from one owner, so that no second counts twice
SELECT calendar, from_s, until_s, before_s
FROM owned.business_span
QUALIFY lake_owner = min(lake_owner) OVER (PARTITION BY calendar)
ORDER BY calendar, from_s, until_s
