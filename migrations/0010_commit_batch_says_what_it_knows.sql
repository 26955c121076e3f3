-- A repeat points to its event, and is found by its delivery. Measured on batches of a hundred
-- repeats: the index costs 76 bytes of WAL for each; commits without repeats cost what they did.
ALTER TABLE repeats ADD COLUMN event_position bigint;
COMMENT ON COLUMN repeats.event_position IS 'events.position of the event when it came again; a purge of simulated events may give it another since, which dedupe.position says.';
CREATE INDEX repeats_delivery ON repeats (delivery_id);
COMMENT ON INDEX repeats_delivery IS 'The repeats of a delivery, for hookshelf deliveries list and show.';

-- The commit looks up less: accounts that the writer noted a few minutes ago are not handed to it,
-- deliveries are taken as new unless the writer says that they may be here already, and the keys of a
-- batch are looked for together.

DROP FUNCTION commit_batch;

CREATE FUNCTION commit_batch(
    -- The epoch that the writer believes in; whether some of the deliveries may be here already;
    -- the earliest and the latest of received_ats.
    current_epoch int, sent_before bool, oldest timestamptz, newest timestamptz,
    -- Deliveries, column by column.
    ids uuid[], received_ats timestamptz[], apps text[], objects text[], bodies bytea[],
    headers_ json[], remote_addrs inet[], secrets text[], delivery_problems text[],
    event_counts int[], sources text[],
    -- Their items, column by column: the place of its delivery, the place of the first item of the
    -- batch with its key (null for the first itself), true if its payload is worth keeping should
    -- it be a repeat, and itself.
    places int[], repeat_ofs int[], keeps bool[], occurred_ats timestamptz[],
    occurred_at_sources text[], fields text[], kinds text[], channels text[], account_ids text[],
    person_ids text[], sender_ids text[], recipient_ids text[], usernames text[],
    message_ids text[], comment_ids text[], media_ids text[], parent_ids text[], texts text[],
    is_echos bool[], is_selfs bool[], payloads json[], problems text[], item_sources text[],
    keys uuid[],
    -- The accounts that they came for, each once, but for those that were noted not long ago.
    seen_apps text[], seen_account_ids text[], first_seens timestamptz[],
    last_seens timestamptz[]
) RETURNS bool[] LANGUAGE plpgsql AS $$
DECLARE
    -- The keys that were known before, with the positions of their events, and of each item true
    -- if it was stored before.
    stored uuid[];
    stored_positions bigint[];
    known bool[];
    -- The deliveries that are here already; null where that was not looked up.
    here uuid[];
    -- The position before those of the batch: of its items the first has the next one. Null where
    -- there are none.
    start bigint;
    -- An account, and when the batch saw it.
    seen record;
