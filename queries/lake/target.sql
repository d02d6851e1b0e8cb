-- question: What should figures reach, by the first owner of the lake that says so?
-- grain: one row per figure, sector and first day
-- reads: owned.target
-- columns: as in marts.target
-- notes: targets of a figure and a sector are taken from one owner, so that no two hold on one day
SELECT metric, sector, from_day, until_day, value
FROM owned.target
QUALIFY lake_owner = min(lake_owner) OVER (PARTITION BY metric, sector)
ORDER BY metric, sector, from_day
