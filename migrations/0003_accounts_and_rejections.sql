-- Whose deliveries arrive, and what was refused.

CREATE TABLE accounts (
    app        text NOT NULL,
    account_id text NOT NULL,
    username   text,
    label      text,
    client     text,
    state      text NOT NULL DEFAULT 'active',
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL,
    PRIMARY KEY (app, account_id)
);
COMMENT ON TABLE accounts IS
'The accounts that deliveries came for; a row appears with the first one.

Written by: the commit, at most once an hour for each account; hookshelf events purge takes away those that only simulation made.
Read by: hookshelf accounts list; hookshelf events stats, for the name of a client.
Grows: by a row for each account of an app.';
COMMENT ON INDEX accounts_pkey IS 'An account is one row in each app.';
COMMENT ON COLUMN accounts.app IS 'The configured app.';
COMMENT ON COLUMN accounts.account_id IS 'The Instagram professional account: entry.id.';
COMMENT ON COLUMN accounts.username IS 'The account''s user name, once known.';
COMMENT ON COLUMN accounts.label IS 'What the operator calls it.';
COMMENT ON COLUMN accounts.client IS 'Whose account it is, for those who run many.';
COMMENT ON COLUMN accounts.state IS 'active: deliveries are expected.';
COMMENT ON COLUMN accounts.first_seen IS 'received_at of the first delivery.';
COMMENT ON COLUMN accounts.last_seen IS 'received_at of the last delivery, to the hour.';

CREATE TABLE rejections (
    hour    timestamptz NOT NULL,
    app     text NOT NULL,
    reason  text NOT NULL,
    prefix  cidr NOT NULL,
    count   bigint NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (hour, app, reason, prefix)
);
COMMENT ON TABLE rejections IS
'How many requests were not stored: deliveries that were refused or got 503, and requests whose path names no app. The number of rows is capped: rejections.max_rows.

Written by: the worker that writes counts down, every few seconds and at a stop.
Read by: hookshelf rejections list; hookshelf doctor.
Grows: by a row for each hour, app, reason and network that had some, up to its cap.';
COMMENT ON INDEX rejections_pkey IS 'Counts of the same hour, app, reason and network are added up.';
COMMENT ON COLUMN rejections.hour IS 'The hour in which they came.';
COMMENT ON COLUMN rejections.app IS 'The configured app whose callback URL they used; - if the path names none.';
COMMENT ON COLUMN rejections.reason IS 'Refused: signature_missing, signature_sha1_only, signature_malformed, signature_mismatch, body_too_large, body_timeout, body_incomplete, body_malformed. Not stored: store_unavailable, queue_full, body_budget, stopping, internal. Not there: unknown_app, unknown_path.';
COMMENT ON COLUMN rejections.prefix IS 'The network they came from: /24 of IPv4, /48 of IPv6; 0.0.0.0/0 for addresses that are not known or came after the hour''s share of rows was used, and for unknown_app and unknown_path unless the network is Meta''s own.';
COMMENT ON COLUMN rejections.count IS 'How many.';
COMMENT ON COLUMN rejections.last_at IS 'When the last one came.';
