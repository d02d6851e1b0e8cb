-- question: Which sectors does any of the owners of the lake have?
-- grain: one row per name
-- reads: owned.sector
-- columns: as in marts.sector
SELECT DISTINCT sector
FROM owned.sector
ORDER BY sector
