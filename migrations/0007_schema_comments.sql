-- What docs/schema.md is made of: of each table what it holds, who writes it, who reads it and how
-- it grows, and of each index why it is there. Two views get a column that questions need.
--
-- The form of a table's comment: a paragraph, an empty line, then the lines Written by, Read by and
-- Grows.

COMMENT ON TABLE commit_fence IS
'One row. Every commit locks it until its end, so that positions appear in the order of commits and a follower misses nothing.

Written by: the worker that begins a dedupe epoch.
Read by: every commit, which locks it.
Grows: never.';

COMMENT ON TABLE dedupe IS
'The dedupe keys of the current window and the one before: what is in here is stored already.

Written by: the commit, a row for each new event; hookshelf events purge takes away what it purges.
Read by: the commit, to tell a repeat.
Grows: by about 100 bytes an event with its index, for one to two windows (dedupe.window_days); then a whole partition is dropped.';

COMMENT ON TABLE _sqlx_migrations IS
'Which migrations were applied.

Written by: hookshelf migrate, and serve at its start.
Read by: the same.
Grows: by a row for each migration of a new version.';

COMMENT ON TABLE deliveries IS
'Every POST with a right signature, kept before it was answered with 200.

Written by: the commit, a row for each delivery; hookshelf events purge takes away what it purges.
Read by: hookshelf deliveries; whoever needs the exact bytes.
Grows: by a body and half a kilobyte for each delivery, in a partition a day (UTC); dropping a partition is how it shrinks.';

COMMENT ON TABLE events IS
'One row for each thing that happened: one change or messaging item, stored once however often it came. Rows change by erasure only.

Written by: the commit, a row for each item that is not a repeat; hookshelf events purge takes away what it purges.
Read by: hookshelf events, the views, followers of positions; the commit, to see whether a repeat says something else.
Grows: by about 1.5 kilobytes an event with its indexes, in a partition a day (UTC) of received_at; dropping a partition is how it shrinks.';

COMMENT ON TABLE repeats IS
'Items whose event was stored already: retries, the same message through two products, the pair of an ad and its post.

Written by: the commit, a row for each item that came again; hookshelf events purge takes away what it purges.
Read by: the follower stats, which counts them; questions about ads, because the second of a pair may be the one that names the ad.
Grows: by about 200 bytes an item with its index, and the payload where it differs, in a partition a day (UTC).';

COMMENT ON TABLE accounts IS
'The accounts that deliveries came for; a row appears with the first one.

Written by: the commit, at most once an hour for each account; hookshelf events purge takes away those that only simulation made.
Read by: hookshelf accounts list; hookshelf events stats, for the name of a client.
Grows: by a row for each account of an app.';

COMMENT ON TABLE rejections IS
'How many deliveries were refused before storing. The number of rows is capped: rejections.max_rows.

Written by: the worker that writes counts down, every few seconds and at a stop.
Read by: hookshelf rejections list.
Grows: by a row for each hour, app, reason and network that had some, up to its cap.';

COMMENT ON INDEX commit_fence_pkey IS 'There is one fence.';
COMMENT ON INDEX dedupe_pkey IS 'Finds whether a key is known; the key comes first because it is random and the epoch is given.';
COMMENT ON INDEX _sqlx_migrations_pkey IS 'A migration is applied once.';
COMMENT ON INDEX deliveries_pkey IS 'Finds one delivery, and makes committing it twice harmless. With received_at, because a key of a partitioned table holds what it is partitioned by.';
COMMENT ON INDEX events_pkey IS 'Reading forward by position, and finding one event. With received_at, as deliveries_pkey.';
COMMENT ON INDEX events_account IS 'What happened on an account, in order.';
COMMENT ON INDEX events_person IS 'All that concerns a person: conversations, erasure.';
COMMENT ON INDEX events_message IS 'Everything about one message. A hash, because a mid has 164 characters: a B-tree over it costs three times the time and twice the WAL.';
COMMENT ON INDEX events_comment IS 'Everything about one comment.';
COMMENT ON INDEX events_media IS 'The comments of a media, in order.';
COMMENT ON INDEX repeats_pkey IS 'Reading forward by position. With received_at, as deliveries_pkey.';
COMMENT ON INDEX followers_pkey IS 'A follower is one row, which whoever moves it locks.';
COMMENT ON INDEX stats_hourly_pkey IS 'Counts of the same hour, app, account, kind and source are added up; the hour comes first because questions name a time.';
COMMENT ON INDEX callbacks_pkey IS 'The same thing at the same app and secret is one row.';
COMMENT ON INDEX late_days_pkey IS 'A day is noted once.';
COMMENT ON INDEX accounts_pkey IS 'An account is one row in each app.';
COMMENT ON INDEX rejections_pkey IS 'Counts of the same hour, app, reason and network are added up.';

-- The second of an ad pair is a row of repeats, and the key is what leads from one to the other.
CREATE OR REPLACE VIEW comments AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.comment_id, e.media_id, e.parent_id, e.sender_id, e.username, e.text, e.is_self,
       item_id(v.sender, 'self_ig_scoped_id') AS self_ig_scoped_id,
       item_text(v.media, 'media_product_type') AS media_product_type,
       item_id(v.media, 'ad_id') AS ad_id,
       item_text(v.media, 'ad_title') AS ad_title,
       item_id(v.media, 'original_media_id') AS original_media_id,
       coalesce(item_text(v.value, 'verb'), item_text(e.payload, 'verb')) AS verb,
       e.payload,
       e.dedupe_key
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value,
                           item_object(item_value(e.payload, e.channel), 'from') AS sender,
                           item_object(item_value(e.payload, e.channel), 'media') AS media
                    OFFSET 0) AS v
WHERE e.kind = 'comment';
COMMENT ON COLUMN comments.dedupe_key IS 'The same for every delivery of the same comment: repeats.dedupe_key of those that came again.';

CREATE OR REPLACE VIEW mentions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.media_id, e.comment_id,
       e.payload,
       e.text
FROM events AS e
WHERE e.kind = 'mention';
COMMENT ON COLUMN mentions.text IS 'What mentions the account. Meta does not send it: null until it is fetched.';
