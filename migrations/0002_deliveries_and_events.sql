-- Deliveries byte for byte, their events, and repeated items.
--
-- Content is stored once, in the bodies of deliveries; an event or repeat has the offset of its
-- item in the body. Readers use the views below. The tables `stored_...` omit all values derivable
-- from another column, so that a row takes less space.
--
-- Daily partitions (UTC) are created ahead. There is no default partition, so that retention can
-- detach a day without blocking anybody.

CREATE TABLE header_sets (
    id      int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    headers text NOT NULL
);
CREATE INDEX header_sets_headers ON header_sets USING hash (headers);
COMMENT ON TABLE header_sets IS
'Request headers shared by many deliveries, each set once.

Written by: the commit, one row for each new set of headers.
Read by: the commit, and the view deliveries.
Grows: by one row for each version of Meta''s sender.';
COMMENT ON COLUMN header_sets.id IS 'Target of stored_deliveries.header_set.';
COMMENT ON COLUMN header_sets.headers IS 'JSON object with lower-case names, without the signature.';
COMMENT ON SEQUENCE header_sets_id_seq IS 'Ids of header sets.';
COMMENT ON INDEX header_sets_pkey IS 'Lookup of the headers of a delivery.';
COMMENT ON INDEX header_sets_headers IS 'Lookup of a known set.';

