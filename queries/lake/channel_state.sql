-- question: How are the channels of all owners of the lake set?
-- grain: one row per channel
-- reads: owned.channel_state
-- columns: as in marts.channel_state
-- notes: of a channel that several owners have, the one that is worst off
SELECT
    channel,
    arg_max(state, CASE state WHEN 'absent' THEN 2 WHEN 'misconfigured' THEN 1 ELSE 0 END) AS state,
    arg_max(missing, CASE state WHEN 'absent' THEN 2 WHEN 'misconfigured' THEN 1 ELSE 0 END) AS missing
FROM owned.channel_state
GROUP BY channel
ORDER BY channel
