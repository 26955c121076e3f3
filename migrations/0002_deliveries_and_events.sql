-- What arrived: deliveries byte for byte, the events in them, and the items that came again.
-- Partitions of a day each (UTC) are made ahead; there is no default one, so that retention can
-- detach a day without blocking anybody.

CREATE TABLE deliveries (
    id          uuid NOT NULL,
    received_at timestamptz NOT NULL,
    app         text NOT NULL,
    object      text,
    body        bytea,
    headers     json,
    remote_addr inet,
    secret      text NOT NULL,
    problem     text,
    event_count int NOT NULL,
    source      text NOT NULL,
    erased_at   timestamptz,
    PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE deliveries IS 'Every POST with a right signature, kept before it was answered with 200.';
COMMENT ON COLUMN deliveries.id IS 'UUID v7, minted when the delivery was accepted; in the order of arrival.';
COMMENT ON COLUMN deliveries.received_at IS 'When it was accepted.';
COMMENT ON COLUMN deliveries.app IS 'The configured app whose callback URL and secret it used.';
COMMENT ON COLUMN deliveries.object IS 'object of the notification: instagram, page, ...; null where the body does not say.';
COMMENT ON COLUMN deliveries.body IS 'The bytes exactly as received: the signature in headers verifies over them. Null once erased.';
COMMENT ON COLUMN deliveries.headers IS 'The request headers of an allow-list, with the signature. Null once erased.';
COMMENT ON COLUMN deliveries.remote_addr IS 'The address it came from, behind trusted proxies.';
COMMENT ON COLUMN deliveries.secret IS 'The name of the secret that matched: app, instagram, previous-1, ...';
COMMENT ON COLUMN deliveries.problem IS 'The first thing that could not be read as it came: empty, not_utf8, not_json, unknown_shape, too_many_items, too_deep, unsafe_text, id_too_long, refused. Null where there is none.';
COMMENT ON COLUMN deliveries.event_count IS 'The number of its items, repeats included.';
COMMENT ON COLUMN deliveries.source IS 'live: Meta. test: the dashboard''s Test button. simulated, replayed, backfill: the verbs of that name.';
COMMENT ON COLUMN deliveries.erased_at IS 'When its content was erased; null where it was not.';

CREATE TABLE events (
    position           bigint NOT NULL DEFAULT nextval('event_position'),
    delivery_id        uuid NOT NULL,
    received_at        timestamptz NOT NULL,
    occurred_at        timestamptz,
    occurred_at_source text NOT NULL,
    app                text NOT NULL,
    object             text,
    field              text,
    kind               text NOT NULL,
    channel            text NOT NULL,
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
    is_echo            bool NOT NULL,
    is_self            bool NOT NULL,
    payload            json,
    problem            text,
    source             text NOT NULL,
    dedupe_key         uuid NOT NULL,
    erased_at          timestamptz,
    PRIMARY KEY (position, received_at)
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE events IS 'One row for each thing that happened: one change or messaging item, stored once however often it came. Rows change by erasure only.';
COMMENT ON COLUMN events.position IS 'The event''s id and its place in the log that followers read; in the order of commits.';
COMMENT ON COLUMN events.delivery_id IS 'deliveries.id of the delivery that brought it first.';
COMMENT ON COLUMN events.received_at IS 'deliveries.received_at of that delivery.';
COMMENT ON COLUMN events.occurred_at IS 'When it happened, as far as Meta says; null outside 2010 to one day after received_at.';
COMMENT ON COLUMN events.occurred_at_source IS 'item: the item''s own time. sent: the time at which Meta sent the entry. none: no believable time.';
COMMENT ON COLUMN events.app IS 'deliveries.app.';
COMMENT ON COLUMN events.object IS 'deliveries.object.';
COMMENT ON COLUMN events.field IS 'The subscription field in Meta''s spelling for Instagram: comments, messages, messaging_seen, ...; inferred for messaging items, null where nothing says.';
COMMENT ON COLUMN events.kind IS 'comment, live_comment, mention, story_insights, message, message_edit, message_deleted, reaction, postback, seen, referral, optin, handover, policy_enforcement, response_feedback or unknown.';
COMMENT ON COLUMN events.channel IS 'changes, messaging, standby, or entry: the flat form and changed_fields.';
COMMENT ON COLUMN events.account_id IS 'entry.id: the Instagram professional account; 0 from the Test button.';
COMMENT ON COLUMN events.person_id IS 'The IGSID of the other party: recipient of an echo, commenter, else sender.';
COMMENT ON COLUMN events.sender_id IS 'sender.id, or from.id of a comment.';
COMMENT ON COLUMN events.recipient_id IS 'recipient.id.';
COMMENT ON COLUMN events.username IS 'The user name of the other party, where the item carries it.';
COMMENT ON COLUMN events.message_id IS 'The mid of the message that it is or concerns.';
COMMENT ON COLUMN events.comment_id IS 'The comment that it is or concerns.';
COMMENT ON COLUMN events.media_id IS 'The media or story that it concerns.';
COMMENT ON COLUMN events.parent_id IS 'The comment or message that it answers.';
COMMENT ON COLUMN events.text IS 'What somebody wrote; of a postback the words on the button. Null once erased.';
COMMENT ON COLUMN events.is_echo IS 'A message that the account itself sent.';
COMMENT ON COLUMN events.is_self IS 'The account talks to or comments on itself.';
COMMENT ON COLUMN events.payload IS 'The item''s own text, what is not modelled included. Null where nested too deep, or once erased.';
COMMENT ON COLUMN events.problem IS 'unsafe_text: U+0000 or an unpaired surrogate became U+FFFD. id_too_long: an id over 512 bytes is null. too_deep: nested deeper than 64 levels. Null where there is none.';
COMMENT ON COLUMN events.source IS 'deliveries.source.';
COMMENT ON COLUMN events.dedupe_key IS 'The same for every delivery of the same happening. Stays after erasure, so that a late repeat brings nothing back.';
COMMENT ON COLUMN events.erased_at IS 'When its content was erased; null where it was not.';

-- What happened on an account, in order.
CREATE INDEX events_account ON events (account_id, position);
-- All that concerns a person: conversations, erasure.
CREATE INDEX events_person ON events (person_id, position) WHERE person_id IS NOT NULL;
-- Everything about one message. A hash: a mid has 164 characters, and a B-tree over it would cost
-- three times the time and twice the WAL.
CREATE INDEX events_message ON events USING hash (message_id) WHERE message_id IS NOT NULL;
-- Everything about one comment.
CREATE INDEX events_comment ON events USING hash (comment_id) WHERE comment_id IS NOT NULL;
-- The comments of a media, in order.
CREATE INDEX events_media ON events (media_id, position) WHERE media_id IS NOT NULL;

CREATE TABLE repeats (
    received_at timestamptz NOT NULL,
    delivery_id uuid NOT NULL,
    dedupe_key  uuid NOT NULL,
    payload     json
) PARTITION BY RANGE (received_at);
COMMENT ON TABLE repeats IS 'Items whose event was stored already: retries, the same message through two products, the pair of an ad and its post.';
COMMENT ON COLUMN repeats.received_at IS 'deliveries.received_at of the delivery that brought it again.';
COMMENT ON COLUMN repeats.delivery_id IS 'deliveries.id of that delivery.';
COMMENT ON COLUMN repeats.dedupe_key IS 'events.dedupe_key of the event.';
COMMENT ON COLUMN repeats.payload IS 'The item''s own text where it differs from the event''s; null where it is the same, the event was erased, or is too old to be compared.';

CREATE TABLE late_days (
    day           date PRIMARY KEY,
    last_position bigint NOT NULL
);
COMMENT ON TABLE late_days IS 'Days that got events more than an hour after they had been received, so that followers look there again.';
COMMENT ON COLUMN late_days.day IS 'The day (UTC) of received_at.';
COMMENT ON COLUMN late_days.last_position IS 'The last position written late into that day.';
