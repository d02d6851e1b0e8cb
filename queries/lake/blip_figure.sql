-- question: What does Blip itself report of each day, of all owners of the lake?
-- grain: one row per key, day, figure and queue
-- reads: owned.blip_figure
-- columns: as in marts.blip_figure
-- notes: a key is named after its owner, too: owners may call theirs alike
SELECT
    lake_owner || '/' || key_name AS key_name,
    day,
    figure,
    queue,
    value
FROM owned.blip_figure
ORDER BY key_name, day, figure, queue
