-- What makes a commit a commit: the fence that orders positions, and the keys that tell repeats.

CREATE TABLE commit_fence (
    one         bool PRIMARY KEY DEFAULT true CHECK (one),
    epoch       int NOT NULL,
    epoch_since timestamptz NOT NULL
);
COMMENT ON TABLE commit_fence IS 'One row. Every commit locks it until its end, so that positions appear in the order of commits and a follower misses nothing.';
COMMENT ON COLUMN commit_fence.one IS 'Always true: there is one fence.';
COMMENT ON COLUMN commit_fence.epoch IS 'The dedupe epoch that commits write to. A writer that believes another one writes nothing and reads it again.';
COMMENT ON COLUMN commit_fence.epoch_since IS 'When this epoch began.';

INSERT INTO commit_fence (epoch, epoch_since) VALUES (1, now());

CREATE SEQUENCE event_position;
COMMENT ON SEQUENCE event_position IS 'Positions of events. Holes are normal: a repeat or an aborted commit leaves one.';

-- Keys are looked up in this epoch and the one before, so that the cost of recognising repeats is
-- bounded by the window and not by all that was ever stored.
CREATE TABLE dedupe (
    epoch    int NOT NULL,
    key      uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (key, epoch)
) PARTITION BY LIST (epoch);
COMMENT ON TABLE dedupe IS 'The dedupe keys of the current window and the one before: what is in here is stored already.';
COMMENT ON COLUMN dedupe.epoch IS 'The epoch in which the event was first stored.';
COMMENT ON COLUMN dedupe.position IS 'events.position of the event, which a repeat points to.';
COMMENT ON COLUMN dedupe.key IS 'events.dedupe_key: SHA-256 over app, account, kind and natural key, 16 bytes. If the natural key contains a time or the creation time inside a mid, its second replaces the first 4 bytes.';

CREATE TABLE dedupe_1 PARTITION OF dedupe FOR VALUES IN (1);

COMMENT ON TABLE _sqlx_migrations IS 'Which migrations were applied; written by hookshelf migrate and at start.';
COMMENT ON COLUMN _sqlx_migrations.version IS 'The number of the migration.';
COMMENT ON COLUMN _sqlx_migrations.description IS 'Its name.';
COMMENT ON COLUMN _sqlx_migrations.installed_on IS 'When it was applied.';
COMMENT ON COLUMN _sqlx_migrations.success IS 'Whether it ran to its end.';
COMMENT ON COLUMN _sqlx_migrations.checksum IS 'The hash of its text: an applied migration may not change.';
COMMENT ON COLUMN _sqlx_migrations.execution_time IS 'How long it took, in nanoseconds.';
