-- Days with partitions, now or earlier: an answer about a dropped day says when it was gone.

CREATE TABLE kept_days (
    day           date PRIMARY KEY,
    last_position bigint NOT NULL,
    dropped_at    timestamptz
);
COMMENT ON TABLE kept_days IS
'Days (UTC) with partitions of deliveries, events or repeats, now or earlier.

Written by: the server, every hour.
Read by: look-ups of a position or a delivery that is not stored.
Grows: by one row a day.';
COMMENT ON COLUMN kept_days.day IS 'Day (UTC) of received_at.';
COMMENT ON COLUMN kept_days.last_position IS 'Last position of the day when it was seen last; 0 for a day without items.';
COMMENT ON COLUMN kept_days.dropped_at IS 'Time at which all partitions of the day were found to be gone: they were dropped in the hour before, or while no server ran. Null while one is there.';
COMMENT ON INDEX kept_days_pkey IS 'One row for each day.';
