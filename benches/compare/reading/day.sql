-- Stores the items of a day: number n arrives at the time `first_at` + n * `pause`, and gets the
-- position n. A thousand turns of eight items are open at a time: a talk with a person, or comments
-- on a media. A hundredth of the items repeat the item before of their turn.
CREATE FUNCTION bench.fill_day(date date, first_at timestamptz, pause interval, total bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    midnight timestamptz := date::timestamp AT TIME ZONE 'UTC';
    first bigint := greatest(1, ceil(extract(epoch FROM midnight - first_at)
                                     / extract(epoch FROM pause)));
    last bigint := least(total, ceil(extract(epoch FROM midnight + interval '1 day' - first_at)
                                     / extract(epoch FROM pause)) - 1);
    stored text;
BEGIN
    -- Without indexes, a load is several times as quick; ATTACH PARTITION makes them.
    FOREACH stored IN ARRAY '{deliveries,events,repeats}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
                        CREATE OR REPLACE TEMP VIEW new_%s AS TABLE %1$I',
                       stored || to_char(date, '_YYYYMMDD'), 'stored_' || stored, stored);
    END LOOP;
    CREATE TEMP TABLE made ON COMMIT DROP AS
    WITH numbered AS MATERIALIZED (
        -- Item, and the item that it repeats.
        SELECT n AS position, CASE WHEN n % 100 = 57 AND n % 8192 >= 1024 THEN n - 1024 END AS repeated,
               CASE WHEN n % 100 = 57 AND n % 8192 >= 1024 THEN n - 1024 ELSE n END AS n
        FROM generate_series(first, last) AS n
    ), turned AS MATERIALIZED (
        SELECT *, n / 8192 * 1024 + n % 1024 AS turn, n % 8192 / 1024 AS step,
               first_at + n * pause AS at
        FROM numbered
    ), special AS (
        SELECT *, turn % 1250 = 7 AS is_long,
               turn % 55 = 11 AND n BETWEEN total / 9 * 6 AND total / 9 * 7 AS is_viral
        FROM turned
    ), drawn AS MATERIALIZED (
        SELECT *, CASE WHEN is_long OR is_viral THEN 3 ELSE bench.draw(turn, 1, 200, 2) END AS account,
               CASE WHEN is_long THEN 0 WHEN is_viral THEN 60 ELSE bench.draw(turn, 2, 100) END AS subject,
               n * 90 / total AS day
        FROM special
    ), cast_ AS MATERIALIZED (
        SELECT *, CASE
            WHEN subject < 58 THEN CASE step
                WHEN 2 THEN 'message!echo' WHEN 3 THEN 'seen' WHEN 6 THEN 'message!echo'
                WHEN 5 THEN (ARRAY['reaction', 'reaction', 'reaction', 'message_edit', 'postback',
                                   'message_deleted', 'referral', 'handover', 'optin',
                                   'response_feedback'])[1 + bench.draw(turn, 3, 10)]
                ELSE 'message' END
            WHEN subject < 95 THEN CASE step
                WHEN 3 THEN 'comment!reply' WHEN 4 THEN 'comment!reply!self'
                WHEN 6 THEN 'comment!reply' ELSE 'comment' END
            ELSE (ARRAY['mention', 'live_comment', 'story_insights', 'policy_enforcement', 'unknown',
                        'live_comment', 'mention', 'live_comment'])[1 + step]
            END AS class,
            CASE WHEN is_long THEN 19999
                 WHEN subject < 58 THEN bench.draw(turn, 4, 19000, 1.5)
                 ELSE bench.draw(turn * 8 + step, 4, 19000, 1.5) END AS person,
            CASE WHEN is_viral THEN 0 ELSE greatest(1, day - bench.draw(turn, 5, 6, 2)) END AS media
        FROM drawn
    ), picked AS (
        SELECT c.*, k.number, bench.account(account) AS account_id,
               bench.person(account, c.person) AS person_id,
               bench.message(turn, CASE class WHEN 'reaction' THEN 2 WHEN 'seen' THEN 2
                                   WHEN 'message_edit' THEN 4 WHEN 'message_deleted' THEN 1
                                   ELSE step END) AS message_id,
               bench.comment(turn, step) AS comment_id, bench.comment(turn, 0) AS parent_id,
               bench.media(account, media) AS media_id,
               'ana.' || to_hex(account * 20000 + c.person) AS username,
               extract(epoch FROM date_trunc('second', at))::bigint::text AS second,
               md5(turn || '-' || step || '-' || c.position) AS hash
        FROM cast_ AS c
        JOIN LATERAL (SELECT 1 + bench.draw(turn * 8 + step, 6, k.count) AS number
                      FROM bench.class AS k WHERE k.class = c.class) AS k ON true
    )
    SELECT p.position, p.repeated, p.account AS account_number, first_at + p.position * pause AS at,
           (lpad(to_hex((extract(epoch FROM first_at + p.position * pause) * 1000)::bigint), 12, '0')
            || '7' || substr(p.hash, 1, 3) || '8' || substr(p.hash, 4, 15))::uuid AS delivery_id,
           (lpad(to_hex(p.second::bigint), 8, '0') || substr(md5(p.turn || '.' || p.step), 9))::uuid AS key,
           to_timestamp(p.second::bigint) + (t.occurred_at - date_trunc('second', t.occurred_at)) AS occurred_at,
           replace(replace(t.prefix, t.account_id, p.account_id), t.second, p.second) AS prefix,
           replace(replace(replace(replace(replace(replace(replace(replace(replace(
               t.item, t.account_id, p.account_id), coalesce(t.person_id, E'\x02'), p.person_id),
               t.second, p.second), coalesce(t.message_id, E'\x02'), p.message_id),
               coalesce(t.comment_id, E'\x02'), p.comment_id), t.original_media_id, p.media_id),
               coalesce(t.media_id, E'\x02'),
               CASE WHEN t.original_media_id = E'\x02' THEN p.media_id ELSE (p.media_id::bigint + 5)::text END),
               coalesce(t.parent_id, E'\x02'), p.parent_id),
               coalesce('"' || t.username || '"', E'\x02'), '"' || p.username || '"') AS item,
           replace(replace(t.suffix, t.account_id, p.account_id), t.second, p.second) AS suffix,
           p.account_id, CASE WHEN t.person_id IS NOT NULL THEN p.person_id END AS person_id,
           CASE WHEN t.username IS NOT NULL THEN p.username END AS username,
           CASE WHEN t.message_id IS NOT NULL THEN p.message_id END AS message_id,
           CASE WHEN t.comment_id IS NOT NULL THEN p.comment_id END AS comment_id,
           CASE WHEN t.media_id IS NULL THEN NULL WHEN t.original_media_id = E'\x02' THEN p.media_id
                ELSE (p.media_id::bigint + 5)::text END AS media_id,
           CASE WHEN t.parent_id IS NOT NULL THEN p.parent_id END AS parent_id,
           CASE WHEN t.original_media_id = E'\x02' THEN t.data
                ELSE t.data || jsonb_build_object('original_media_id', p.media_id) END AS data,
           t.is_echo, t.is_self, t.kind, t.sender_id, t.recipient_id, t.text, t.occurred_at_source,
           t.object, t.field, t.channel, t.header_set, t.signature, t.delivery_object,
           bench.app(p.account) AS app
    FROM picked AS p JOIN bench.template AS t ON t.class = p.class AND t.number = p.number;

    INSERT INTO new_deliveries (id, received_at, first_position, event_count, header_set, signature,
                                remote_addr, app, secret, source, object, body)
    SELECT delivery_id, at, position, 1, header_set, signature, '192.0.2.7', app, 'app', 'live',
           delivery_object, convert_to(prefix || item || suffix, 'UTF8')
    FROM made ORDER BY position;
    INSERT INTO new_events (position, received_at, occurred_at, delivery_id, dedupe_key, item_start,
                            item_length, is_echo, is_self, kind, source, app, account_id, person_id,
                            sender_id, recipient_id, username, message_id, comment_id, media_id,
                            parent_id, text, data, occurred_at_source, object, field, channel)
    SELECT position, at, occurred_at, delivery_id, key, octet_length(prefix), octet_length(item),
           is_echo, is_self, kind, 'live', app, account_id, person_id, sender_id, recipient_id,
           username, message_id, comment_id, media_id, parent_id, text, data, occurred_at_source,
           object, field, channel
    FROM made WHERE repeated IS NULL ORDER BY position;
    INSERT INTO new_repeats (position, received_at, event_position, delivery_id, dedupe_key,
                             item_start, item_length, kind, source, app, account_id)
    SELECT position, at, repeated, delivery_id, key, octet_length(prefix), octet_length(item), kind,
           'live', app, account_id
    FROM made WHERE repeated IS NOT NULL ORDER BY position;
    -- Keys of two windows.
    INSERT INTO dedupe (epoch, key, position)
    SELECT CASE WHEN at > now() - interval '7 days' THEN 2 ELSE 1 END, key, position
    FROM made WHERE repeated IS NULL AND at > now() - interval '14 days' ORDER BY position;

    FOREACH stored IN ARRAY '{deliveries,events,repeats}'::text[] LOOP
        EXECUTE format('DROP VIEW new_%s', stored);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       'stored_' || stored, stored || to_char(date, '_YYYYMMDD'), midnight,
                       midnight + interval '1 day');
    END LOOP;
END
$$;
