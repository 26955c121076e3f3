-- Commit order and repeats: the fence for positions, and the dedupe keys.

CREATE TABLE commit_fence (
    one         bool PRIMARY KEY DEFAULT true CHECK (one),
    epoch       int NOT NULL,
    epoch_since timestamptz NOT NULL
);
COMMENT ON TABLE commit_fence IS
'Lock of the writer, one row. Every commit holds the row lock to the end of its transaction, so that positions appear in commit order and followers miss nothing.

Written by: the dedupe epoch worker.
Read by: every commit, with a row lock.
Grows: never.';
COMMENT ON INDEX commit_fence_pkey IS 'One fence only.';
COMMENT ON COLUMN commit_fence.one IS 'Always true: one fence only.';
COMMENT ON COLUMN commit_fence.epoch IS 'Current dedupe epoch of all commits. A writer with another epoch in memory writes nothing and reads the epoch again.';
COMMENT ON COLUMN commit_fence.epoch_since IS 'Start of this epoch.';

INSERT INTO commit_fence (epoch, epoch_since) VALUES (1, now());

CREATE SEQUENCE event_position;
COMMENT ON SEQUENCE event_position IS 'Positions of events and repeats. Gaps are normal: an aborted commit leaves one.';

-- Lookups cover this epoch and the previous epoch, so that the cost of recognising repeats depends
-- on the window and not on the number of stored events.
CREATE TABLE dedupe (
    epoch    int NOT NULL,
    key      uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (key, epoch)
) PARTITION BY LIST (epoch);
COMMENT ON TABLE dedupe IS
'Dedupe keys of the current window and the previous window: keys of stored events.

Written by: the commit, one row for each new event; hookshelf events purge deletes purged rows.
Read by: the commit, to recognise repeats.
Grows: by about 100 bytes an event with its index, for one to two windows (dedupe.window_days); then a whole partition is dropped.';
COMMENT ON INDEX dedupe_pkey IS 'Lookup by key. The key is the first column, because a partition has one epoch.';
COMMENT ON COLUMN dedupe.epoch IS 'Epoch at the time of storing the event.';
COMMENT ON COLUMN dedupe.position IS 'events.position of the event, the target of repeats.';
COMMENT ON COLUMN dedupe.key IS 'events.dedupe_key: SHA-256 over app, account, kind and natural key, cut to 16 bytes. If the natural key contains a time or a mid with its creation time, the second of that time replaces the first 4 bytes.';

CREATE TABLE dedupe_1 PARTITION OF dedupe FOR VALUES IN (1);

COMMENT ON TABLE _sqlx_migrations IS
'Applied migrations.

Written by: hookshelf migrate, and hookshelf serve at startup.
Read by: the same commands, and hookshelf doctor.
Grows: by one row for each migration of a new version.';
COMMENT ON INDEX _sqlx_migrations_pkey IS 'One row for each migration.';
COMMENT ON COLUMN _sqlx_migrations.version IS 'Number of the migration.';
COMMENT ON COLUMN _sqlx_migrations.description IS 'Name of the migration.';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'Time of application.';
COMMENT ON COLUMN _sqlx_migrations.success IS 'True if the migration ran to its end.';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'Hash of the migration text: an applied migration must not change.';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'Duration in nanoseconds.';
