-- The commit as a function: what the one statement of a batch does, step by step. Each step sees
-- what was committed before the fence was taken, and only runs if it has work.

CREATE FUNCTION commit_batch(
    -- The epoch that the writer believes in; true if some of the deliveries may be here already;
    -- the earliest and the latest of received_ats.
    current_epoch int, sent_before bool, oldest timestamptz, newest timestamptz,
    -- The sets of headers that the deliveries refer to by their places.
    sets text[],
    -- Deliveries, column by column.
    ids uuid[], received_ats timestamptz[], apps text[], objects text[], bodies bytea[],
    set_places int[], signatures bytea[], remote_addrs inet[], secrets text[],
    delivery_problems text[], event_counts int[], sources text[],
    -- Their items, column by column: the place of its delivery, the place of the first item of the
    -- batch with its key (null for the first itself), and itself.
    places int[], repeat_ofs int[], occurred_ats timestamptz[], occurred_at_sources text[],
    fields text[], kinds text[], channels text[], account_ids text[], person_ids text[],
    sender_ids text[], recipient_ids text[], usernames text[], texts text[], is_echos bool[],
    is_selfs bool[], datas jsonb[], item_starts int[], item_lengths int[], problems text[],
    item_sources text[], keys uuid[],
    -- Their ids, column by column.
    message_ids text[], comment_ids text[], media_ids text[], parent_ids text[],
    -- The accounts that they came for, each once, but for those that were noted not long ago.
    seen_apps text[], seen_account_ids text[], first_seens timestamptz[],
    last_seens timestamptz[]
) RETURNS bool[] LANGUAGE plpgsql AS $$
DECLARE
    -- The ids of the sets of headers, by place.
    set_ids int[];
    -- The keys that were known before, with the positions of their events, and of each item true
    -- if it was stored before.
    stored uuid[];
    stored_positions bigint[];
    known bool[];
    -- The deliveries that are here already; null if that was not looked up.
    here uuid[];
    -- The position before those of the batch: of its items the first has the next one. Null if
    -- there are none.
    start bigint;
    -- A repeat with own fields, and the position of its event.
    again record;
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
    -- lost or it was not taken out of the spool: the writer says so. If it is wrong the key of
    -- the table refuses the batch, and it is sent again. With ON CONFLICT each row would be put in on
    -- the chance and then confirmed.
    IF sent_before THEN
        here := ARRAY(
            SELECT id FROM stored_deliveries
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
    INSERT INTO stored_deliveries (id, received_at, event_count, header_set, signature,
                                   remote_addr, app, secret, source, object, problem, body)
    SELECT ids[i], received_ats[i], event_counts[i], set_ids[set_places[i]], signatures[i],
           remote_addrs[i], apps[i], secrets[i], sources[i],
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
               ids[places[i]], keys[i], item_starts[i], item_lengths[i], kinds[i],
               item_sources[i], apps[places[i]], account_ids[i], problems[i]
        FROM generate_series(1, cardinality(keys)) AS i
        LEFT JOIN (SELECT key, max(position) AS position
                   FROM unnest(stored, stored_positions) AS u (key, position)
                   GROUP BY key) AS s ON s.key = keys[i]
        WHERE (repeat_ofs[i] IS NOT NULL OR known[i])
          AND (here IS NULL OR ids[places[i]] <> ALL (here));
        -- Completion: an event gets the own fields that it lacks. An erased one stays empty. The
        -- search goes back two windows of the default length.
        FOR again IN
            SELECT r.event_position, r.dedupe_key, datas[r.position - start] AS data
            FROM stored_repeats AS r
            WHERE r.position > start AND r.received_at BETWEEN oldest AND newest
              AND datas[r.position - start] IS NOT NULL
            ORDER BY r.position
        LOOP
            UPDATE stored_events AS e SET data = again.data || coalesce(e.data, '{}')
            WHERE e.position = again.event_position AND e.dedupe_key = again.dedupe_key
              AND e.received_at >= oldest - interval '15 days' AND e.erased_at IS NULL
              AND again.data || coalesce(e.data, '{}') <> coalesce(e.data, '{}');
        END LOOP;
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
COMMENT ON FUNCTION commit_batch IS 'Commits a batch of deliveries and their events, each occurrence once, and says of each item if it was known before. Null if the epoch is another one: nothing was written then. For the writer alone, as the one statement of a transaction under read committed: others would hold the fence.';
