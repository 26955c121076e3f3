-- How events are read in SQL: one view for each kind, with that kind's own columns.
--
-- A payload is whatever Meta sent, so every question to it goes through a function that answers
-- null where the payload says something else: a view never ends in an error. The columns that
-- rows are found by are those of `events`, so that conditions on them reach its indexes and
-- partitions. OFFSET 0 keeps the part of a payload a value that is read once a row; without it
-- every column would search the payload from its beginning.

CREATE FUNCTION item_value(payload json, channel text) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN channel IN ('messaging', 'standby') THEN payload ELSE payload -> 'value' END;
COMMENT ON FUNCTION item_value IS 'What holds the keys of an item: a messaging item itself, the value of a change.';

CREATE FUNCTION item_object(object json, key text) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(object -> key) = 'object' THEN object -> key END;
COMMENT ON FUNCTION item_object IS 'The object under a key; null for anything else.';

CREATE FUNCTION item_part(object json, key text) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(object -> key) = 'object' THEN object -> key ELSE object END;
COMMENT ON FUNCTION item_part IS 'The object under a key, else the one around it: samples of Meta''s dashboard leave the inner object out.';

CREATE FUNCTION item_json(object json, key text) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(object -> key) <> 'null' THEN object -> key END;
COMMENT ON FUNCTION item_json IS 'Whatever stands under a key; JSON''s null is null.';

CREATE FUNCTION item_text(object json, key text) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(object -> key) = 'string' THEN object ->> key END;
COMMENT ON FUNCTION item_text IS 'The text under a key; null for anything else.';

CREATE FUNCTION item_id(object json, key text) RETURNS text IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN json_typeof(object -> key) IN ('string', 'number') THEN nullif(object ->> key, '') END;
COMMENT ON FUNCTION item_id IS 'The id under a key: a text that is not empty, or a number digit by digit; null for anything else.';

CREATE FUNCTION item_flag(object json, key text) RETURNS bool IMMUTABLE PARALLEL SAFE
RETURN coalesce(object ->> key IN ('true', '1'), false);
COMMENT ON FUNCTION item_flag IS 'True for true, 1 and texts of them under a key; false for anything else and for absence.';

CREATE FUNCTION item_int(object json, key text) RETURNS bigint IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(item_id(object, key), E' \t\r\n') ~ '^[+-]?[0-9]{1,30}$' THEN
        CASE
            WHEN item_id(object, key)::numeric BETWEEN -9223372036854775808 AND 9223372036854775807
            THEN item_id(object, key)::numeric::bigint
        END
END;
COMMENT ON FUNCTION item_int IS 'The whole number under a key, or a text of one; null for anything else and beyond 64 bits.';

CREATE FUNCTION item_number(object json, key text) RETURNS numeric IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN btrim(item_id(object, key), E' \t\r\n')
         ~ '^[+-]?[0-9]{1,30}([.][0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$'
    THEN btrim(item_id(object, key), E' \t\r\n')::numeric
END;
COMMENT ON FUNCTION item_number IS 'The number under a key, also with a fraction or an exponent, or a text of one; null for anything else.';

-- A unit begins where the larger one would be in the year 5138. The end is that of the year 9999.
CREATE FUNCTION item_time(object json, key text) RETURNS timestamptz IMMUTABLE PARALLEL SAFE
RETURN to_timestamp(trunc(CASE
    WHEN item_number(object, key) < 0 THEN NULL
    WHEN item_number(object, key) < 1e11 THEN item_number(object, key)
    WHEN item_number(object, key) < 1e14 THEN item_number(object, key) * 0.001
    WHEN item_number(object, key) < 1e17 THEN item_number(object, key) * 0.000001
    WHEN item_number(object, key) < 253402300800e9 THEN item_number(object, key) * 0.000000001
END, 3));
COMMENT ON FUNCTION item_time IS 'The moment under a key, in seconds, milliseconds, microseconds or nanoseconds since 1970, or a text of them, in whole milliseconds; null for anything else.';

CREATE FUNCTION item_types(object json, key text) RETURNS text[] IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT item_text(element, 'type')
    FROM json_array_elements(CASE WHEN json_typeof(object -> key) = 'array' THEN object -> key END)
         WITH ORDINALITY AS elements (element, place)
    WHERE json_typeof(element) = 'object'
    ORDER BY place
);
COMMENT ON FUNCTION item_types IS 'The type of each object of the list under a key, in order; empty where there is no list.';