BEGIN
    -- Whoever holds the fence writes; it is held to the end of the commit. Every statement below
    -- sees what was committed until now, and nobody else writes keys, so looking is enough.
    PERFORM FROM commit_fence WHERE epoch = current_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Positions for all items at once, events and repeats in their order: nobody draws any without
    -- the fence, and one by one each would lock the sequence.
    IF cardinality(keys) > 0 THEN
        start := nextval('event_position') - 1;
    END IF;
    IF cardinality(keys) > 1 THEN
        PERFORM setval('event_position', start + cardinality(keys));
    END IF;

    -- A delivery is here already only if a statement before this one committed it, and its answer got
    -- lost or it was not taken out of the spool: the writer says so. Where it is wrong the key of
    -- the table refuses the batch, and it is sent again. With ON CONFLICT each row would be put in on
    -- the chance and then confirmed.
    IF sent_before THEN
        here := ARRAY(
            SELECT id FROM deliveries
            WHERE received_at BETWEEN oldest AND newest AND id = ANY (ids)
        );
    END IF;

    -- All keys in one scan of an index, whatever the planner believes of the table.
    SELECT coalesce(array_agg(key), '{}'), array_agg(position) INTO stored, stored_positions
    FROM dedupe WHERE epoch >= current_epoch - 1 AND key = ANY (keys);
    known := ARRAY(
        SELECT keys[i] IN (SELECT unnest(stored)) FROM generate_series(1, cardinality(keys)) AS i
    );
    -- What a delivery brought that is here is here too, or was: its keys may be forgotten by now.
    IF cardinality(here) > 0 THEN
        known := ARRAY(
            SELECT known[i] OR ids[places[i]] = ANY (here)
            FROM generate_series(1, cardinality(keys)) AS i
        );
    END IF;
    INSERT INTO dedupe (epoch, key, position)
    SELECT current_epoch, keys[i], start + i FROM generate_series(1, cardinality(keys)) AS i
    WHERE repeat_ofs[i] IS NULL AND NOT known[i];

    INSERT INTO deliveries (id, received_at, app, object, body, headers, remote_addr, secret,
                            problem, event_count, source)
    SELECT ids[i], received_ats[i], apps[i], objects[i], bodies[i], headers_[i], remote_addrs[i],
           secrets[i], delivery_problems[i], event_counts[i], sources[i]
    FROM generate_series(1, cardinality(ids)) AS i
    WHERE here IS NULL OR ids[i] <> ALL (here);

    INSERT INTO events (position, delivery_id, received_at, occurred_at, occurred_at_source, app,
                        object, field, kind, channel, account_id, person_id, sender_id,
                        recipient_id, username, message_id, comment_id, media_id, parent_id, text,
                        is_echo, is_self, payload, problem, source, dedupe_key)
    SELECT start + i, ids[places[i]], received_ats[places[i]], occurred_ats[i],
           occurred_at_sources[i], apps[places[i]], objects[places[i]], fields[i], kinds[i],
           channels[i], account_ids[i], person_ids[i], sender_ids[i], recipient_ids[i],
           usernames[i], message_ids[i], comment_ids[i], media_ids[i], parent_ids[i], texts[i],
           is_echos[i], is_selfs[i], payloads[i], problems[i], item_sources[i], keys[i]
    FROM generate_series(1, cardinality(keys)) AS i
    WHERE repeat_ofs[i] IS NULL AND NOT known[i];

    -- A repeat keeps its payload if it says something else than the event: one of this batch was
    -- compared by the writer, another is found by its position. Nothing is kept of an event that
    -- was erased, or that is not found: it may be erased too. The search goes back two windows of
    -- the default length: the key decides what is a repeat, not the search.
    IF cardinality(stored) > 0 OR cardinality(array_remove(repeat_ofs, NULL)) > 0
       OR cardinality(here) > 0 THEN
        INSERT INTO repeats (position, received_at, delivery_id, dedupe_key, app, kind,
                             account_id, source, event_position, payload)
        SELECT start + i, received_ats[places[i]], ids[places[i]], keys[i], apps[places[i]], kinds[i],
               account_ids[i], item_sources[i], event_position,
               CASE WHEN keeps[i] AND (NOT known[i] OR coalesce(
                        (SELECT o.erased_at IS NULL AND o.payload::text <> payloads[i]::text
                         FROM events AS o
                         WHERE o.position = event_position AND o.dedupe_key = keys[i]
                           AND o.received_at >= oldest - interval '15 days' LIMIT 1),
                        false))
                    THEN payloads[i]
               END
        FROM (SELECT i, coalesce(s.position, start + repeat_ofs[i]) AS event_position
              FROM generate_series(1, cardinality(keys)) AS i
              LEFT JOIN (SELECT key, max(position) AS position
                         FROM unnest(stored, stored_positions) AS u (key, position)
                         GROUP BY key) AS s ON s.key = keys[i]
              WHERE repeat_ofs[i] IS NOT NULL OR known[i]) AS again
        WHERE here IS NULL OR ids[places[i]] <> ALL (here);
    END IF;

    -- A row that somebody holds, to edit it, is left as it is: no commit waits for that.
    IF cardinality(seen_apps) > 0 THEN
        FOR seen IN
            SELECT one.app, one.account_id, one.first_seen, one.last_seen,
                   one.before IS NULL AS is_new
            FROM (SELECT u.*, (SELECT a.last_seen FROM accounts AS a
                               WHERE a.app = u.app AND a.account_id = u.account_id) AS before
                  FROM unnest(seen_apps, seen_account_ids, first_seens, last_seens)
                           AS u (app, account_id, first_seen, last_seen)) AS one
            WHERE coalesce(one.before < one.last_seen - interval '1 hour', true)
        LOOP
            IF seen.is_new THEN
                INSERT INTO accounts (app, account_id, first_seen, last_seen)
                VALUES (seen.app, seen.account_id, seen.first_seen, seen.last_seen)
                ON CONFLICT DO NOTHING;
                CONTINUE;
            END IF;
            PERFORM FROM accounts AS a WHERE a.app = seen.app AND a.account_id = seen.account_id
            FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE accounts AS a SET last_seen = greatest(a.last_seen, seen.last_seen)
                WHERE a.app = seen.app AND a.account_id = seen.account_id;
            END IF;
        END LOOP;
    END IF;

    -- Followers look by themselves only at the hours around the time of the commit.
    IF oldest < now() - interval '1 hour' OR newest > now() + interval '1 hour' THEN
        INSERT INTO late_days AS d (day, last_position)
        SELECT (put.received_at AT TIME ZONE 'UTC')::date, max(put.position)
        FROM (SELECT position, received_at FROM events
              WHERE position > start AND received_at BETWEEN oldest AND newest
              UNION ALL
              SELECT position, received_at FROM repeats
              WHERE position > start AND received_at BETWEEN oldest AND newest) AS put
        WHERE put.received_at NOT BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'
        GROUP BY 1
        ON CONFLICT (day)
        DO UPDATE SET last_position = greatest(d.last_position, excluded.last_position);
    END IF;
    RETURN known;
END
$$;
COMMENT ON FUNCTION commit_batch IS 'Commits a batch of deliveries and their events, each thing that happened once, and says of each item whether it was known before. Null where the epoch is another one: nothing was written then. For the writer alone, as the one statement of a transaction under read committed: others would hold the fence.';
COMMENT ON SEQUENCE event_position IS 'Positions of events and repeats. Holes are normal: an aborted commit leaves one.';
