-- Consumers: workers that fetch events, and destinations that events are sent to. No table names a
-- person or an account, or has a text: a position names an event, and its lane is read from the
-- event.

-- Every flush updates a row. Without an index on what changes, and with half of the page free, the
-- updates are HOT and need no vacuum.
CREATE TABLE consumers (
    name          text PRIMARY KEY,
    owner         text,
    owner_address text,
    owned_until   timestamptz,
    generation    bigint NOT NULL DEFAULT 0,
    position      bigint NOT NULL,
    caught_up_at  timestamptz,
    heads         bytea NOT NULL DEFAULT '',
    settled       bigint NOT NULL DEFAULT 0,
    skipped       bigint NOT NULL DEFAULT 0,
    dead          bigint NOT NULL DEFAULT 0,
    paused        text
) WITH (fillfactor = 50);
COMMENT ON TABLE consumers IS 'Consumers and destinations with their progress in the event log. An event up to position is settled, unless a head or a row of consumer_lanes is the same event or an earlier one of its lane.

Written by: the process that owns the consumer, at most 50 times a second. No version has consumers yet.
Read by: the process that takes the consumer.
Grows: by one row for each consumer and destination. A row stays when its name leaves the configuration, until it is removed.';
COMMENT ON INDEX consumers_pkey IS 'One row for each consumer, updated by its owner.';
COMMENT ON COLUMN consumers.name IS 'Name of the consumer or destination in the configuration.';
COMMENT ON COLUMN consumers.owner IS 'Process that owns the consumer; null after a clean stop.';
COMMENT ON COLUMN consumers.owner_address IS 'Address of the owner for other processes; null if none is configured.';
COMMENT ON COLUMN consumers.owned_until IS 'End of the ownership, by the clock of the database, unless a flush extends it; null after a clean stop.';
COMMENT ON COLUMN consumers.generation IS 'Number of the ownership. Every flush names it; a flush with an earlier number writes nothing.';
COMMENT ON COLUMN consumers.position IS 'Last position read.';
COMMENT ON COLUMN consumers.caught_up_at IS 'Everything committed before this time is read; null until the first catch-up. Limits the days of the next search.';
COMMENT ON COLUMN consumers.heads IS 'First unsettled event of each lane that does not wait, the newest first: distances from position, then from the head before, as varints (LEB128).';
COMMENT ON COLUMN consumers.settled IS 'Number of settled events.';
COMMENT ON COLUMN consumers.skipped IS 'Number of skipped events, such as those older than max_age.';
COMMENT ON COLUMN consumers.dead IS 'Number of events that became dead letters.';
COMMENT ON COLUMN consumers.paused IS 'Reason of a pause: operator; gone (a destination answered 410); clock (the clock of Meta or of the server jumped); breaker (too many failures). Null if not paused.';

-- A retry updates a row in place, if the page has space for it.
CREATE TABLE consumer_lanes (
    consumer    text NOT NULL,
    position    bigint NOT NULL,
    received_at timestamptz NOT NULL,
    attempts    int NOT NULL,
    first_at    timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    code        text NOT NULL,
    PRIMARY KEY (consumer, position)
) WITH (fillfactor = 80);
COMMENT ON TABLE consumer_lanes IS 'Waiting lanes: conversations whose first unsettled event failed. The events behind it need no row.

Written by: the owner of the consumer, with each flush.
Read by: the process that takes the consumer.
Grows: by about 100 bytes for each lane that waits, at most 10,000 lanes for each consumer; the row goes when its event is settled.';
COMMENT ON INDEX consumer_lanes_pkey IS 'Waiting lanes of a consumer, in the order of their heads.';
COMMENT ON COLUMN consumer_lanes.consumer IS 'consumers.name.';
COMMENT ON COLUMN consumer_lanes.position IS 'Head of the lane: position of its first unsettled event.';
COMMENT ON COLUMN consumer_lanes.received_at IS 'events.received_at of the head.';
COMMENT ON COLUMN consumer_lanes.attempts IS 'Number of failed attempts.';
COMMENT ON COLUMN consumer_lanes.first_at IS 'Time of the first failure.';
COMMENT ON COLUMN consumer_lanes.due_at IS 'Time of the next attempt, by the clock of the database.';
COMMENT ON COLUMN consumer_lanes.code IS 'Code of the last failure: a few letters, digits and underscores.';

CREATE TABLE dead_letters (
    consumer    text NOT NULL,
    position    bigint NOT NULL,
    received_at timestamptz NOT NULL,
    attempts    int NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    reason      text NOT NULL,
    code        text NOT NULL,
    state       text NOT NULL,
    PRIMARY KEY (consumer, position)
);
COMMENT ON TABLE dead_letters IS 'Dead letters: events that a consumer did not settle within its attempts. Their lanes went on without them.

Written by: the owner of the consumer; hookshelf events purge deletes the rows of purged events.
Read by: nothing yet.
Grows: by about 120 bytes for each event given up, until the consumer is removed.';
COMMENT ON INDEX dead_letters_pkey IS 'Dead letters of a consumer, in the order of the log.';
COMMENT ON COLUMN dead_letters.consumer IS 'consumers.name.';
COMMENT ON COLUMN dead_letters.position IS 'Position of the event.';
COMMENT ON COLUMN dead_letters.received_at IS 'events.received_at.';
COMMENT ON COLUMN dead_letters.attempts IS 'Number of failed attempts.';
COMMENT ON COLUMN dead_letters.first_at IS 'Time of the first failure.';
COMMENT ON COLUMN dead_letters.last_at IS 'Time of the last failure.';
COMMENT ON COLUMN dead_letters.reason IS 'Rule that gave the event up, such as attempts or worker.';
COMMENT ON COLUMN dead_letters.code IS 'Code of the last failure: a few letters, digits and underscores.';
COMMENT ON COLUMN dead_letters.state IS 'dead; retried (handed out again by an operator); discarded.';
