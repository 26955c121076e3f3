-- State of consumers that the delivery engine needs: kind, lanes, key of the leases, reasons of
-- skipped events, and the end of a retried dead letter.

ALTER TABLE consumers
    DROP COLUMN skipped,
    ADD COLUMN kind      text NOT NULL DEFAULT 'consumer'
        CONSTRAINT consumers_kind CHECK (kind IN ('consumer', 'destination')),
    ADD COLUMN lane      text NOT NULL DEFAULT 'person',
    -- Two random UUIDs: Postgres 14 has no random bytes without an extension.
    ADD COLUMN token_key bytea NOT NULL
        DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
    ADD COLUMN gone      bigint NOT NULL DEFAULT 0,
    ADD COLUMN too_old   bigint NOT NULL DEFAULT 0,
    ADD COLUMN repeated  bigint NOT NULL DEFAULT 0,
    ADD COLUMN filtered  bigint NOT NULL DEFAULT 0;
COMMENT ON TABLE consumers IS 'Consumers and destinations with their progress in the event log. An event up to position is settled, unless a head or a row of consumer_lanes is the same event or an earlier one of its lane.

Written by: the process that owns the consumer, at most 50 times a second; operators, who pause, move and remove consumers.
Read by: the process that takes the consumer; lists of consumers and destinations; doctor.
Grows: by one row for each consumer and destination. A row stays when its name leaves the configuration, until it is removed.';
COMMENT ON COLUMN consumers.kind IS 'consumer (workers fetch the events) or destination (the events are sent).';
COMMENT ON COLUMN consumers.lane IS 'Unit of ordering under which the heads were saved: person, account or none. The owner reads again from the first head if the setting differs.';
COMMENT ON COLUMN consumers.token_key IS 'Secret key of the lease tokens: 32 bytes with 244 random bits.';
COMMENT ON COLUMN consumers.gone IS 'Number of events skipped because they no longer existed at their turn.';
COMMENT ON COLUMN consumers.too_old IS 'Number of events skipped because they were older than max_age at their turn.';
COMMENT ON COLUMN consumers.repeated IS 'Number of events skipped because once_per allows one hand-out.';
COMMENT ON COLUMN consumers.filtered IS 'Number of events skipped because they no longer met the filter at their turn.';

COMMENT ON TABLE consumer_lanes IS 'Waiting lanes: conversations whose first unsettled event failed. The events behind it need no row.

Written by: the owner of the consumer, with each flush.
Read by: the process that takes the consumer; lists of consumers and destinations.
Grows: by about 100 bytes for each lane that waits, at most 10,000 lanes for each consumer; the row goes when its event is settled.';

-- Lists and counts by state. An owner asks for retried letters all the time.
CREATE INDEX dead_letters_state ON dead_letters (consumer, state, position);
COMMENT ON INDEX dead_letters_state IS 'Dead letters of a consumer in one state. Costs about 50 bytes a letter.';
COMMENT ON TABLE dead_letters IS 'Dead letters: events that a consumer did not settle within its attempts. Their lanes went on without them.

Written by: the owner of the consumer; operators, who retry and discard letters; hookshelf events purge deletes the rows of purged events.
Read by: the owner of the consumer, to hand retried letters out; lists of dead letters.
Grows: by about 170 bytes for each event given up, until the consumer is removed.';
COMMENT ON COLUMN dead_letters.state IS 'dead; retried (an operator asked for another hand-out); settled (after a retry); discarded.';
