-- Commits a batch of deliveries and their events, once each, in one autocommit statement: a link
-- that falls silent leaves no transaction behind that holds the fence.
WITH del AS MATERIALIZED (
    SELECT * FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $6::bytea[],
                         $7::text[], $8::text[], $9::text[], $10::text[], $11::int[], $12::text[])
    WITH ORDINALITY AS t (id, received_at, app, object, body,
                          headers, remote_addr, secret, problem, event_count, source, place)
),
inc AS MATERIALIZED (
    SELECT * FROM unnest($13::int[], $14::bool[], $15::bool[], $16::timestamptz[], $17::text[],
                         $18::text[], $19::text[], $20::text[], $21::text[], $22::text[],
                         $23::text[], $24::text[], $25::text[], $26::text[], $27::text[],
                         $28::text[], $29::text[], $30::text[], $31::bool[], $32::bool[],
                         $33::text[], $34::text[], $35::uuid[])
    WITH ORDINALITY AS t (place, is_first, keep, occurred_at, occurred_at_source,
                          field, kind, channel, account_id, person_id,
                          sender_id, recipient_id, username, message_id, comment_id,
                          media_id, parent_id, text, is_echo, is_self,
                          payload, problem, key, ord)
),
-- Whoever holds the fence writes; it is held to the end of the commit.
fence AS MATERIALIZED (
    SELECT 1 FROM commit_fence WHERE epoch = $1 FOR UPDATE
),
-- Keys that neither this epoch nor the one before knows. The lookup stands as a scalar so that it
-- is one probe of the index a row, whatever the planner believes about the size of the batch. It
-- locks what it finds, because that looks at the row as it is now: a purge may have taken the key
-- away while this statement waited for the fence.
fresh AS (
    INSERT INTO dedupe (epoch, key)
    SELECT $1, inc.key FROM inc, fence
    WHERE inc.is_first
      AND (SELECT true FROM dedupe AS before WHERE before.epoch = $1 - 1 AND before.key = inc.key
           FOR KEY SHARE)
          IS NULL
    ORDER BY inc.key
    ON CONFLICT DO NOTHING
    RETURNING key
),
-- A delivery that is here already was committed by a statement whose answer got lost.
d AS (
    INSERT INTO deliveries (id, received_at, app, object, body, headers, remote_addr, secret,
                            problem, event_count, source)
    SELECT id, received_at, app, object, body, headers::json, remote_addr::inet, secret,
           problem, event_count, source
    FROM del, fence
    ON CONFLICT DO NOTHING
    RETURNING id
),
e AS (
    INSERT INTO events (delivery_id, received_at, occurred_at, occurred_at_source, app, object,
                        field, kind, channel, account_id, person_id, sender_id, recipient_id,
                        username, message_id, comment_id, media_id, parent_id, text, is_echo,
                        is_self, payload, problem, source, dedupe_key)
    SELECT del.id, del.received_at, inc.occurred_at, inc.occurred_at_source, del.app, del.object,
           inc.field, inc.kind, inc.channel, inc.account_id, inc.person_id, inc.sender_id,
           inc.recipient_id, inc.username, inc.message_id, inc.comment_id, inc.media_id,
           inc.parent_id, inc.text, inc.is_echo, inc.is_self, inc.payload::json, inc.problem,
           del.source, inc.key
    FROM inc
    JOIN fresh ON fresh.key = inc.key AND inc.is_first
    JOIN del ON del.place = inc.place
    ORDER BY inc.ord
    RETURNING position, received_at
),
-- A repeat keeps its payload where it says something else than the event, which is found by the
-- ids that have an index. Nothing is kept of an event that was erased, or that is stored but not
-- found: it may be erased too. One that was committed while this statement waited is in no table
-- yet, so it was not erased, and one of this very batch was compared already.
r AS (
    INSERT INTO repeats (received_at, delivery_id, dedupe_key, app, kind, account_id, source,
                         payload)
    SELECT del.received_at, del.id, inc.key, del.app, inc.kind, inc.account_id, del.source,
           CASE WHEN coalesce(
                    (SELECT o.erased_at IS NOT NULL OR o.payload::text = inc.payload FROM events AS o
                     WHERE o.message_id = inc.message_id AND o.dedupe_key = inc.key
                       AND o.received_at >= $36 LIMIT 1),
                    (SELECT o.erased_at IS NOT NULL OR o.payload::text = inc.payload FROM events AS o
                     WHERE o.comment_id = inc.comment_id AND o.dedupe_key = inc.key
                       AND o.received_at >= $36 LIMIT 1),
                    (SELECT true FROM dedupe AS known
                     WHERE known.key = inc.key AND known.epoch IN ($1, $1 - 1) LIMIT 1),
                    false)
                THEN NULL
                WHEN inc.keep THEN inc.payload::json
           END
    FROM inc
    JOIN del ON del.place = inc.place
    JOIN d ON d.id = del.id
    WHERE NOT inc.is_first OR inc.key NOT IN (SELECT key FROM fresh)
    RETURNING position, received_at
),
a AS (
    INSERT INTO accounts (app, account_id, first_seen, last_seen)
    SELECT seen.app, seen.account_id, min(seen.at), max(seen.at)
    FROM unnest($37::text[], $38::text[], $39::timestamptz[]) AS seen (app, account_id, at), fence
    WHERE coalesce((SELECT known.last_seen < seen.at - interval '1 hour' FROM accounts AS known
                    WHERE known.app = seen.app AND known.account_id = seen.account_id), true)
    GROUP BY seen.app, seen.account_id
    ON CONFLICT (app, account_id)
    DO UPDATE SET last_seen = greatest(accounts.last_seen, excluded.last_seen)
),
-- Where followers do not look by themselves: they know the hour around the time of the commit.
late AS (
    INSERT INTO late_days (day, last_position)
    SELECT (received_at AT TIME ZONE 'UTC')::date, max(position)
    FROM (SELECT position, received_at FROM e UNION ALL SELECT position, received_at FROM r) AS put
    WHERE received_at NOT BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'
    GROUP BY 1
    ON CONFLICT (day)
    DO UPDATE SET last_position = greatest(late_days.last_position, excluded.last_position)
)
SELECT (SELECT count(*) FROM fence), (SELECT coalesce(array_agg(key), '{}') FROM fresh)