CREATE FUNCTION item_referral(part json, value json) RETURNS json IMMUTABLE PARALLEL SAFE
RETURN coalesce(item_object(part, 'referral'), item_object(value, 'referral'));
COMMENT ON FUNCTION item_referral IS 'The referral inside a message or postback, or beside it.';

CREATE VIEW comments AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.comment_id, e.media_id, e.parent_id, e.sender_id, e.username, e.text, e.is_self,
       item_id(v.sender, 'self_ig_scoped_id') AS self_ig_scoped_id,
       item_text(v.media, 'media_product_type') AS media_product_type,
       item_id(v.media, 'ad_id') AS ad_id,
       item_text(v.media, 'ad_title') AS ad_title,
       item_id(v.media, 'original_media_id') AS original_media_id,
       coalesce(item_text(v.value, 'verb'), item_text(e.payload, 'verb')) AS verb,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value,
                           item_object(item_value(e.payload, e.channel), 'from') AS sender,
                           item_object(item_value(e.payload, e.channel), 'media') AS media
                    OFFSET 0) AS v
WHERE e.kind = 'comment';
COMMENT ON VIEW comments IS 'Comments on media of the account. Editing, hiding or deleting one sends nothing.';

CREATE VIEW live_comments AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.comment_id, e.media_id, e.parent_id, e.sender_id, e.username, e.text, e.is_self,
       item_id(v.sender, 'self_ig_scoped_id') AS self_ig_scoped_id,
       item_text(v.media, 'media_product_type') AS media_product_type,
       item_id(v.media, 'ad_id') AS ad_id,
       item_text(v.media, 'ad_title') AS ad_title,
       item_id(v.media, 'original_media_id') AS original_media_id,
       coalesce(item_text(v.value, 'verb'), item_text(e.payload, 'verb')) AS verb,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value,
                           item_object(item_value(e.payload, e.channel), 'from') AS sender,
                           item_object(item_value(e.payload, e.channel), 'media') AS media
                    OFFSET 0) AS v
WHERE e.kind = 'live_comment';
COMMENT ON VIEW live_comments IS 'Comments on live broadcasts of the account.';

CREATE VIEW mentions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.media_id, e.comment_id,
       e.payload
FROM events AS e
WHERE e.kind = 'mention';
COMMENT ON VIEW mentions IS 'Mentions of the account; without a comment_id the caption mentions it. The text does not come with them.';

CREATE VIEW story_insights AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.media_id,
       item_int(v.value, 'impressions') AS impressions,
       item_int(v.value, 'reach') AS reach,
       item_int(v.value, 'taps_forward') AS taps_forward,
       item_int(v.value, 'taps_back') AS taps_back,
       item_int(v.value, 'exits') AS exits,
       item_int(v.value, 'replies') AS replies,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
WHERE e.kind = 'story_insights';
COMMENT ON VIEW story_insights IS 'The numbers of stories that expired. Meta writes -1 for a count below 5.';

CREATE VIEW messages AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.parent_id, e.sender_id, e.recipient_id, e.username, e.text,
       e.is_echo, e.is_self,
       item_flag(m.part, 'is_unsupported') AS is_unsupported,
       item_json(m.part, 'attachments') AS attachments,
       item_types(m.part, 'attachments') AS attachment_types,
       item_text(item_object(m.part, 'quick_reply'), 'payload') AS quick_reply_payload,
       item_flag(m.reply_to, 'is_self_reply') AS is_self_reply,
       item_id(item_object(m.reply_to, 'story'), 'id') AS story_id,
       item_text(item_object(m.reply_to, 'story'), 'url') AS story_url,
       item_text(item_object(m.reply_to, 'story'), 'link_sticker_url') AS story_link_sticker_url,
       item_text(m.referral, 'ref') AS referral_ref,
       item_text(m.referral, 'source') AS referral_source,
       item_text(m.referral, 'type') AS referral_type,
       item_text(m.referral, 'referer_uri') AS referral_uri,
       item_id(item_object(m.referral, 'product'), 'id') AS referral_product_id,
       item_id(m.referral, 'ad_id') AS ad_id,
       item_text(m.ad, 'ad_title') AS ad_title,
       item_text(m.ad, 'photo_url') AS ad_photo_url,
       item_text(m.ad, 'video_url') AS ad_video_url,
       item_id(m.ad, 'post_id') AS ad_post_id,
       item_id(m.ad, 'product_id') AS ad_product_id,
       item_id(m.ad, 'flow_id') AS ad_flow_id,
       item_id(m.part, 'app_id') AS echo_app_id,
       item_text(m.part, 'metadata') AS metadata,
       item_id(m.part, 'sticker_id') AS sticker_id,
       item_text(v.value, 'folder') AS folder,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
