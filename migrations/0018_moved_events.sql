-- Moved events: events that got another position. A newer version reads stored events again, and a
-- purge gives an event to another delivery.

-- Commits wait behind a statement that waits to change `dedupe`.
SET LOCAL lock_timeout = '2s';

CREATE TABLE moved_events (
    moved_from  bigint PRIMARY KEY,
    position    bigint NOT NULL,
    received_at timestamptz NOT NULL,
    dedupe_key  uuid NOT NULL,
    later_keys  uuid[] NOT NULL
);
COMMENT ON TABLE moved_events IS
'Events that are no longer at the position of their item.

Written by: hookshelf replay --reparse; hookshelf events purge.
Read by: the same commands, and look-ups of a position or of the items of a delivery.
Grows: by one row of some 150 bytes for each move of an event. hookshelf replay --reparse deletes the rows of dropped days.';
COMMENT ON COLUMN moved_events.moved_from IS 'Earlier position. The first one of an event is the place of the item among the items of its delivery.';
COMMENT ON COLUMN moved_events.position IS 'events.position: the present one, in all rows of the event.';
COMMENT ON COLUMN moved_events.received_at IS 'events.received_at.';
COMMENT ON COLUMN moved_events.dedupe_key IS 'events.dedupe_key.';
COMMENT ON COLUMN moved_events.later_keys IS 'Dedupe keys of the same item in later versions, if different: the kind is part of the key. Each one is in the row of the move that added it.';
COMMENT ON INDEX moved_events_pkey IS 'Event by an earlier position; moved items of a delivery.';
CREATE INDEX moved_events_position ON moved_events (position);
COMMENT ON INDEX moved_events_position IS 'Rows of an event that moves again or is purged.';

-- Null needs no space: the header of a row has room for the bitmap of nulls.
ALTER TABLE dedupe ADD COLUMN event_key uuid;
COMMENT ON COLUMN dedupe.key IS 'events.dedupe_key: SHA-256 over app, account, kind and natural key, cut to 16 bytes. If the natural key contains a time or a mid with its creation time, the second of that time replaces the first 4 bytes. With an event_key: the key of the same item in a later version.';
COMMENT ON COLUMN dedupe.event_key IS 'events.dedupe_key, if it differs from key. Repeats are stored with this key.';

COMMENT ON TABLE stored_events IS
'Storage of the view events. Rows change by completion and erasure. Moving an event replaces its row.

Written by: the commit, one row for each item except repeats; hookshelf events purge deletes purged rows; hookshelf replay --reparse moves events.
Read by: the view events and the views of the kinds; the commit, to complete an event.
Grows: by about 600 bytes an event with its indexes, in daily partitions (UTC) of received_at. Dropping a partition frees its space.';
COMMENT ON COLUMN stored_repeats.event_position IS 'events.position of the event at the time of the repeat. If the event has moved since, dedupe.position has the new value while the key is known, and moved_events afterwards.';
COMMENT ON COLUMN repeats.event_position IS 'events.position of the event. If the event moved after its key expired, the position before: moved_events has the new one.';
COMMENT ON COLUMN stored_deliveries.first_position IS 'Position of the first item. Its items have consecutive positions, events and repeats; moved_events has the items that moved. Null without items.';
COMMENT ON COLUMN deliveries.first_position IS 'Position of the first item. Its items have consecutive positions, events and repeats; moved_events has the items that moved. Null without items.';
COMMENT ON COLUMN audit.verb IS 'body, signature, delivery, event, conversation, comments, search, export, exported (the end of an export, with its rows), lease (content handed out by a consumer: one entry an hour for each token) or login_failed; and changes: consumer_pause, consumer_resume, consumer_seek, consumer_remove, dead_letters_retry, dead_letters_discard, replay (created), replay_pause, replay_resume, replay_cancel, reparse.';

