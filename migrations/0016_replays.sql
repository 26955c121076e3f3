-- Replays: stored events that a consumer gets again.

CREATE TABLE replays (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer       text NOT NULL,
    state          text NOT NULL DEFAULT 'running'
        CONSTRAINT replays_state CHECK (state IN ('running', 'paused', 'done', 'cancelled')),
    filter         jsonb NOT NULL,
    of_dead        boolean NOT NULL,
    ignore_max_age boolean NOT NULL,
    rate           int CONSTRAINT replays_rate CHECK (rate > 0),
    note           text,
    operator       text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended_at       timestamptz,
    events         bigint NOT NULL,
    after          bigint NOT NULL,
    through        bigint NOT NULL,
    position       bigint NOT NULL,
    heads          bytea NOT NULL DEFAULT '',
    settled        bigint NOT NULL DEFAULT 0,
    skipped        bigint NOT NULL DEFAULT 0,
    dead           bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
COMMENT ON TABLE replays IS 'Replays: second cursors of consumers and destinations, with an end. A chosen event after "after" and up to position is settled, unless it is among the heads.

Written by: operators, who create, pause, resume and cancel replays; the process that owns the consumer, with its flushes.
Read by: the owner of the consumer; lists of replays.
Grows: by one row for each replay, which is kept.';
COMMENT ON COLUMN replays.consumer IS 'consumers.name.';
COMMENT ON COLUMN replays.state IS 'running, paused (by an operator), done, or cancelled (by an operator). Of several running replays of a consumer, the first one goes on.';
COMMENT ON COLUMN replays.filter IS 'Chosen events: the filters of a list of events, as JSON. It may name persons.';
COMMENT ON COLUMN replays.of_dead IS 'Only events with a dead letter of the consumer.';
COMMENT ON COLUMN replays.ignore_max_age IS 'Events older than max_age of the consumer are handed out as well.';
COMMENT ON COLUMN replays.rate IS 'Maximum number of events read a second; null for no limit.';
COMMENT ON COLUMN replays.note IS 'Reason given by the operator.';
COMMENT ON COLUMN replays.operator IS 'audit.token of the operator.';
COMMENT ON COLUMN replays.created_at IS 'Time of creation.';
COMMENT ON COLUMN replays.ended_at IS 'Time at which the replay was done or cancelled.';
COMMENT ON COLUMN replays.events IS 'Number of events of the plan.';
COMMENT ON COLUMN replays.after IS 'Position before the first event of the plan.';
COMMENT ON COLUMN replays.through IS 'Position of the last event of the plan.';
COMMENT ON COLUMN replays.position IS 'Last position read.';
COMMENT ON COLUMN replays.heads IS 'Unsettled events up to position, as in consumers.heads.';
COMMENT ON COLUMN replays.settled IS 'Number of settled events.';
COMMENT ON COLUMN replays.skipped IS 'Number of events skipped because they were gone, too old, or not chosen by the consumer.';
COMMENT ON COLUMN replays.dead IS 'Number of events that became dead letters.';
CREATE INDEX replays_running ON replays (consumer, id) WHERE state = 'running';
COMMENT ON INDEX replays_running IS 'First running replay of a consumer. Its owner asks for it all the time.';
COMMENT ON COLUMN replays.id IS 'Number of the replay.';
COMMENT ON INDEX replays_pkey IS 'One replay by its number.';
COMMENT ON SEQUENCE replays_id_seq IS 'Numbers of replays.';
