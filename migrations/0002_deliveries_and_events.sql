-- What arrived: deliveries byte for byte, the events in them, and the items that came again.
--
-- Content is stored once, in the bodies of deliveries; an event and a repeat have the place of
-- their item there. The views below are the tables for readers: `stored_...` leave out what can
-- be told from another column, so that a row takes less room.
--
-- Partitions of a day each (UTC) are made ahead; there is no default one, so that retention can
-- detach a day without blocking anybody.

CREATE TABLE header_sets (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    headers text NOT NULL
);
CREATE INDEX header_sets_headers ON header_sets USING hash (headers);
COMMENT ON TABLE header_sets IS
'Request headers that many deliveries share, each set once.

Written by: the commit, a row for each set of headers that is new.
Read by: the commit, and the view deliveries.
Grows: by a row for each version of Meta''s sender.';
COMMENT ON COLUMN header_sets.id IS 'stored_deliveries.header_set.';
COMMENT ON COLUMN header_sets.headers IS 'A JSON object with lower-case names, without the signature.';
COMMENT ON SEQUENCE header_sets_id_seq IS 'Ids of sets of headers.';
COMMENT ON INDEX header_sets_pkey IS 'Finds the headers of a delivery.';
COMMENT ON INDEX header_sets_headers IS 'Finds a set that is known.';

