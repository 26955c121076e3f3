-- Last requests at each callback URL and their secrets, for the reports of `serve` and `doctor`.

CREATE TABLE callbacks (
    app         text NOT NULL,
    what        text NOT NULL,
    secret      text NOT NULL,
    fingerprint text NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (app, what, secret)
);
COMMENT ON TABLE callbacks IS 'Last request of each type at the callback URL of an app.

Written by: the server, a few seconds after the request and at shutdown.
Read by: hookshelf serve at startup, and hookshelf doctor.
Grows: by two rows for each app and two for each of its secrets, independent of the number of deliveries.';
COMMENT ON COLUMN callbacks.app IS 'Configured app.';
COMMENT ON COLUMN callbacks.what IS 'challenge_answered; challenge_refused (another verify token); delivery (verified, live or test); simulated (verified and marked as simulated).';
COMMENT ON COLUMN callbacks.secret IS 'Name of the signing secret: app, instagram, previous-1, ...; empty for challenges.';
COMMENT ON COLUMN callbacks.fingerprint IS 'Identity of the secret under this name: 4 bytes of an HMAC under it. Empty for challenges.';
COMMENT ON COLUMN callbacks.last_at IS 'Time of the last request.';
COMMENT ON INDEX callbacks_pkey IS 'One row for each app, request type and secret.';
