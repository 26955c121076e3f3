-- Keeps each stored delivery of one item as a template, and empties the database.
CREATE SCHEMA bench;
CREATE TABLE bench.template AS
SELECT e.*, row_number() OVER (PARTITION BY e.class ORDER BY e.position) AS number
FROM (
    SELECT e.*, d.header_set, d.signature, d.object AS delivery_object,
           e.kind || CASE WHEN e.is_echo AND e.kind = 'message' THEN '!echo' ELSE '' END
                  || CASE WHEN e.parent_id IS NOT NULL AND e.kind = 'comment' THEN '!reply' ELSE '' END
                  || CASE WHEN e.is_self THEN '!self' ELSE '' END AS class,
           extract(epoch FROM date_trunc('second', e.occurred_at))::bigint::text AS second,
           -- A text that no body contains stands for an id that the item does not have.
           coalesce(e.data ->> 'original_media_id', E'\x02') AS original_media_id,
           convert_from(substring(d.body, 1, e.item_start), 'UTF8') AS prefix,
           convert_from(substring(d.body, e.item_start + 1, e.item_length), 'UTF8') AS item,
           convert_from(substring(d.body, e.item_start + e.item_length + 1), 'UTF8') AS suffix
    FROM stored_events AS e
    JOIN stored_deliveries AS d ON d.id = e.delivery_id AND d.received_at = e.received_at
    WHERE d.event_count = 1 AND e.occurred_at IS NOT NULL AND e.problem IS NULL
      AND NOT (e.kind = 'message' AND e.parent_id IS NOT NULL)
) AS e;
CREATE INDEX ON bench.template (class, number);
CREATE TABLE bench.class AS SELECT class, count(*) AS count FROM bench.template GROUP BY class;
ANALYZE bench.template, bench.class;

TRUNCATE stored_deliveries, stored_events, stored_repeats, dedupe, late_days, accounts, followers,
         stats_hourly, conversations, media_threads;
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN
        SELECT inhrelid::regclass FROM pg_inherits
        WHERE inhparent IN ('stored_deliveries'::regclass, 'stored_events'::regclass,
                            'stored_repeats'::regclass)
    LOOP
        EXECUTE format('DROP TABLE %s', part);
    END LOOP;
END
$$;

-- Whole number from 0 to `count` - 1, the same for the same `seed`. A `skew` above 1 prefers small
-- numbers.
CREATE FUNCTION bench.draw(seed bigint, salt bigint, count bigint, skew float8 DEFAULT 1)
RETURNS bigint IMMUTABLE PARALLEL SAFE
RETURN floor(count * ((hashint8extended(seed, salt) & 2147483647) / 2147483648.0) ^ skew);

CREATE FUNCTION bench.account(number bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (17841400000000000 + number * 7919)::text;
CREATE FUNCTION bench.app(number bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (ARRAY['default', 'shop', 'agency'])[1 + number % 3];
CREATE FUNCTION bench.person(account bigint, number bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (100000000000000 + (account * 20000 + number) * 98765431)::text;
CREATE FUNCTION bench.message(turn bigint, step bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN 'aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj' || repeat(md5(turn || '/' || step), 4);
CREATE FUNCTION bench.comment(turn bigint, step bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (17900000000000000 + (turn * 8 + step) * 97)::text;
CREATE FUNCTION bench.media(account bigint, day bigint) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (18000000000000000 + account * 1000000 + day * 10)::text;
