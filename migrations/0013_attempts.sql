-- Attempts of destinations, for the operator who asks why an event did not arrive. Progress needs
-- none of these rows: they may be lost.

CREATE TABLE attempts (
    at          timestamptz NOT NULL,
    destination text NOT NULL,
    position    bigint NOT NULL,
    received_at timestamptz NOT NULL,
    attempt     int NOT NULL,
    outcome     text NOT NULL,
    status      smallint,
    millis      int NOT NULL
) PARTITION BY RANGE (at);
CREATE INDEX attempts_destination ON attempts (destination, at);
COMMENT ON TABLE attempts IS 'Attempts to send an event to a destination: failures only, unless the destination has attempts = "all". No row has a body, a URL or an address.

Written by: the process that owns the destination, in batches after the attempts. Batches that cannot be written are lost.
Read by: hookshelf destinations attempts.
Grows: by about 100 bytes for each failed attempt, in daily partitions (UTC) of at, which are dropped after 7 days. An open breaker leaves about 60 rows an hour.';
COMMENT ON INDEX attempts_destination IS 'Newest attempts of a destination.';
COMMENT ON COLUMN attempts.at IS 'Time of the end of the attempt.';
COMMENT ON COLUMN attempts.destination IS 'consumers.name of the destination.';
COMMENT ON COLUMN attempts.position IS 'events.position; the first one, if several items of a delivery were sent together.';
COMMENT ON COLUMN attempts.received_at IS 'events.received_at.';
COMMENT ON COLUMN attempts.attempt IS 'Number of the attempt at this event, counted from 1. Attempts that did not count, because the breaker was open, repeat the number.';
COMMENT ON COLUMN attempts.outcome IS 'answered, timeout, dns, forbidden_address, connect or incomplete.';
COMMENT ON COLUMN attempts.status IS 'HTTP status of the answer; null without an answer.';
COMMENT ON COLUMN attempts.millis IS 'Duration in milliseconds, from the look-up of the name to the end of the answer.';