CROSS JOIN LATERAL (SELECT item_part(v.value, 'message') AS part OFFSET 0) AS p
CROSS JOIN LATERAL (SELECT p.part,
                           item_object(p.part, 'reply_to') AS reply_to,
                           item_referral(p.part, v.value) AS referral,
                           item_object(item_referral(p.part, v.value), 'ads_context_data') AS ad
                    OFFSET 0) AS m
WHERE e.kind = 'message';
COMMENT ON VIEW messages IS 'Messages to the account, and with is_echo those that it sent.';

CREATE VIEW message_edits AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.text,
       item_int(m.part, 'num_edit') AS num_edit,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_part(item_value(e.payload, e.channel), 'message_edit') AS part
                    OFFSET 0) AS m
WHERE e.kind = 'message_edit';
COMMENT ON VIEW message_edits IS 'Other texts for messages. Meta often leaves out the text and the sender.';

CREATE VIEW message_deletions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.is_echo, e.is_self,
       e.payload
FROM events AS e
WHERE e.kind = 'message_deleted';
COMMENT ON VIEW message_deletions IS 'Messages that were unsent, with is_echo by the account itself: their content must go.';

CREATE VIEW reactions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       item_text(m.part, 'action') AS action,
       item_text(m.part, 'reaction') AS reaction,
       item_text(m.part, 'emoji') AS emoji,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_part(item_value(e.payload, e.channel), 'reaction') AS part
                    OFFSET 0) AS m
WHERE e.kind = 'reaction';
COMMENT ON VIEW reactions IS 'Reactions to messages, and their ends.';

CREATE VIEW postbacks AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.is_self,
       e.text AS title,
       item_text(m.part, 'payload') AS button_payload,
       item_text(m.referral, 'ref') AS referral_ref,
       item_text(m.referral, 'source') AS referral_source,
       item_text(m.referral, 'type') AS referral_type,
       item_text(m.referral, 'referer_uri') AS referral_uri,
       item_id(item_object(m.referral, 'product'), 'id') AS referral_product_id,
       item_id(m.referral, 'ad_id') AS ad_id,
       item_text(m.ad, 'ad_title') AS ad_title,
       item_text(m.ad, 'photo_url') AS ad_photo_url,
       item_text(m.ad, 'video_url') AS ad_video_url,
       item_id(m.ad, 'post_id') AS ad_post_id,
       item_id(m.ad, 'product_id') AS ad_product_id,
       item_id(m.ad, 'flow_id') AS ad_flow_id,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
CROSS JOIN LATERAL (SELECT item_part(v.value, 'postback') AS part OFFSET 0) AS p
CROSS JOIN LATERAL (SELECT p.part,
                           item_referral(p.part, v.value) AS referral,
                           item_object(item_referral(p.part, v.value), 'ads_context_data') AS ad
                    OFFSET 0) AS m
WHERE e.kind = 'postback';
COMMENT ON VIEW postbacks IS 'Taps on buttons, icebreakers and menu items.';

CREATE VIEW seen AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       item_time(m.part, 'watermark') AS watermark,
       item_int(m.part, 'seq') AS seq,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_part(item_value(e.payload, e.channel), 'read') AS part
                    OFFSET 0) AS m
WHERE e.kind = 'seen';
COMMENT ON VIEW seen IS 'Conversations were seen: up to a message (Instagram) or a moment (Messenger).';

CREATE VIEW referrals AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       item_text(m.part, 'ref') AS referral_ref,
       item_text(m.part, 'source') AS referral_source,
       item_text(m.part, 'type') AS referral_type,
       item_text(m.part, 'referer_uri') AS referral_uri,
       item_id(item_object(m.part, 'product'), 'id') AS referral_product_id,
       item_id(m.part, 'ad_id') AS ad_id,
       item_text(m.ad, 'ad_title') AS ad_title,
       item_text(m.ad, 'photo_url') AS ad_photo_url,
       item_text(m.ad, 'video_url') AS ad_video_url,
       item_id(m.ad, 'post_id') AS ad_post_id,
       item_id(m.ad, 'product_id') AS ad_product_id,
       item_id(m.ad, 'flow_id') AS ad_flow_id,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_part(item_value(e.payload, e.channel), 'referral') AS part
                    OFFSET 0) AS p
CROSS JOIN LATERAL (SELECT p.part, item_object(p.part, 'ads_context_data') AS ad OFFSET 0) AS m
WHERE e.kind = 'referral';
COMMENT ON VIEW referrals IS 'People who came into a running conversation through a link, an ad or a story. Where a referral opens the conversation, it stands in messages or postbacks.';

