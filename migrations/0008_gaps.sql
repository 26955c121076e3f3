-- Times without deliveries, or with late ones, for `GET /v1/gaps`, and for features that ask Meta for
-- missed data.

CREATE TABLE gaps (
    app       text NOT NULL,
    cause     text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    PRIMARY KEY (app, cause, opened_at)
);
COMMENT ON TABLE gaps IS
'Times in which deliveries to an app were missed or late.

Written by: the worker for gaps: down at the start of a server, the others within seconds.
Read by: the API; hookshelf conversations show.
Grows: by one row for each app and stop of the server, outage, or time with rejections only.';
COMMENT ON INDEX gaps_pkey IS 'One row for each gap; closing a gap finds its row.';
COMMENT ON COLUMN gaps.app IS 'Configured app.';
COMMENT ON COLUMN gaps.cause IS 'down: the server was not running. refusing: nothing but rejections from Meta''s networks, for five minutes. unable: 503 for a minute, because neither Postgres nor the spool took deliveries. spooling: deliveries went into the spool; they are late, not lost.';
COMMENT ON COLUMN gaps.opened_at IS 'Start: receive time of the first delivery concerned; for down, the last time the server was known to run.';
COMMENT ON COLUMN gaps.closed_at IS 'End; null while the gap is open.';

CREATE TABLE liveness (
    app      text NOT NULL,
    instance text NOT NULL,
    alive_at timestamptz NOT NULL,
    stopped  bool NOT NULL,
    PRIMARY KEY (app, instance)
);
COMMENT ON TABLE liveness IS
'Last time at which a server accepted deliveries to an app.

Written by: the worker for gaps, once a minute and at a stop.
Read by: the worker for gaps, at the start of a server.
Grows: by one row for each app and server.';
COMMENT ON INDEX liveness_pkey IS 'Update of the row of a server.';
COMMENT ON COLUMN liveness.app IS 'Configured app.';
COMMENT ON COLUMN liveness.instance IS 'Host name and data directory of the server.';
COMMENT ON COLUMN liveness.alive_at IS 'Last time the server was known to run.';
COMMENT ON COLUMN liveness.stopped IS 'True after a clean stop.';
