-- Replays are in the audit: the comments name their verbs.

COMMENT ON COLUMN audit.verb IS 'body, signature, delivery, event, conversation, comments, search, export, exported (the end of an export, with its rows), lease (content handed out by a consumer: one entry an hour for each token) or login_failed; and changes: consumer_pause, consumer_resume, consumer_seek, consumer_remove, dead_letters_retry, dead_letters_discard, replay (created), replay_pause, replay_resume, replay_cancel.';
COMMENT ON COLUMN audit.subject IS 'Position, delivery id, name of a consumer or number of a replay; for a person or account, an HMAC of the id under the key in data_dir/audit.key.';
COMMENT ON COLUMN audit.rows IS 'Number of events shown, skipped by a change, or chosen by a replay; null if it does not apply.';