CREATE VIEW optins AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       item_text(m.part, 'type') AS optin_type,
       item_text(m.part, 'payload') AS optin_payload,
       item_text(m.part, 'title') AS title,
       item_id(m.part, 'notification_messages_token') AS token,
       item_text(m.part, 'notification_messages_frequency') AS frequency,
       item_text(m.part, 'notification_messages_timezone') AS timezone,
       item_time(m.part, 'token_expiry_timestamp') AS token_expires_at,
       item_text(m.part, 'user_token_status') AS token_status,
       item_text(m.part, 'notification_messages_status') AS status,
       item_text(m.part, 'ref') AS ref,
       item_id(m.part, 'user_ref') AS user_ref,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_part(item_value(e.payload, e.channel), 'optin') AS part
                    OFFSET 0) AS m
WHERE e.kind = 'optin';
COMMENT ON VIEW optins IS 'Opt-ins to notification messages, and their ends.';

-- The keys are mutually exclusive; the first one counts, as when the item was typed.
CREATE VIEW handovers AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       s.step,
       item_id(m.part, 'previous_owner_app_id') AS previous_owner_app_id,
       item_id(m.part, 'new_owner_app_id') AS new_owner_app_id,
       item_id(m.part, 'requested_owner_app_id') AS requested_owner_app_id,
       item_id(m.part, 'caller_app_id') AS caller_app_id,
       item_text(m.part, 'metadata') AS metadata,
       CASE WHEN s.step = 'app_roles' THEN m.part END AS app_roles,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
CROSS JOIN LATERAL (SELECT CASE
                        WHEN v.value ->> 'pass_thread_control' IS NOT NULL THEN 'pass_thread_control'
                        WHEN v.value ->> 'take_thread_control' IS NOT NULL THEN 'take_thread_control'
                        WHEN v.value ->> 'request_thread_control' IS NOT NULL THEN 'request_thread_control'
                        WHEN v.value ->> 'pass_thread_metadata' IS NOT NULL THEN 'pass_thread_metadata'
                        WHEN v.value ->> 'app_roles' IS NOT NULL THEN 'app_roles'
                    END AS step OFFSET 0) AS s
CROSS JOIN LATERAL (SELECT CASE WHEN s.step IS NULL THEN v.value
                                ELSE item_part(v.value, s.step) END AS part OFFSET 0) AS m
WHERE e.kind = 'handover';
COMMENT ON VIEW handovers IS 'Steps of the handover protocol: the control of a conversation moved between apps.';

CREATE VIEW policy_enforcements AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.recipient_id,
       item_text(m.part, 'action') AS action,
       item_text(m.part, 'reason') AS reason,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
CROSS JOIN LATERAL (SELECT item_part(item_part(v.value, 'policy-enforcement'),
                                     'policy_enforcement') AS part OFFSET 0) AS m
WHERE e.kind = 'policy_enforcement';
COMMENT ON VIEW policy_enforcements IS 'Meta warned, blocked or unblocked the account.';

CREATE VIEW response_feedback AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       item_text(m.part, 'feedback') AS feedback,
       e.payload
FROM events AS e
CROSS JOIN LATERAL (SELECT item_value(e.payload, e.channel) AS value OFFSET 0) AS v
CROSS JOIN LATERAL (SELECT item_part(item_part(v.value, 'response_feedback'),
                                     'feedback') AS part OFFSET 0) AS m
WHERE e.kind = 'response_feedback';
COMMENT ON VIEW response_feedback IS 'Ratings of answers.';

CREATE VIEW unknown_events AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.object, e.field, e.sender_id, e.recipient_id,
       e.payload
FROM events AS e
WHERE e.kind = 'unknown';
COMMENT ON VIEW unknown_events IS 'What has no type here yet: new fields and keys, names in changed_fields, items nested too deep.';

-- A column that is one of events says what it says there; the others mean the same in every view.
DO $$
DECLARE
    views regclass[] := ARRAY[
        'comments', 'live_comments', 'mentions', 'story_insights', 'messages', 'message_edits',
        'message_deletions', 'reactions', 'postbacks', 'seen', 'referrals', 'optins', 'handovers',
        'policy_enforcements', 'response_feedback', 'unknown_events'];
    owned record;