-- The commit stores a repeat with the key of its event.
CREATE OR REPLACE FUNCTION commit_batch(
    -- Epoch known to the writer; true if some deliveries may be stored already; minimum and
    -- maximum of received_ats.
    current_epoch int, sent_before bool, oldest timestamptz, newest timestamptz,
    -- Header sets, referenced by set_places.
    sets text[],
    -- Deliveries, one array for each column.
    ids uuid[], received_ats timestamptz[], apps text[], objects text[], bodies bytea[],
    set_places int[], signatures bytea[], remote_addrs inet[], secrets text[],
    delivery_problems text[], event_counts int[], first_items int[], sources text[],
    -- Items, one array for each column: index of the delivery, index of the first item of the
    -- batch with the same key (null for the first item), and the fields of the item.
    places int[], repeat_ofs int[], occurred_ats timestamptz[], occurred_at_sources text[],
    fields text[], kinds text[], channels text[], account_ids text[], person_ids text[],
    sender_ids text[], recipient_ids text[], usernames text[], texts text[], is_echos bool[],
    is_selfs bool[], datas jsonb[], item_starts int[], item_lengths int[], problems text[],
    item_sources text[], keys uuid[],
    -- Ids of the items, column by column.
    message_ids text[], comment_ids text[], media_ids text[], parent_ids text[],
    -- Accounts of the deliveries, each once, except recently noted accounts.
    seen_apps text[], seen_account_ids text[], first_seens timestamptz[],
    last_seens timestamptz[]
) RETURNS bool[] LANGUAGE plpgsql AS $$
DECLARE
    -- Ids of the header sets, by index.
    set_ids int[];
    -- Keys already stored, the positions and keys of their events, and for each item true if
    -- already stored.
    stored uuid[];
    stored_positions bigint[];
    stored_event_keys uuid[];
    known bool[];
    -- Deliveries already stored; null without a lookup.
    here uuid[];
    -- Position before the first item of the batch. Null for a batch without items.
    start bigint;
    -- Repeat with fields of its own, and the position of its event.
    again record;
    -- Account, with its first and last time in the batch.
    seen record;
