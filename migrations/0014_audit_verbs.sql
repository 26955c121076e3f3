-- Consumers show content, too, and operators change them.

COMMENT ON COLUMN audit.verb IS 'body, signature, delivery, event, conversation, comments, search, export, exported (the end of an export, with its rows), lease (content handed out by a consumer: one entry an hour for each token) or login_failed; and changes: consumer_pause, consumer_resume, consumer_seek, consumer_remove, dead_letters_retry, dead_letters_discard.';
COMMENT ON COLUMN audit.subject IS 'Position, delivery id or name of a consumer; for a person or account, an HMAC of the id under the key in data_dir/audit.key.';
COMMENT ON COLUMN audit.rows IS 'Number of events shown, or skipped by a change; null if it does not apply.';
