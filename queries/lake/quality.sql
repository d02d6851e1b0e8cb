-- question: What did checks find in the data of all owners of the lake?
-- grain: one row per check, resource and day
-- reads: owned.quality
-- columns: as in marts.quality
-- notes: numbers are added up; the state is that of the owner who is worst off
SELECT
    check_name,
    resource,
    day,
    CAST(sum(said) AS BIGINT) AS said,
    CAST(sum(found) AS BIGINT) AS found,
    CAST(sum(set_aside) AS BIGINT) AS set_aside,
    arg_max(state, CASE state WHEN 'fail' THEN 3 WHEN 'warn' THEN 2 WHEN 'explained' THEN 1 ELSE 0 END) AS state
FROM owned.quality
GROUP BY check_name, resource, day
ORDER BY check_name, resource, day
