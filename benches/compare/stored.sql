-- Inserts $3 messages received between $1 and $2, in the order of arrival, with keys of epoch $4. A
-- hash of each message replaces the random part of its ids.
WITH made AS MATERIALIZED (
    SELECT n, at, hash, account, person,
           'aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlEOj' || repeat(hash, 4) AS mid,
           (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(hash, 1, 3)
            || '8' || substr(hash, 4, 15))::uuid AS delivery,
           (lpad(to_hex(extract(epoch FROM at)::bigint), 8, '0') || substr(hash, 5, 24))::uuid AS key
    FROM (
        SELECT n, $1::timestamptz + ($2::timestamptz - $1::timestamptz) * ((n - 0.5)::float8 / $3::bigint) AS at,
               md5($4::int || ' ' || n || ' ' || $1::timestamptz) AS hash,
               (17841400000000000 + hashint8(n) % 50 * 7919)::text AS account,
               (1000000000000000 + (hashint8extended(n, 1) & 1048575) % 100000 * 9876543211)::text AS person
        FROM generate_series(1, $3::bigint) AS n
    ) AS drawn
),
worded AS MATERIALIZED (
    SELECT *, '{"sender":{"id":"' || person || '"},"recipient":{"id":"' || account
              || '"},"timestamp":' || (extract(epoch FROM at) * 1000)::bigint
              || ',"message":{"mid":"' || mid || '","text":"Hello, is this still available?"}}' AS item
    FROM made
),
known AS (
    INSERT INTO dedupe (epoch, key, position) SELECT $4, key, n FROM worded ORDER BY n
),
arrived AS (
    INSERT INTO stored_deliveries (id, received_at, app, body, remote_addr, secret, event_count,
                                   source)
    SELECT delivery, at, 'default', convert_to(item, 'UTF8'), '127.0.0.1', 'app', 1, 'live'
    FROM worded ORDER BY n
)
INSERT INTO stored_events (delivery_id, received_at, occurred_at, app, kind, account_id, person_id,
                           message_id, text, is_echo, is_self, item_start, item_length, source,
                           dedupe_key)
SELECT delivery, at, at, 'default', 'message', account, person, mid,
       'Hello, is this still available?', false, false, 0, octet_length(item), 'live', key
FROM worded ORDER BY n
