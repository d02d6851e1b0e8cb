-- question: How is each channel of the bots set, as far as Blip tells?
-- grain: one row per channel whose entries could be listed, by the newest load
-- parameters: none
-- reads: raw.channel_setting
-- columns:
--   channel  text  domain of its identities
--   state    text  connected, misconfigured or absent; that this means what it says is an assumption about Blip's entries
--   missing  text  keys that are missing or switched off; null: none
SELECT
    channel,
    state,
    missing
FROM raw.channel_setting
ORDER BY channel
