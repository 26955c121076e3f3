-- Sessions of the pages: a browser that signed in with a token sends a cookie instead of the token.

CREATE TABLE admin_sessions (
    id           bytea PRIMARY KEY CONSTRAINT admin_sessions_id CHECK (octet_length(id) = 32),
    token        bytea NOT NULL CONSTRAINT admin_sessions_token CHECK (octet_length(token) = 32),
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL
);
COMMENT ON TABLE admin_sessions IS 'Sessions of browsers at the admin listener. A session is valid until 12 hours after its last use, until 7 days after the sign-in, and as long as its token is configured.

Written by: the admin listener, when somebody signs in or out, and at most once a minute while a session is used; the server deletes expired rows each hour.
Read by: the admin listener, for requests with a cookie.
Grows: by one row for each sign-in.';
COMMENT ON COLUMN admin_sessions.id IS 'SHA-256 of the value of the cookie.';
COMMENT ON COLUMN admin_sessions.token IS 'SHA-256 of the token, as in admin.tokens.';
COMMENT ON COLUMN admin_sessions.created_at IS 'Time of the sign-in.';
COMMENT ON COLUMN admin_sessions.last_seen_at IS 'Time of the last use, up to a minute late.';
COMMENT ON INDEX admin_sessions_pkey IS 'Session of a request.';
