-- Queue of rows: one for each event, with the indexes for the claim and for the order of a lane.
CREATE TABLE queue (
    position bigint PRIMARY KEY,
    lane bigint NOT NULL,
    due_at timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0
);
CREATE INDEX ON queue (due_at, position);
CREATE INDEX ON queue (lane, position);
