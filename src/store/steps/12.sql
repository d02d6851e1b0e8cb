-- Days that were settled while it was not known in which lists a key's ended tickets are: they are read again.
UPDATE raw.coverage SET is_settled = FALSE
WHERE resource = 'ticket' AND NOT EXISTS (SELECT 1 FROM raw.mark WHERE name = 'ticket_lists:' || coverage.key_name);

-- Messages of customers who write to the desk's bot itself are read with its own key: they are asked for once more.
UPDATE state.unsettled SET has_all_messages = FALSE WHERE message_source = 'no_key';