BEGIN
    -- The row lock on the fence admits one writer until the end of the transaction. Every statement
    -- below sees all earlier commits, and no other transaction writes keys: a lookup is enough.
    PERFORM FROM commit_fence WHERE epoch = current_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Reserves the positions of all items at once, events and repeats in their order. No other
    -- transaction draws positions without the fence. Single draws would lock the sequence each time.
    IF cardinality(keys) > 0 THEN
        start := nextval('event_position') - 1;
    END IF;
    IF cardinality(keys) > 1 THEN
        PERFORM setval('event_position', start + cardinality(keys));
    END IF;

    -- A delivery is stored already only if an earlier commit lost its answer, or if the delivery
    -- stayed in the spool: then the writer sets sent_before. If sent_before is wrongly false, the
    -- primary key rejects the batch and the writer sends the batch again. ON CONFLICT would insert
    -- each row speculatively and then confirm the insert.
    IF sent_before THEN
        here := ARRAY(
            SELECT id FROM stored_deliveries
            WHERE received_at BETWEEN oldest AND newest AND id = ANY (ids)
        );
    END IF;

    -- All keys in one index scan, independent of the planner's statistics.
    SELECT coalesce(array_agg(key), '{}'), array_agg(position), array_agg(coalesce(event_key, key))
    INTO stored, stored_positions, stored_event_keys
    FROM dedupe WHERE epoch >= current_epoch - 1 AND key = ANY (keys);
    known := ARRAY(
        SELECT keys[i] IN (SELECT unnest(stored)) FROM generate_series(1, cardinality(keys)) AS i
    );
    -- Items of a stored delivery are known, even if their keys have expired.
    IF cardinality(here) > 0 THEN
        known := ARRAY(
            SELECT known[i] OR ids[places[i]] = ANY (here)
            FROM generate_series(1, cardinality(keys)) AS i
        );
    END IF;
    INSERT INTO dedupe (epoch, key, position)
    SELECT current_epoch, keys[i], start + i FROM generate_series(1, cardinality(keys)) AS i
    WHERE repeat_ofs[i] IS NULL AND NOT known[i];

    set_ids := ARRAY(
        SELECT (SELECT id FROM header_sets AS h WHERE h.headers = sets[i])
        FROM generate_series(1, cardinality(sets)) AS i ORDER BY i
    );
    IF array_position(set_ids, NULL) IS NOT NULL THEN
        INSERT INTO header_sets (headers)
        SELECT sets[i] FROM generate_series(1, cardinality(sets)) AS i WHERE set_ids[i] IS NULL;
        set_ids := ARRAY(
            SELECT (SELECT id FROM header_sets AS h WHERE h.headers = sets[i])
            FROM generate_series(1, cardinality(sets)) AS i ORDER BY i
        );
    END IF;
    INSERT INTO stored_deliveries (id, received_at, first_position, event_count, header_set,
                                   signature, remote_addr, app, secret, source, object, problem, body)
    SELECT ids[i], received_ats[i], start + first_items[i], event_counts[i],
           set_ids[set_places[i]], signatures[i], remote_addrs[i], apps[i], secrets[i], sources[i],
           nullif(coalesce(objects[i], ''), 'instagram'), delivery_problems[i], bodies[i]
    FROM generate_series(1, cardinality(ids)) AS i
    WHERE here IS NULL OR ids[i] <> ALL (here);

    INSERT INTO stored_events (position, received_at, occurred_at, delivery_id, dedupe_key,
                               item_start, item_length, is_echo, is_self, kind, source, app,
                               account_id, person_id, sender_id, recipient_id, username,
                               message_id, comment_id, media_id, parent_id, text, data,
                               occurred_at_source, object, field, channel, problem)
    SELECT start + i, received_ats[places[i]], occurred_ats[i], ids[places[i]], keys[i],
           item_starts[i], item_lengths[i], is_echos[i], is_selfs[i], kinds[i], item_sources[i],
           apps[places[i]], account_ids[i], person_ids[i],
           CASE WHEN sender_ids[i] IS DISTINCT FROM
                     item_sender(is_echos[i], account_ids[i], person_ids[i])
                THEN coalesce(sender_ids[i], '') END,
           CASE WHEN recipient_ids[i] IS DISTINCT FROM
                     item_recipient(is_echos[i], channels[i], account_ids[i], person_ids[i])
                THEN coalesce(recipient_ids[i], '') END,
           usernames[i], message_ids[i], comment_ids[i], media_ids[i], parent_ids[i], texts[i],
           datas[i], nullif(occurred_at_sources[i], 'item'),
           nullif(coalesce(objects[places[i]], ''), 'instagram'),
           nullif(fields[i], item_field(kinds[i])), nullif(channels[i], 'messaging'), problems[i]
    FROM generate_series(1, cardinality(keys)) AS i
    WHERE repeat_ofs[i] IS NULL AND NOT known[i];

    IF cardinality(stored) > 0 OR cardinality(array_remove(repeat_ofs, NULL)) > 0
       OR cardinality(here) > 0 THEN
        INSERT INTO stored_repeats (position, received_at, event_position, delivery_id, dedupe_key,
                                    item_start, item_length, kind, source, app, account_id,
                                    problem)
        SELECT start + i, received_ats[places[i]], coalesce(s.position, start + repeat_ofs[i]),
               ids[places[i]], coalesce(s.event_key, keys[i]), item_starts[i], item_lengths[i],
               kinds[i], item_sources[i], apps[places[i]], account_ids[i], problems[i]
        FROM generate_series(1, cardinality(keys)) AS i
        LEFT JOIN (SELECT DISTINCT ON (key) key, position, event_key
                   FROM unnest(stored, stored_positions, stored_event_keys)
                            AS u (key, position, event_key)
                   ORDER BY key, position DESC) AS s ON s.key = keys[i]
        WHERE (repeat_ofs[i] IS NOT NULL OR known[i])
          AND (here IS NULL OR ids[places[i]] <> ALL (here));
        -- Completion: adds missing fields to the event. Erased events stay empty. The search goes
        -- back two windows of the default length, or to the day of an event that has moved: its
        -- later key is younger than the event.
        FOR again IN
            SELECT r.event_position, r.dedupe_key, datas[r.position - start] AS data,
                   coalesce((SELECT m.received_at FROM moved_events AS m
                             WHERE m.position = r.event_position LIMIT 1),
                            oldest - interval '15 days') AS since
            FROM stored_repeats AS r
            WHERE r.position > start AND r.received_at BETWEEN oldest AND newest
              AND datas[r.position - start] IS NOT NULL
            ORDER BY r.position
        LOOP
            UPDATE stored_events AS e SET data = again.data || coalesce(e.data, '{}')
            WHERE e.position = again.event_position AND e.dedupe_key = again.dedupe_key
              AND e.received_at >= again.since AND e.erased_at IS NULL
              AND again.data || coalesce(e.data, '{}') <> coalesce(e.data, '{}');
        END LOOP;
    END IF;

    -- Skips a locked row, for example during an edit: no commit waits for the lock.
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

    -- By default, followers read only the hours around the commit time.
    IF oldest < now() - interval '1 hour' OR newest > now() + interval '1 hour' THEN
        INSERT INTO late_days AS d (day, last_position)
        SELECT (put.received_at AT TIME ZONE 'UTC')::date, max(put.position)
        FROM (SELECT position, received_at FROM stored_events
              WHERE position > start AND received_at BETWEEN oldest AND newest
              UNION ALL
              SELECT position, received_at FROM stored_repeats
              WHERE position > start AND received_at BETWEEN oldest AND newest) AS put
        WHERE put.received_at NOT BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'
        GROUP BY 1
        ON CONFLICT (day)
        DO UPDATE SET last_position = greatest(d.last_position, excluded.last_position);
    END IF;
    RETURN known;
END
$$;
COMMENT ON FUNCTION commit_batch IS 'Commits a batch of deliveries with their events, each occurrence once. Returns for each item true if already known. Returns null, with nothing written, if the epoch is not current. Only for the writer, as the single statement of a read committed transaction: a longer transaction would keep the fence locked.';
