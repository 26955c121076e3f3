-- What makes a commit a commit: the fence that orders positions, and the keys that tell repeats.

CREATE TABLE commit_fence (
    one         bool PRIMARY KEY DEFAULT true CHECK (one),
    epoch       int NOT NULL,
    epoch_since timestamptz NOT NULL
);
COMMENT ON TABLE commit_fence IS
'One row. Every commit locks it until its end, so that positions appear in the order of commits and a follower misses nothing.

Written by: the worker that begins a dedupe epoch.
Read by: every commit, which locks it.
Grows: never.';
COMMENT ON INDEX commit_fence_pkey IS 'There is one fence.';
COMMENT ON COLUMN commit_fence.one IS 'Always true: there is one fence.';
COMMENT ON COLUMN commit_fence.epoch IS 'The dedupe epoch that commits write to. A writer that believes another one writes nothing and reads it again.';
COMMENT ON COLUMN commit_fence.epoch_since IS 'When this epoch began.';

INSERT INTO commit_fence (epoch, epoch_since) VALUES (1, now());

CREATE SEQUENCE event_position;
COMMENT ON SEQUENCE event_position IS 'Positions of events and repeats. Holes are normal: an aborted commit leaves one.';

-- Keys are looked up in this epoch and the one before, so that the cost of recognising repeats is
-- bounded by the window and not by all that was ever stored.
CREATE TABLE dedupe (
    epoch    int NOT NULL,
    key      uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (key, epoch)
) PARTITION BY LIST (epoch);
COMMENT ON TABLE dedupe IS
'The dedupe keys of the current window and the one before: what is in here is stored already.

Written by: the commit, a row for each new event; hookshelf events purge takes away what it purges.
Read by: the commit, to tell a repeat.
Grows: by about 100 bytes an event with its index, for one to two windows (dedupe.window_days); then a whole partition is dropped.';
COMMENT ON INDEX dedupe_pkey IS 'Finds a key if it is known; the key comes first because the epoch is given.';
COMMENT ON COLUMN dedupe.epoch IS 'The epoch in which the event was first stored.';
COMMENT ON COLUMN dedupe.position IS 'events.position of the event, which a repeat points to.';
COMMENT ON COLUMN dedupe.key IS 'events.dedupe_key: SHA-256 over app, account, kind and natural key, 16 bytes. If the natural key contains a time or the creation time inside a mid, its second replaces the first 4 bytes.';

CREATE TABLE dedupe_1 PARTITION OF dedupe FOR VALUES IN (1);

COMMENT ON TABLE _sqlx_migrations IS
'Which migrations were applied.

Written by: hookshelf migrate, and serve at its start.
Read by: the same.
Grows: by a row for each migration of a new version.';
COMMENT ON INDEX _sqlx_migrations_pkey IS 'A migration is applied once.';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The number of the migration.';
COMMENT ON COLUMN _sqlx_migrations.description IS 'Its name.';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied.';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether it ran to its end.';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The hash of its text: an applied migration may not change.';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds.';
