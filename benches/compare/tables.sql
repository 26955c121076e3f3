-- Tables of the other receivers. The plain receiver stores the columns of the views of Hookshelf,
-- the outside receiver uses a typical table.

CREATE TABLE plain_deliveries (LIKE deliveries, PRIMARY KEY (id));
CREATE TABLE plain_events (LIKE events, PRIMARY KEY (position));
ALTER TABLE plain_events ALTER COLUMN position SET DEFAULT nextval('event_position');
CREATE INDEX ON plain_events (account_id, position);
CREATE INDEX ON plain_events (person_id, position) WHERE person_id IS NOT NULL;
CREATE INDEX ON plain_events USING hash (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX ON plain_events USING hash (comment_id) WHERE comment_id IS NOT NULL;
CREATE INDEX ON plain_events (media_id, position) WHERE media_id IS NOT NULL;

CREATE TABLE webhooks (
    key         bytea PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    account_id  text,
    item        jsonb NOT NULL
);
