-- Followers: readers of the event log with a stored position. The follower stats counts events and
-- repeats by the hour for `hookshelf events stats`.

CREATE TABLE followers (
    name         text PRIMARY KEY,
    position     bigint NOT NULL,
    caught_up_at timestamptz,
    began_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE followers IS 'Readers of the event log and their progress. A follower moves its row in the transaction of its result, so that nothing is missed or done twice.

Written by: the server, at most about once a second for each follower; several servers take turns by locking the row.
Read by: the server; hookshelf events stats, to report the progress of the counts.
Grows: by one row for each follower.';
COMMENT ON INDEX followers_pkey IS 'One row for each follower, locked by the moving server.';
COMMENT ON COLUMN followers.name IS 'Name of the follower: stats counts into stats_hourly; conversations keeps conversations and media_threads.';
COMMENT ON COLUMN followers.position IS 'Last position done.';
COMMENT ON COLUMN followers.caught_up_at IS 'Everything committed before this time is done; null until the first catch-up. Limits the days of the next search.';
COMMENT ON COLUMN followers.began_at IS 'Start of the follower.';

-- The rows of the current hour are updated often: free space on the page allows updates without
-- index writes.
CREATE TABLE stats_hourly (
    hour       timestamptz NOT NULL,
    app        text NOT NULL,
    account_id text NOT NULL,
    kind       text NOT NULL,
    source     text NOT NULL,
    events     bigint NOT NULL,
    repeats    bigint NOT NULL,
    PRIMARY KEY (hour, app, account_id, kind, source)
) WITH (fillfactor = 70);
-- Time of the last event of each kind of an account, for hookshelf accounts list. Measured on a
-- million rows of 3,000 accounts: 0.4 s for all accounts, over a minute without the index. Costs 60
-- bytes a row and 4 microseconds for each insert.
CREATE INDEX stats_hourly_account ON stats_hourly (app, account_id, kind, hour);
COMMENT ON INDEX stats_hourly_pkey IS 'Addition of counts of the same hour, app, account, kind and source. The hour is the first column, because queries name a time range.';
COMMENT ON INDEX stats_hourly_account IS 'Last hour of each kind of an account. Costs 60 bytes a row.';
COMMENT ON TABLE stats_hourly IS 'Hourly counts of received events and repeats. Unaffected by dropping events by age.

Written by: the follower stats, in the transaction of its position; hookshelf events purge deletes purged counts.
Read by: hookshelf events stats; hookshelf accounts list.
Grows: by one row for each hour, app, account, kind and source with events or repeats.';
COMMENT ON COLUMN stats_hourly.hour IS 'Start of the hour (UTC) of arrival.';
COMMENT ON COLUMN stats_hourly.app IS 'events.app.';
COMMENT ON COLUMN stats_hourly.account_id IS 'events.account_id; empty for events without an account, because a key cannot hold null.';
COMMENT ON COLUMN stats_hourly.kind IS 'events.kind.';
COMMENT ON COLUMN stats_hourly.source IS 'events.source; for repeats, the source of the repeating delivery.';
COMMENT ON COLUMN stats_hourly.events IS 'Number of new events.';
COMMENT ON COLUMN stats_hourly.repeats IS 'Number of repeated items.';
