-- Rare rows by an index: lists of late events, and of deliveries with a problem.

-- Commits wait behind a statement that waits for its lock.
SET LOCAL lock_timeout = '2s';

-- The condition has the words of the list: otherwise Postgres would not use the index. A difference of
-- two times depends on no time zone; a sum with an interval may, and is not allowed here.
CREATE INDEX events_late ON stored_events (position)
    WHERE received_at - occurred_at > interval '1 hour';
COMMENT ON INDEX events_late IS 'Events that arrived more than an hour late, in order. Other events cost nothing.';

CREATE INDEX deliveries_problem ON stored_deliveries (id) WHERE problem IS NOT NULL;
COMMENT ON INDEX deliveries_problem IS 'Deliveries with a problem, in order of arrival. Other deliveries cost nothing.';