CREATE TABLE stored_deliveries (
    id             uuid NOT NULL,
    received_at    timestamptz NOT NULL,
    first_position bigint,
    event_count    int NOT NULL,
    header_set     int,
    signature      bytea,
    remote_addr    inet,
    app            text NOT NULL,
    secret         text NOT NULL,
    source         text NOT NULL,
    object         text,
    problem        text,
    body           bytea,
    erased_at      timestamptz,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE stored_deliveries IS
'Storage of the view deliveries.

Written by: the commit, one row for each delivery; hookshelf events purge deletes purged rows.
Read by: the view deliveries, and every view with a payload.
Grows: by a body and 250 bytes for each delivery, in daily partitions (UTC). Dropping a partition frees its space.';
COMMENT ON COLUMN stored_deliveries.id IS 'UUID v7 created on acceptance, in order of arrival.';
COMMENT ON COLUMN stored_deliveries.received_at IS 'Time of acceptance.';
COMMENT ON COLUMN stored_deliveries.first_position IS 'Position of the first item. Its items have consecutive positions, events and repeats. Null without items.';
COMMENT ON COLUMN stored_deliveries.event_count IS 'Number of items, repeats included.';
COMMENT ON COLUMN stored_deliveries.header_set IS 'header_sets.id of the request headers. Null after erasure.';
COMMENT ON COLUMN stored_deliveries.signature IS 'Signature over body, 32 bytes. Null after erasure.';
COMMENT ON COLUMN stored_deliveries.remote_addr IS 'Client address, with trusted proxies resolved.';
COMMENT ON COLUMN stored_deliveries.app IS 'Configured app of the callback URL and the secret.';
COMMENT ON COLUMN stored_deliveries.secret IS 'Name of the matching secret: app, instagram, previous-1, ...';
COMMENT ON COLUMN stored_deliveries.source IS 'live: Meta. test: Test button of the dashboard. simulated: hookshelf simulate. replayed, backfill: reserved.';
COMMENT ON COLUMN stored_deliveries.object IS 'object of the notification if not instagram; empty if absent from the body.';
COMMENT ON COLUMN stored_deliveries.problem IS 'First problem of the body or its items: empty, not_utf8, not_json, unknown_shape, too_many_items, too_deep, unsafe_text, id_too_long, refused. Null if none.';
COMMENT ON COLUMN stored_deliveries.body IS 'Bytes exactly as received. Null after erasure.';
COMMENT ON COLUMN stored_deliveries.erased_at IS 'Time of erasure; null if not erased.';
COMMENT ON INDEX stored_deliveries_pkey IS 'Lookup by id, and protection against a second commit of a delivery. Includes the partition key received_at, as Postgres requires.';

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
'Storage of the view events. Rows change only by completion and erasure.

Written by: the commit, one row for each item except repeats; hookshelf events purge deletes purged rows.
Read by: the view events and the views of the kinds; the commit, to complete an event.
Grows: by about 600 bytes an event with its indexes, in daily partitions (UTC) of received_at. Dropping a partition frees its space.';
COMMENT ON COLUMN stored_events.position IS 'Id of the event and its position in the event log, in commit order.';
COMMENT ON COLUMN stored_events.received_at IS 'deliveries.received_at of the first delivery of the event.';
COMMENT ON COLUMN stored_events.occurred_at IS 'Time of the occurrence according to Meta; null if outside 2010 to one day after received_at.';
COMMENT ON COLUMN stored_events.delivery_id IS 'deliveries.id of the first delivery of the event.';
COMMENT ON COLUMN stored_events.dedupe_key IS 'Key of the occurrence, equal in all its deliveries. Kept after erasure, so that a late repeat restores nothing.';
COMMENT ON COLUMN stored_events.item_start IS 'Offset of the item in the body, in bytes from 0.';
COMMENT ON COLUMN stored_events.item_length IS 'Length of the item in the body, in bytes.';
COMMENT ON COLUMN stored_events.is_echo IS 'True for a message sent by the account itself.';
COMMENT ON COLUMN stored_events.is_self IS 'True for a comment by the account itself, or a message to itself.';
COMMENT ON COLUMN stored_events.kind IS 'comment, message, reaction, seen, ...: each kind has a view. unknown for an item without a kind.';
COMMENT ON COLUMN stored_events.source IS 'deliveries.source; test only for events of entry 0.';
COMMENT ON COLUMN stored_events.app IS 'deliveries.app.';
COMMENT ON COLUMN stored_events.account_id IS 'entry.id: the Instagram professional account; 0 from the Test button.';
COMMENT ON COLUMN stored_events.person_id IS 'IGSID of the other party: recipient of an echo, author of a comment, otherwise the sender.';
COMMENT ON COLUMN stored_events.sender_id IS 'sender.id, or from.id of a comment, if different from item_sender; empty if absent.';
COMMENT ON COLUMN stored_events.recipient_id IS 'recipient.id, if different from item_recipient; empty if absent.';
COMMENT ON COLUMN stored_events.username IS 'User name of the other party, if sent.';
COMMENT ON COLUMN stored_events.message_id IS 'mid of the message concerned.';
COMMENT ON COLUMN stored_events.comment_id IS 'Id of the comment concerned.';
COMMENT ON COLUMN stored_events.media_id IS 'Id of the media or story concerned.';
COMMENT ON COLUMN stored_events.parent_id IS 'Id of the comment or message answered.';
COMMENT ON COLUMN stored_events.text IS 'Text of the comment or message; for a postback, the title of the button. Null after erasure.';
COMMENT ON COLUMN stored_events.data IS 'Fields of the kind under Meta''s names. Null if none, and after erasure.';
COMMENT ON COLUMN stored_events.occurred_at_source IS 'sent: time of sending of the entry. none: no plausible time. Null: the item''s own time.';
COMMENT ON COLUMN stored_events.object IS 'stored_deliveries.object.';
COMMENT ON COLUMN stored_events.field IS 'Subscription field if different from the field of the kind.';
COMMENT ON COLUMN stored_events.channel IS 'changes, standby, or entry (flat form and changed_fields). Null: messaging.';
COMMENT ON COLUMN stored_events.problem IS 'unsafe_text: U+0000 or an unpaired surrogate, shown as U+FFFD. id_too_long: an id over 512 bytes, stored as null. too_deep: more than 64 levels of nesting. Null if none.';
COMMENT ON COLUMN stored_events.erased_at IS 'Time of erasure; null if not erased.';
COMMENT ON INDEX stored_events_pkey IS 'Lookup by position, and reading forward. Includes the partition key received_at, as Postgres requires.';

CREATE INDEX events_account ON stored_events (account_id, position);
COMMENT ON INDEX events_account IS 'Events of an account, in order.';
CREATE INDEX events_person ON stored_events (person_id, position) WHERE person_id IS NOT NULL;
COMMENT ON INDEX events_person IS 'Events of a person: conversations, erasure.';
CREATE INDEX events_message ON stored_events USING hash (message_id) WHERE message_id IS NOT NULL;
COMMENT ON INDEX events_message IS 'Events of a message. Hash, because a mid has 164 characters: a B-tree costs three times the time and twice the WAL.';
CREATE INDEX events_comment ON stored_events USING hash (comment_id) WHERE comment_id IS NOT NULL;
COMMENT ON INDEX events_comment IS 'Events of a comment.';
CREATE INDEX events_media ON stored_events (media_id, position) WHERE media_id IS NOT NULL;
COMMENT ON INDEX events_media IS 'Comments of a media, in order.';
-- Measured on ten million events: 0.3 ms for a day instead of 100 ms; 2 bytes an event, and less than
-- half a microsecond for an insert of 20 microseconds.
CREATE INDEX events_username ON stored_events USING brin (lower(username) text_bloom_ops)
    WITH (autosummarize = on, pages_per_range = 64);
COMMENT ON INDEX events_username IS 'Events of a user name: a Bloom filter for each range of pages. Costs 2 bytes an event.';

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
'Storage of the view repeats.

Written by: the commit, one row for each repeated item; hookshelf events purge deletes purged rows.
Read by: the view repeats; the follower stats, to count repeats.
Grows: by about 200 bytes an item with its indexes, in daily partitions (UTC).';
COMMENT ON COLUMN stored_repeats.position IS 'Position in the event log. Events and repeats share one sequence.';
COMMENT ON COLUMN stored_repeats.received_at IS 'deliveries.received_at of the repeating delivery.';
COMMENT ON COLUMN stored_repeats.event_position IS 'events.position of the event at the time of the repeat. A purge of simulated events can change the position; dedupe.position has the new value.';
COMMENT ON COLUMN stored_repeats.delivery_id IS 'deliveries.id of the repeating delivery.';
COMMENT ON COLUMN stored_repeats.dedupe_key IS 'events.dedupe_key of the event.';
COMMENT ON COLUMN stored_repeats.item_start IS 'Offset of the item in the body of the repeating delivery, in bytes from 0.';
COMMENT ON COLUMN stored_repeats.item_length IS 'Length of the item in that body, in bytes.';
COMMENT ON COLUMN stored_repeats.kind IS 'events.kind of the event.';
COMMENT ON COLUMN stored_repeats.source IS 'deliveries.source of the repeating delivery.';
COMMENT ON COLUMN stored_repeats.app IS 'deliveries.app of the repeating delivery.';
COMMENT ON COLUMN stored_repeats.account_id IS 'events.account_id of the event.';
COMMENT ON COLUMN stored_repeats.problem IS 'Like events.problem, for this item.';
COMMENT ON INDEX stored_repeats_pkey IS 'Reading forward by position. Includes the partition key received_at, as Postgres requires.';

CREATE TABLE late_days (
    day           date PRIMARY KEY,
    last_position bigint NOT NULL
);
COMMENT ON TABLE late_days IS
'Days with rows committed more than an hour before or after their received_at. Followers read these days in addition to the hours around the commit.

Written by: the commit; hookshelf events purge, for events with a new position.
Read by: every follower.
Grows: by at most one row a day.';
COMMENT ON COLUMN late_days.day IS 'Day (UTC) of received_at.';
COMMENT ON COLUMN late_days.last_position IS 'Last such position of the day.';
COMMENT ON INDEX late_days_pkey IS 'One row for each day.';

CREATE FUNCTION item_sender(is_echo bool, account_id text, person_id text)
RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN is_echo THEN account_id ELSE person_id END;
COMMENT ON FUNCTION item_sender IS 'Usual sender of an event: the account of an echo, otherwise the person.';

CREATE FUNCTION item_recipient(is_echo bool, channel text, account_id text, person_id text)
RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN is_echo THEN person_id
    WHEN coalesce(channel, 'messaging') IN ('messaging', 'standby') THEN account_id
END;
COMMENT ON FUNCTION item_recipient IS 'Usual recipient of an event: the person of an echo, the account of another messaging item, otherwise none.';

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
COMMENT ON FUNCTION item_field IS 'Subscription field of a kind in Meta''s spelling for Instagram; null for unknown.';

-- Tokens are matched from left to right, so that the second of two backslashes begins no escape.
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
COMMENT ON FUNCTION item_json IS 'JSON with \ufffd in place of U+0000 and unpaired surrogates, unsupported by Postgres.';

-- STABLE like convert_from: Postgres does not inline an IMMUTABLE function with a STABLE body, and a
-- call per row takes twice as long as the inlined expression.
CREATE FUNCTION item_of(body bytea, item_start int, item_length int, problem text)
RETURNS json STABLE PARALLEL SAFE
RETURN CASE
    WHEN problem = 'too_deep' THEN NULL
    WHEN problem = 'unsafe_text'
        THEN item_json(convert_from(substring(body, item_start + 1, item_length), 'UTF8'))::json
    ELSE convert_from(substring(body, item_start + 1, item_length), 'UTF8')::json
END;
COMMENT ON FUNCTION item_of IS 'Text of an item in the body of its delivery; null if nested too deep, and without the body.';

CREATE VIEW deliveries AS
SELECT d.id, d.received_at, d.app, nullif(coalesce(d.object, 'instagram'), '') AS object, d.body,
       (SELECT CASE
            WHEN d.signature IS NULL THEN h.headers
            ELSE rtrim(h.headers, '}') || CASE WHEN h.headers = '{}' THEN '' ELSE ',' END
                 || '"x-hub-signature-256":"sha256=' || encode(d.signature, 'hex') || '"}'
        END::json
        FROM header_sets AS h WHERE h.id = d.header_set) AS headers,
       d.remote_addr, d.secret, d.problem, d.first_position, d.event_count, d.source, d.erased_at
FROM stored_deliveries AS d;
COMMENT ON VIEW deliveries IS 'POST requests with a valid signature, made durable before the 200 answer.';

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
COMMENT ON VIEW events IS 'Occurrences: one row for each change or messaging item, regardless of the number of its deliveries.';

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
COMMENT ON VIEW repeats IS 'Repeated items of stored events: retries, one message through two products, the pair of an ad and its post.';

-- Comments of view columns: those of the table, except for computed columns.
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
            ('deliveries', 'headers', 'Request headers of an allow-list, with the signature. Null after erasure.'),
            ('deliveries', 'object', 'object of the notification: instagram, page, ...; null if absent from the body.'),
            ('events', 'object', 'deliveries.object.'),
            ('events', 'occurred_at_source', 'item: the item''s own time. sent: time of sending of the entry. none: no plausible time.'),
            ('events', 'field', 'Subscription field in Meta''s spelling for Instagram: comments, messages, messaging_seen, ...; inferred for messaging items, null if unknown.'),
            ('events', 'channel', 'changes, messaging, standby, or entry (flat form and changed_fields).'),
            ('events', 'sender_id', 'sender.id, or from.id of a comment.'),
            ('events', 'recipient_id', 'recipient.id.'),
            ('events', 'payload', 'JSON of the item, read from the body of its delivery. Null if nested too deep, and without the body.'),
            ('repeats', 'event_position', 'events.position of the event, current while its key is known: a purge can change the position.'),
            ('repeats', 'payload', 'JSON of the item, read from the body of the repeating delivery. Null if nested too deep, and without the body.')
        ) AS own (view, name, comment) ON own.view = pair.view::text AND own.name = v.attname
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', shown.view, shown.name, shown.comment);
    END LOOP;
END
$$;