CREATE TABLE stored_deliveries (
    id          uuid NOT NULL,
    received_at timestamptz NOT NULL,
    event_count int NOT NULL,
    header_set  int,
    signature   bytea,
    remote_addr inet,
    app         text NOT NULL,
    secret      text NOT NULL,
    source      text NOT NULL,
    object      text,
    problem     text,
    body        bytea,
    erased_at   timestamptz,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE stored_deliveries IS
'The rows of deliveries, which is the view to read.

Written by: the commit, a row for each delivery; hookshelf events purge takes away what it purges.
Read by: the view deliveries, and every view that shows a payload.
Grows: by a body and 250 bytes for each delivery, in a partition a day (UTC); dropping a partition is how it shrinks.';
COMMENT ON COLUMN stored_deliveries.id IS 'UUID v7, minted when the delivery was accepted; in the order of arrival.';
COMMENT ON COLUMN stored_deliveries.received_at IS 'When it was accepted.';
COMMENT ON COLUMN stored_deliveries.event_count IS 'The number of its items, repeats included.';
COMMENT ON COLUMN stored_deliveries.header_set IS 'header_sets.id of its headers. Null once erased.';
COMMENT ON COLUMN stored_deliveries.signature IS 'The 32 bytes of its signature, which verifies over body. Null once erased.';
COMMENT ON COLUMN stored_deliveries.remote_addr IS 'The address it came from, behind trusted proxies.';
COMMENT ON COLUMN stored_deliveries.app IS 'The configured app whose callback URL and secret it used.';
COMMENT ON COLUMN stored_deliveries.secret IS 'The name of the secret that matched: app, instagram, previous-1, ...';
COMMENT ON COLUMN stored_deliveries.source IS 'live: Meta. test: the dashboard''s Test button. simulated, replayed, backfill: the verbs of that name.';
COMMENT ON COLUMN stored_deliveries.object IS 'object of the notification if it is not instagram; empty if the body has none.';
COMMENT ON COLUMN stored_deliveries.problem IS 'The first thing that could not be read as it came: empty, not_utf8, not_json, unknown_shape, too_many_items, too_deep, unsafe_text, id_too_long, refused. Null if there is none.';
COMMENT ON COLUMN stored_deliveries.body IS 'The bytes exactly as received. Null once erased.';
COMMENT ON COLUMN stored_deliveries.erased_at IS 'When its content was erased; null if it was not.';
COMMENT ON INDEX stored_deliveries_pkey IS 'Finds one delivery, and makes committing it twice harmless. With received_at, because a key of a partitioned table holds what it is partitioned by.';

CREATE TABLE stored_events (
    position           bigint NOT NULL DEFAULT nextval('event_position'),
    received_at        timestamptz NOT NULL,
    occurred_at        timestamptz,
    delivery_id        uuid NOT NULL,
    dedupe_key         uuid NOT NULL,
    item_start         int NOT NULL,
    item_length        int NOT NULL,
    is_echo            bool NOT NULL,
    is_self            bool NOT NULL,
    kind               text NOT NULL,
    source             text NOT NULL,
    app                text NOT NULL,
    account_id         text,
    person_id          text,
    sender_id          text,
    recipient_id       text,
    username           text,
    message_id         text,
    comment_id         text,
    media_id           text,
    parent_id          text,
    text               text,
    data               jsonb,
    occurred_at_source text,
    object             text,
    field              text,
    channel            text,
    problem            text,
    erased_at          timestamptz,
    PRIMARY KEY (position, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE stored_events IS
'The rows of events, which is the view to read. Rows change by completion and by erasure only.

Written by: the commit, a row for each item that is not a repeat; hookshelf events purge takes away what it purges.
Read by: the view events and those of the kinds; the commit, to complete an event.
Grows: by about 600 bytes an event with its indexes, in a partition a day (UTC) of received_at; dropping a partition is how it shrinks.';
COMMENT ON COLUMN stored_events.position IS 'The event''s id and its place in the log that followers read; in the order of commits.';
COMMENT ON COLUMN stored_events.received_at IS 'deliveries.received_at of the delivery that brought it first.';
COMMENT ON COLUMN stored_events.occurred_at IS 'When it happened, as far as Meta says; null outside 2010 to one day after received_at.';
COMMENT ON COLUMN stored_events.delivery_id IS 'deliveries.id of the delivery that brought it first.';
COMMENT ON COLUMN stored_events.dedupe_key IS 'The same for every delivery of one occurrence. Stays after erasure, so that a late repeat brings nothing back.';
COMMENT ON COLUMN stored_events.item_start IS 'The place of the item''s first byte in the body, from 0.';
COMMENT ON COLUMN stored_events.item_length IS 'The number of the item''s bytes in the body.';
COMMENT ON COLUMN stored_events.is_echo IS 'A message that the account itself sent.';
COMMENT ON COLUMN stored_events.is_self IS 'The account talks to or comments on itself.';
COMMENT ON COLUMN stored_events.kind IS 'What happened: comment, message, reaction, seen, ...; each kind has a view. unknown: something that has no type here yet.';
COMMENT ON COLUMN stored_events.source IS 'deliveries.source; test for the events of entry 0 only.';
COMMENT ON COLUMN stored_events.app IS 'deliveries.app.';
COMMENT ON COLUMN stored_events.account_id IS 'entry.id: the Instagram professional account; 0 from the Test button.';
COMMENT ON COLUMN stored_events.person_id IS 'The IGSID of the other party: recipient of an echo, commenter, else sender.';
COMMENT ON COLUMN stored_events.sender_id IS 'sender.id, or from.id of a comment, if it is not item_sender; empty if there is none.';
COMMENT ON COLUMN stored_events.recipient_id IS 'recipient.id, if it is not item_recipient; empty if there is none.';
COMMENT ON COLUMN stored_events.username IS 'The user name of the other party, if the item carries it.';
COMMENT ON COLUMN stored_events.message_id IS 'The mid of the message that it is or concerns.';
COMMENT ON COLUMN stored_events.comment_id IS 'The comment that it is or concerns.';
COMMENT ON COLUMN stored_events.media_id IS 'The media or story that it concerns.';
COMMENT ON COLUMN stored_events.parent_id IS 'The comment or message that it answers.';
COMMENT ON COLUMN stored_events.text IS 'What somebody wrote; of a postback the words on the button. Null once erased.';
COMMENT ON COLUMN stored_events.data IS 'The own fields of the kind under Meta''s names; null if there are none, and once erased.';
COMMENT ON COLUMN stored_events.occurred_at_source IS 'sent: the time at which Meta sent the entry. none: no believable time. Null: the item''s own time.';
COMMENT ON COLUMN stored_events.object IS 'stored_deliveries.object.';
COMMENT ON COLUMN stored_events.field IS 'The subscription field if it is not that of the kind.';
COMMENT ON COLUMN stored_events.channel IS 'changes, standby, or entry: the flat form and changed_fields. Null: messaging.';
COMMENT ON COLUMN stored_events.problem IS 'unsafe_text: the item has U+0000 or an unpaired surrogate, for which U+FFFD is shown. id_too_long: an id over 512 bytes is null. too_deep: nested deeper than 64 levels. Null if there is none.';
COMMENT ON COLUMN stored_events.erased_at IS 'When its content was erased; null if it was not.';
COMMENT ON INDEX stored_events_pkey IS 'Reading forward by position, and finding one event. With received_at, as stored_deliveries_pkey.';

CREATE INDEX events_account ON stored_events (account_id, position);
COMMENT ON INDEX events_account IS 'What happened on an account, in order.';
CREATE INDEX events_person ON stored_events (person_id, position) WHERE person_id IS NOT NULL;
COMMENT ON INDEX events_person IS 'All that concerns a person: conversations, erasure.';
CREATE INDEX events_message ON stored_events USING hash (message_id) WHERE message_id IS NOT NULL;
COMMENT ON INDEX events_message IS 'Everything about one message. A hash, because a mid has 164 characters: a B-tree over it costs three times the time and twice the WAL.';
CREATE INDEX events_comment ON stored_events USING hash (comment_id) WHERE comment_id IS NOT NULL;
COMMENT ON INDEX events_comment IS 'Everything about one comment.';
CREATE INDEX events_media ON stored_events (media_id, position) WHERE media_id IS NOT NULL;
COMMENT ON INDEX events_media IS 'The comments of a media, in order.';

CREATE TABLE stored_repeats (
    position       bigint NOT NULL DEFAULT nextval('event_position'),
    received_at    timestamptz NOT NULL,
    event_position bigint,
    delivery_id    uuid NOT NULL,
    dedupe_key     uuid NOT NULL,
    item_start     int NOT NULL,
    item_length    int NOT NULL,
    kind           text NOT NULL,
    source         text NOT NULL,
    app            text NOT NULL,
    account_id     text,
    problem        text,
    PRIMARY KEY (position, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE stored_repeats IS
'The rows of repeats, which is the view to read.

Written by: the commit, a row for each item that came again; hookshelf events purge takes away what it purges.
Read by: the view repeats; the follower stats, which counts them.
Grows: by about 200 bytes an item with its indexes, in a partition a day (UTC).';
COMMENT ON COLUMN stored_repeats.position IS 'Its place in the log that followers read, which it shares with events: no event has the same.';
COMMENT ON COLUMN stored_repeats.received_at IS 'deliveries.received_at of the delivery that brought it again.';
COMMENT ON COLUMN stored_repeats.event_position IS 'events.position of the event when it came again; a purge of simulated events may give it another since, which dedupe.position says.';
COMMENT ON COLUMN stored_repeats.delivery_id IS 'deliveries.id of that delivery.';
COMMENT ON COLUMN stored_repeats.dedupe_key IS 'events.dedupe_key of the event.';
COMMENT ON COLUMN stored_repeats.item_start IS 'The place of the item''s first byte in the body of that delivery, from 0.';
COMMENT ON COLUMN stored_repeats.item_length IS 'The number of the item''s bytes in that body.';
COMMENT ON COLUMN stored_repeats.kind IS 'events.kind of the event.';
COMMENT ON COLUMN stored_repeats.source IS 'deliveries.source of the delivery that brought it again.';
COMMENT ON COLUMN stored_repeats.app IS 'deliveries.app of the delivery that brought it again.';
COMMENT ON COLUMN stored_repeats.account_id IS 'events.account_id of the event.';
COMMENT ON COLUMN stored_repeats.problem IS 'As events.problem, of this item.';
COMMENT ON INDEX stored_repeats_pkey IS 'Reading forward by position. With received_at, as stored_deliveries_pkey.';
CREATE INDEX repeats_delivery ON stored_repeats (delivery_id);
COMMENT ON INDEX repeats_delivery IS 'The repeats of a delivery, for hookshelf deliveries list and show. Costs 76 bytes of WAL for each repeat.';

CREATE TABLE late_days (
    day           date PRIMARY KEY,
    last_position bigint NOT NULL
);
COMMENT ON TABLE late_days IS
'Days that got events or repeats whose received_at was more than an hour away from the time of their commit, so that followers look there too: they look by themselves only at the hours around the commit.

Written by: the commit.
Read by: every follower.
Grows: by at most one row for each day.';
COMMENT ON COLUMN late_days.day IS 'The day (UTC) of received_at.';
COMMENT ON COLUMN late_days.last_position IS 'The last position that was written into that day so late, or so early.';
COMMENT ON INDEX late_days_pkey IS 'A day is noted once.';

CREATE FUNCTION item_sender(is_echo bool, account_id text, person_id text)
RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN is_echo THEN account_id ELSE person_id END;
COMMENT ON FUNCTION item_sender IS 'The sender of most events: the account of an echo, else the person.';

CREATE FUNCTION item_recipient(is_echo bool, channel text, account_id text, person_id text)
RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN is_echo THEN person_id
    WHEN coalesce(channel, 'messaging') IN ('messaging', 'standby') THEN account_id
END;
COMMENT ON FUNCTION item_recipient IS 'The recipient of most events: the person of an echo, the account of another messaging item, else none.';

CREATE FUNCTION item_field(kind text) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE kind
    WHEN 'message' THEN 'messages'
    WHEN 'comment' THEN 'comments'
    WHEN 'seen' THEN 'messaging_seen'
    WHEN 'reaction' THEN 'message_reactions'
    WHEN 'live_comment' THEN 'live_comments'
    WHEN 'mention' THEN 'mentions'
    WHEN 'story_insights' THEN 'story_insights'
    WHEN 'message_edit' THEN 'message_edit'
    WHEN 'message_deleted' THEN 'messages'
    WHEN 'postback' THEN 'messaging_postbacks'
    WHEN 'referral' THEN 'messaging_referral'
    WHEN 'optin' THEN 'messaging_optins'
    WHEN 'handover' THEN 'messaging_handover'
    WHEN 'policy_enforcement' THEN 'messaging_policy_enforcement'
    WHEN 'response_feedback' THEN 'response_feedback'
END;
COMMENT ON FUNCTION item_field IS 'The subscription field of a kind in Meta''s spelling for Instagram; null for unknown.';

-- A backslash before another one escapes it: tokens are taken one after the other.
CREATE FUNCTION item_json(item text) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT string_agg(
        CASE WHEN token[1] ~ '^\\u(0000|[dD][89a-fA-F]..)$' THEN '\ufffd' ELSE token[1] END, ''
        ORDER BY place)
    FROM regexp_matches(
        item,
        '(\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]+)', 'g'
    ) WITH ORDINALITY AS tokens (token, place)
);
COMMENT ON FUNCTION item_json IS 'JSON with \ufffd for each U+0000 and each unpaired surrogate, which Postgres cannot store.';

CREATE FUNCTION item_of(body bytea, item_start int, item_length int, problem text)
RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN problem = 'too_deep' THEN NULL
    WHEN problem = 'unsafe_text'
        THEN item_json(convert_from(substring(body, item_start + 1, item_length), 'UTF8'))::json
    ELSE convert_from(substring(body, item_start + 1, item_length), 'UTF8')::json
END;
COMMENT ON FUNCTION item_of IS 'The text of an item in the body of its delivery; null if it is nested too deep, or the body is gone.';

CREATE VIEW deliveries AS
SELECT d.id, d.received_at, d.app, nullif(coalesce(d.object, 'instagram'), '') AS object, d.body,
       (SELECT CASE
            WHEN d.signature IS NULL THEN h.headers
            ELSE rtrim(h.headers, '}') || CASE WHEN h.headers = '{}' THEN '' ELSE ',' END
                 || '"x-hub-signature-256":"sha256=' || encode(d.signature, 'hex') || '"}'
        END::json
        FROM header_sets AS h WHERE h.id = d.header_set) AS headers,
       d.remote_addr, d.secret, d.problem, d.event_count, d.source, d.erased_at
FROM stored_deliveries AS d;
COMMENT ON VIEW deliveries IS 'Every POST with a right signature, kept before it was answered with 200.';

CREATE VIEW events AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at,
       coalesce(e.occurred_at_source, 'item') AS occurred_at_source, e.app,
       nullif(coalesce(e.object, 'instagram'), '') AS object,
       coalesce(e.field, item_field(e.kind)) AS field, e.kind,
       coalesce(e.channel, 'messaging') AS channel, e.account_id, e.person_id,
       nullif(coalesce(e.sender_id, item_sender(e.is_echo, e.account_id, e.person_id)), '')
           AS sender_id,
       nullif(coalesce(e.recipient_id,
                       item_recipient(e.is_echo, e.channel, e.account_id, e.person_id)), '')
           AS recipient_id,
       e.username, e.message_id, e.comment_id, e.media_id, e.parent_id, e.text, e.is_echo,
       e.is_self, e.item_start, e.item_length, e.data,
       (SELECT item_of(d.body, e.item_start, e.item_length, e.problem)
        FROM stored_deliveries AS d
        WHERE d.id = e.delivery_id AND d.received_at = e.received_at) AS payload,
       e.problem, e.source, e.dedupe_key, e.erased_at
FROM stored_events AS e;
COMMENT ON VIEW events IS 'One row for each occurrence: one change or messaging item, stored once however often it came.';

CREATE VIEW repeats AS
SELECT r.position, r.received_at, r.delivery_id, r.dedupe_key, r.app, r.kind, r.account_id,
       r.source,
       coalesce((SELECT d.position FROM dedupe AS d WHERE d.key = r.dedupe_key
                 ORDER BY d.epoch DESC LIMIT 1), r.event_position) AS event_position,
       r.item_start, r.item_length,
       (SELECT item_of(d.body, r.item_start, r.item_length, r.problem)
        FROM stored_deliveries AS d
        WHERE d.id = r.delivery_id AND d.received_at = r.received_at) AS payload,
       r.problem
FROM stored_repeats AS r;
COMMENT ON VIEW repeats IS 'Items whose event was stored already: retries, the same message through two products, the pair of an ad and its post.';

-- A column of a view says what it says in its table, but for those that are computed.
DO $$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT v.attrelid::regclass AS view, v.attname AS name,
               coalesce(own.comment, col_description(t.attrelid, t.attnum)) AS comment
        FROM (VALUES ('deliveries'::regclass, 'stored_deliveries'::regclass),
                     ('events', 'stored_events'), ('repeats', 'stored_repeats')) AS pair (view, stored)
        JOIN pg_attribute AS v ON v.attrelid = pair.view AND v.attnum > 0
        LEFT JOIN pg_attribute AS t ON t.attrelid = pair.stored AND t.attname = v.attname
        LEFT JOIN (VALUES
            ('deliveries', 'headers', 'The request headers of an allow-list, with the signature. Null once erased.'),
            ('deliveries', 'object', 'object of the notification: instagram, page, ...; null if the body does not say.'),
            ('events', 'object', 'deliveries.object.'),
            ('events', 'occurred_at_source', 'item: the item''s own time. sent: the time at which Meta sent the entry. none: no believable time.'),
            ('events', 'field', 'The subscription field in Meta''s spelling for Instagram: comments, messages, messaging_seen, ...; inferred for messaging items, null if nothing says.'),
            ('events', 'channel', 'changes, messaging, standby, or entry: the flat form and changed_fields.'),
            ('events', 'sender_id', 'sender.id, or from.id of a comment.'),
            ('events', 'recipient_id', 'recipient.id.'),
            ('events', 'payload', 'The item''s own text in the body of its delivery. Null if it is nested too deep, and once the body is gone.'),
            ('repeats', 'event_position', 'events.position of the event, by its key as long as that is known: a purge may give an event another position.'),
            ('repeats', 'payload', 'The item''s own text in the body of that delivery. Null if it is nested too deep, and once the body is gone.')
        ) AS own (view, name, comment) ON own.view = pair.view::text AND own.name = v.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', shown.view, shown.name, shown.comment);
    END LOOP;
END
$$;
