-- Accounts with deliveries, and counts of refused requests.

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
'Accounts with deliveries; the first delivery creates the row.

Written by: the commit, at most once an hour for each account; hookshelf events purge deletes accounts of simulated deliveries only.
Read by: hookshelf accounts list; hookshelf events stats, for the client name.
Grows: by one row for each account of an app.';
COMMENT ON INDEX accounts_pkey IS 'One row for each app and account.';
COMMENT ON COLUMN accounts.app IS 'Configured app.';
COMMENT ON COLUMN accounts.account_id IS 'Instagram professional account: entry.id.';
COMMENT ON COLUMN accounts.username IS 'User name of the account, once known.';
COMMENT ON COLUMN accounts.label IS 'Operator''s name for the account.';
COMMENT ON COLUMN accounts.client IS 'Owner of the account, for operators with many accounts.';
COMMENT ON COLUMN accounts.state IS 'active: deliveries are expected.';
COMMENT ON COLUMN accounts.first_seen IS 'received_at of the first delivery.';
COMMENT ON COLUMN accounts.last_seen IS 'received_at of the last delivery, to the hour.';

CREATE TABLE rejections (
    hour         timestamptz NOT NULL,
    app          text NOT NULL,
    reason       text NOT NULL,
    prefix       cidr NOT NULL,
    count        bigint NOT NULL,
    last_at      timestamptz NOT NULL,
    proxy_header text,
    PRIMARY KEY (hour, app, reason, prefix)
);
COMMENT ON TABLE rejections IS
'Counts of requests without a stored delivery: refused, answered with 503, or without an app in the path. The number of rows has a limit: rejections.max_rows.

Written by: the worker for counts, every few seconds and at shutdown.
Read by: hookshelf rejections list; hookshelf doctor.
Grows: by one row for each hour, app, reason and network with such requests, up to the limit.';
COMMENT ON INDEX rejections_pkey IS 'Addition of counts of the same hour, app, reason and network.';
COMMENT ON COLUMN rejections.hour IS 'Hour of arrival.';
COMMENT ON COLUMN rejections.app IS 'Configured app of the callback URL; - for a path without an app.';
COMMENT ON COLUMN rejections.reason IS 'Refused: signature_missing, signature_sha1_only, signature_malformed, signature_mismatch, body_reencoded, body_too_large, body_timeout, body_incomplete, body_malformed. Not stored: store_unavailable, queue_full, body_budget, stopping, internal. Not found: unknown_app, unknown_path.';
COMMENT ON COLUMN rejections.prefix IS 'Network of the client: /24 of IPv4, /48 of IPv6. 0.0.0.0/0: unknown addresses; addresses beyond the row limit of the hour; unknown_app and unknown_path from networks other than Meta''s.';
COMMENT ON COLUMN rejections.count IS 'Number of requests.';
COMMENT ON COLUMN rejections.last_at IS 'Time of the last request.';
COMMENT ON COLUMN rejections.proxy_header IS 'Header of such a request that reveals a proxy: via, cf-ray, x-forwarded-for, ... Null if none.';
