-- Whether Meta reaches a callback URL, and with which secret: what `serve` and `doctor` tell.

CREATE TABLE callbacks (
    app         text NOT NULL,
    what        text NOT NULL,
    secret      text NOT NULL,
    fingerprint text NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (app, what, secret)
);
COMMENT ON TABLE callbacks IS 'When each thing last happened at the callback URL of an app.

Written by: the server, a few seconds after it happened and when it stops.
Read by: hookshelf serve at its start, and hookshelf doctor.
Grows: by two rows for each app and two for each of its secrets, and not with deliveries.';
COMMENT ON COLUMN callbacks.app IS 'The configured app.';
COMMENT ON COLUMN callbacks.what IS 'challenge_answered; challenge_refused (another verify token); delivery (verified, live or test); simulated (verified and marked as simulated).';
COMMENT ON COLUMN callbacks.secret IS 'The name of the secret that signed it: app, instagram, previous-1, ...; empty for challenges.';
COMMENT ON COLUMN callbacks.fingerprint IS 'Tells whether that name still means the same secret: 4 bytes of an HMAC under it. Empty for challenges.';
COMMENT ON COLUMN callbacks.last_at IS 'When it last happened.';
COMMENT ON INDEX callbacks_pkey IS 'The same thing at the same app and secret is one row.';
