-- Audit of content that was shown.

CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    token   text NOT NULL,
    address inet,
    verb    text NOT NULL,
    subject text,
    rows    bigint
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_subject ON audit (subject, at) WHERE subject IS NOT NULL;
COMMENT ON TABLE audit IS
'Content that was shown through the API, and failed logins.

Written by: the admin listener, before it answers; the server deletes rows after two years.
Read by: GET /v1/audit and hookshelf audit list.
Grows: by a row for each opened body, conversation, thread, search and export.';
COMMENT ON SEQUENCE audit_id_seq IS 'Values of audit.id.';
COMMENT ON COLUMN audit.id IS 'Order of the entries.';
COMMENT ON COLUMN audit.at IS 'Time of the request.';
COMMENT ON COLUMN audit.token IS 'Name of the token; local without tokens; empty for a failed login.';
COMMENT ON COLUMN audit.address IS 'Client address, with trusted proxies resolved.';
COMMENT ON COLUMN audit.verb IS 'body, signature, delivery, event, conversation, comments, search, export, exported (the end of an export, with its rows) or login_failed.';
COMMENT ON COLUMN audit.subject IS 'Position or delivery id; for a person or account, an HMAC of the id under the key in data_dir/audit.key.';
COMMENT ON COLUMN audit.rows IS 'Number of events shown; null if it does not apply.';
COMMENT ON INDEX audit_pkey IS 'Export of all entries in their order.';
COMMENT ON INDEX audit_at IS 'Newest entries, and deletion after two years.';
COMMENT ON INDEX audit_subject IS 'Entries about one subject.';