BEGIN
    FOR owned IN
        SELECT c.attrelid::regclass AS view, c.attname AS name,
               coalesce(col_description(b.attrelid, b.attnum), own.comment) AS comment
        FROM pg_attribute AS c
        LEFT JOIN pg_attribute AS b ON b.attrelid = 'events'::regclass AND b.attname = c.attname
        LEFT JOIN (VALUES
            ('action', 'react or unreact of a reaction; warning, block or unblock of a policy enforcement.'),
            ('ad_flow_id', 'The flow behind the ad.'),
            ('ad_id', 'The ad through which it came.'),
            ('ad_photo_url', 'The picture of the ad.'),
            ('ad_post_id', 'The post behind the ad.'),
            ('ad_product_id', 'The product behind the ad.'),
            ('ad_title', 'The title of the ad.'),
            ('ad_video_url', 'The video of the ad.'),
            ('app_roles', 'The roles of the apps, where they changed.'),
            ('attachment_types', 'The type of each attachment: image, video, ig_reel, story_mention, ...; new ones appear every few months.'),
            ('attachments', 'Media, shares, stories and templates as Meta sent them. Their addresses end some time later.'),
            ('button_payload', 'What the developer put behind the button. Missing in standby.'),
            ('caller_app_id', 'The app that passed metadata.'),
            ('echo_app_id', 'The app that sent the echo.'),
            ('emoji', 'The emoji, with or without a variation selector.'),
            ('exits', 'How often somebody left the story.'),
            ('feedback', 'The rating, in Meta''s words.'),
            ('folder', 'The folder of the inbox it is in.'),
            ('frequency', 'How often notifications may come.'),
            ('impressions', 'How often the story was shown.'),
            ('is_self_reply', 'Whether the sender answers a message of their own.'),
            ('is_unsupported', 'Whether Meta cannot show it to apps.'),
            ('media_product_type', 'Where the media is shown: FEED, REELS, STORY, AD, LIVE, ...'),
            ('metadata', 'What the other app wrote beside it.'),
            ('new_owner_app_id', 'The app that has the control now.'),
            ('num_edit', 'How often the message was edited; 0 in nearly all that Meta sends.'),
            ('optin_payload', 'What the developer put behind the button.'),
            ('optin_type', 'notification_messages; null in the older form.'),
            ('original_media_id', 'The post that was boosted.'),
            ('previous_owner_app_id', 'The app that had the control; null where none had.'),
            ('quick_reply_payload', 'The payload of the quick reply that was tapped; text is its title.'),
            ('reach', 'To how many accounts the story was shown.'),
            ('reaction', 'angry, sad, wow, love, like, laugh or other; null where the reaction ends.'),
            ('reason', 'Why, in Meta''s words.'),
            ('ref', 'The reference of the older form.'),
            ('referral_product_id', 'The product of a shop through which the person came.'),
            ('referral_ref', 'What the link or ad carries.'),
            ('referral_source', 'What led the person here: IGME-SOURCE-LINK, SHORTLINK, ADS, IG_STORY, ...'),
            ('referral_type', 'OPEN_THREAD.'),
            ('referral_uri', 'The page with the link.'),
            ('replies', 'How many answered the story.'),
            ('requested_owner_app_id', 'The app that asks for the control.'),
            ('self_ig_scoped_id', 'The account''s own IGSID.'),
            ('seq', 'A sequence number of Messenger.'),
            ('status', 'STOP NOTIFICATIONS or RESUME NOTIFICATIONS.'),
            ('step', 'pass_thread_control, take_thread_control, request_thread_control, pass_thread_metadata or app_roles; null where the item does not say.'),
            ('sticker_id', 'A sticker of Messenger.'),
            ('story_id', 'The story that it answers.'),
            ('story_link_sticker_url', 'Where the link sticker of the story leads.'),
            ('story_url', 'The address of the story, which ends with it. The media may not be kept.'),
            ('taps_back', 'Taps back to the story before.'),
            ('taps_forward', 'Taps to the next story.'),
            ('timezone', 'The time zone of the person.'),
            ('title', 'The words on the button, or the title of the topic.'),
            ('token', 'The token with which notifications are sent.'),
            ('token_expires_at', 'When the token ends.'),
            ('token_status', 'Whether the token was renewed.'),
            ('user_ref', 'The person of a checkbox, before they have an IGSID.'),
            ('verb', 'add, edited or remove; null means add. Undocumented for Instagram, seen in deliveries of others.'),
            ('watermark', 'Everything before this moment was seen.')
        ) AS own (name, comment) ON own.name = c.attname
        WHERE c.attrelid = ANY (views) AND c.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', owned.view, owned.name, owned.comment);
    END LOOP;
END
$$;
