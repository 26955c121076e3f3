-- How events are read in SQL: one view for each kind, with that kind's own columns.
--
-- The own fields were typed when the event was stored: `data` has them under Meta's names. The
-- columns that rows are found by are those of the table, so that conditions on them reach its
-- indexes and partitions.

CREATE FUNCTION item_types(attachments jsonb) RETURNS text[] IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT CASE WHEN jsonb_typeof(element -> 'type') = 'string' THEN element ->> 'type' END
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(attachments) = 'array' THEN attachments END)
         WITH ORDINALITY AS elements (element, place)
    WHERE jsonb_typeof(element) = 'object'
    ORDER BY place
);
COMMENT ON FUNCTION item_types IS 'The type of each attachment, in order; empty if there is none.';

CREATE VIEW comments AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.comment_id, e.media_id, e.parent_id, e.sender_id, e.username, e.text, e.is_self,
       e.data ->> 'self_ig_scoped_id' AS self_ig_scoped_id,
       e.data ->> 'media_product_type' AS media_product_type,
       e.data ->> 'ad_id' AS ad_id,
       e.data ->> 'ad_title' AS ad_title,
       e.data ->> 'original_media_id' AS original_media_id,
       e.data ->> 'verb' AS verb,
       e.payload, e.dedupe_key
FROM events AS e
WHERE e.kind = 'comment';
COMMENT ON VIEW comments IS 'Comments on media of the account, with is_self its own. Editing, hiding or deleting one sends nothing.';

CREATE VIEW live_comments AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.comment_id, e.media_id, e.parent_id, e.sender_id, e.username, e.text, e.is_self,
       e.data ->> 'self_ig_scoped_id' AS self_ig_scoped_id,
       e.data ->> 'media_product_type' AS media_product_type,
       e.data ->> 'ad_id' AS ad_id,
       e.data ->> 'ad_title' AS ad_title,
       e.data ->> 'original_media_id' AS original_media_id,
       e.data ->> 'verb' AS verb,
       e.payload
FROM events AS e
WHERE e.kind = 'live_comment';
COMMENT ON VIEW live_comments IS 'Comments on live broadcasts of the account.';

CREATE VIEW mentions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.media_id, e.comment_id, e.payload, e.text
FROM events AS e
WHERE e.kind = 'mention';
COMMENT ON VIEW mentions IS 'Mentions of the account; without a comment_id the caption mentions it. The text does not come with them.';

CREATE VIEW story_insights AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.media_id,
       (e.data -> 'impressions')::bigint AS impressions,
       (e.data -> 'reach')::bigint AS reach,
       (e.data -> 'taps_forward')::bigint AS taps_forward,
       (e.data -> 'taps_back')::bigint AS taps_back,
       (e.data -> 'exits')::bigint AS exits,
       (e.data -> 'replies')::bigint AS replies,
       e.payload
FROM events AS e
WHERE e.kind = 'story_insights';
COMMENT ON VIEW story_insights IS 'The numbers of stories that expired. Meta writes -1 for a count below 5.';

CREATE VIEW messages AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.parent_id, e.sender_id, e.recipient_id, e.username, e.text,
       e.is_echo, e.is_self,
       coalesce((e.data -> 'is_unsupported')::bool, false) AS is_unsupported,
       e.data -> 'attachments' AS attachments,
       item_types(e.data -> 'attachments') AS attachment_types,
       e.data -> 'quick_reply' ->> 'payload' AS quick_reply_payload,
       coalesce((e.data -> 'reply_to' -> 'is_self_reply')::bool, false) AS is_self_reply,
       e.data #>> '{reply_to,story,id}' AS story_id,
       e.data #>> '{reply_to,story,url}' AS story_url,
       e.data #>> '{reply_to,story,link_sticker_url}' AS story_link_sticker_url,
       e.data -> 'referral' ->> 'ref' AS referral_ref,
       e.data -> 'referral' ->> 'source' AS referral_source,
       e.data -> 'referral' ->> 'type' AS referral_type,
       e.data -> 'referral' ->> 'referer_uri' AS referral_uri,
       e.data -> 'referral' -> 'product' ->> 'id' AS referral_product_id,
       e.data -> 'referral' ->> 'ad_id' AS ad_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'ad_title' AS ad_title,
       e.data -> 'referral' -> 'ads_context_data' ->> 'photo_url' AS ad_photo_url,
       e.data -> 'referral' -> 'ads_context_data' ->> 'video_url' AS ad_video_url,
       e.data -> 'referral' -> 'ads_context_data' ->> 'post_id' AS ad_post_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'product_id' AS ad_product_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'flow_id' AS ad_flow_id,
       e.data ->> 'app_id' AS echo_app_id,
       e.data ->> 'metadata' AS metadata,
       e.data ->> 'sticker_id' AS sticker_id,
       e.data ->> 'folder' AS folder,
       e.payload
FROM events AS e
WHERE e.kind = 'message';
COMMENT ON VIEW messages IS 'Messages to the account, and with is_echo those that it sent.';

CREATE VIEW message_edits AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.text,
       (e.data -> 'num_edit')::bigint AS num_edit,
       e.payload
FROM events AS e
WHERE e.kind = 'message_edit';
COMMENT ON VIEW message_edits IS 'Other texts for messages. Meta often leaves out the text and the sender.';

CREATE VIEW message_deletions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.is_echo, e.is_self, e.payload
FROM events AS e
WHERE e.kind = 'message_deleted';
COMMENT ON VIEW message_deletions IS 'Messages that were unsent, with is_echo by the account itself: their content must go.';

CREATE VIEW reactions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       e.data ->> 'action' AS action,
       e.data ->> 'reaction' AS reaction,
       e.data ->> 'emoji' AS emoji,
       e.payload
FROM events AS e
WHERE e.kind = 'reaction';
COMMENT ON VIEW reactions IS 'Reactions to messages, and their ends.';

CREATE VIEW postbacks AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.is_self, e.text AS title,
       e.data ->> 'payload' AS button_payload,
       e.data -> 'referral' ->> 'ref' AS referral_ref,
       e.data -> 'referral' ->> 'source' AS referral_source,
       e.data -> 'referral' ->> 'type' AS referral_type,
       e.data -> 'referral' ->> 'referer_uri' AS referral_uri,
       e.data -> 'referral' -> 'product' ->> 'id' AS referral_product_id,
       e.data -> 'referral' ->> 'ad_id' AS ad_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'ad_title' AS ad_title,
       e.data -> 'referral' -> 'ads_context_data' ->> 'photo_url' AS ad_photo_url,
       e.data -> 'referral' -> 'ads_context_data' ->> 'video_url' AS ad_video_url,
       e.data -> 'referral' -> 'ads_context_data' ->> 'post_id' AS ad_post_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'product_id' AS ad_product_id,
       e.data -> 'referral' -> 'ads_context_data' ->> 'flow_id' AS ad_flow_id,
       e.payload
FROM events AS e
WHERE e.kind = 'postback';
COMMENT ON VIEW postbacks IS 'Taps on buttons, icebreakers and menu items.';

CREATE VIEW seen AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       to_timestamp((e.data -> 'watermark')::numeric / 1000) AS watermark,
       (e.data -> 'seq')::bigint AS seq,
       e.payload
FROM events AS e
WHERE e.kind = 'seen';
COMMENT ON VIEW seen IS 'Conversations were seen: up to a message (Instagram) or a moment (Messenger).';

CREATE VIEW referrals AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       e.data ->> 'ref' AS referral_ref,
       e.data ->> 'source' AS referral_source,
       e.data ->> 'type' AS referral_type,
       e.data ->> 'referer_uri' AS referral_uri,
       e.data -> 'product' ->> 'id' AS referral_product_id,
       e.data ->> 'ad_id' AS ad_id,
       e.data -> 'ads_context_data' ->> 'ad_title' AS ad_title,
       e.data -> 'ads_context_data' ->> 'photo_url' AS ad_photo_url,
       e.data -> 'ads_context_data' ->> 'video_url' AS ad_video_url,
       e.data -> 'ads_context_data' ->> 'post_id' AS ad_post_id,
       e.data -> 'ads_context_data' ->> 'product_id' AS ad_product_id,
       e.data -> 'ads_context_data' ->> 'flow_id' AS ad_flow_id,
       e.payload
FROM events AS e
WHERE e.kind = 'referral';
COMMENT ON VIEW referrals IS 'People who came into a running conversation through a link, an ad or a story. Where a referral opens the conversation, it stands in messages or postbacks.';

CREATE VIEW optins AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       e.data ->> 'type' AS optin_type,
       e.data ->> 'payload' AS optin_payload,
       e.data ->> 'title' AS title,
       e.data ->> 'notification_messages_token' AS token,
       e.data ->> 'notification_messages_frequency' AS frequency,
       e.data ->> 'notification_messages_timezone' AS timezone,
       to_timestamp((e.data -> 'token_expiry_timestamp')::numeric / 1000) AS token_expires_at,
       e.data ->> 'user_token_status' AS token_status,
       e.data ->> 'notification_messages_status' AS status,
       e.data ->> 'ref' AS ref,
       e.data ->> 'user_ref' AS user_ref,
       e.payload
FROM events AS e
WHERE e.kind = 'optin';
COMMENT ON VIEW optins IS 'Opt-ins to notification messages, and their ends.';

CREATE VIEW handovers AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.sender_id, e.recipient_id,
       e.data ->> 'step' AS step,
       e.data ->> 'previous_owner_app_id' AS previous_owner_app_id,
       e.data ->> 'new_owner_app_id' AS new_owner_app_id,
       e.data ->> 'requested_owner_app_id' AS requested_owner_app_id,
       e.data ->> 'caller_app_id' AS caller_app_id,
       e.data ->> 'metadata' AS metadata,
       e.data -> 'app_roles' AS app_roles,
       e.payload
FROM events AS e
WHERE e.kind = 'handover';
COMMENT ON VIEW handovers IS 'Steps of the handover protocol: the control of a conversation moved between apps.';

CREATE VIEW policy_enforcements AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.recipient_id,
       e.data ->> 'action' AS action,
       e.data ->> 'reason' AS reason,
       e.payload
FROM events AS e
WHERE e.kind = 'policy_enforcement';
COMMENT ON VIEW policy_enforcements IS 'Meta warned, blocked or unblocked the account.';

CREATE VIEW response_feedback AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id,
       e.data ->> 'feedback' AS feedback,
       e.payload
FROM events AS e
WHERE e.kind = 'response_feedback';
COMMENT ON VIEW response_feedback IS 'Ratings of answers.';

CREATE VIEW unknown_events AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.object, e.field, e.sender_id, e.recipient_id, e.payload
FROM events AS e
WHERE e.kind = 'unknown';
COMMENT ON VIEW unknown_events IS 'What has no type here yet: new fields and keys, names in changed_fields, items nested too deep.';

CREATE FUNCTION describe_views(views regclass[], own text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    shown record;
BEGIN
    FOR shown IN
        SELECT c.attrelid::regclass AS view, c.attname AS name,
               coalesce(col_description(b.attrelid, b.attnum), own[i][2]) AS comment
        FROM pg_attribute AS c
        LEFT JOIN pg_attribute AS b ON b.attrelid = 'events'::regclass AND b.attname = c.attname
        LEFT JOIN generate_subscripts(own, 1) AS i ON own[i][1] = c.attname
        WHERE c.attrelid = ANY (views) AND c.attnum > 0
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', shown.view, shown.name, shown.comment);
    END LOOP;
END
$$;
COMMENT ON FUNCTION describe_views IS 'Describes the columns of views of kinds: as events does, else in these pairs of name and comment. For migrations.';

-- The own columns mean the same in every view.
SELECT describe_views(ARRAY[
    'comments', 'live_comments', 'mentions', 'story_insights', 'messages', 'message_edits',
    'message_deletions', 'reactions', 'postbacks', 'seen', 'referrals', 'optins', 'handovers',
    'policy_enforcements', 'response_feedback', 'unknown_events'
]::regclass[], ARRAY[
    ['action', 'react or unreact of a reaction; warning, block or unblock of a policy enforcement.'],
    ['ad_flow_id', 'The flow behind the ad.'],
    ['ad_id', 'The ad through which it came.'],
    ['ad_photo_url', 'The picture of the ad.'],
    ['ad_post_id', 'The post behind the ad.'],
    ['ad_product_id', 'The product behind the ad.'],
    ['ad_title', 'The title of the ad.'],
    ['ad_video_url', 'The video of the ad.'],
    ['app_roles', 'The roles of the apps, where they changed.'],
    ['attachment_types', 'The type of each attachment: image, video, ig_reel, story_mention, ...; new ones appear every few months.'],
    ['attachments', 'Media, shares, stories and templates as Meta sent them. Their addresses end some time later.'],
    ['button_payload', 'What the developer put behind the button. Missing in standby.'],
    ['caller_app_id', 'The app that passed metadata.'],
    ['echo_app_id', 'The app that sent the echo.'],
    ['emoji', 'The emoji, with or without a variation selector.'],
    ['exits', 'How often somebody left the story.'],
    ['feedback', 'The rating, in Meta''s words.'],
    ['folder', 'The folder of the inbox it is in.'],
    ['frequency', 'How often notifications may come.'],
    ['impressions', 'How often the story was shown.'],
    ['is_self_reply', 'Whether the sender answers a message of their own.'],
    ['is_unsupported', 'Whether Meta cannot show it to apps.'],
    ['media_product_type', 'Where the media is shown: FEED, REELS, STORY, AD, LIVE, ...'],
    ['metadata', 'What the other app wrote beside it.'],
    ['new_owner_app_id', 'The app that has the control now.'],
    ['num_edit', 'How often the message was edited; 0 in nearly all that Meta sends.'],
    ['optin_payload', 'What the developer put behind the button.'],
    ['optin_type', 'notification_messages; null in the older form.'],
    ['original_media_id', 'The post that was boosted.'],
    ['previous_owner_app_id', 'The app that had the control; null where none had.'],
    ['quick_reply_payload', 'The payload of the quick reply that was tapped; text is its title.'],
    ['reach', 'To how many accounts the story was shown.'],
    ['reaction', 'angry, sad, wow, love, like, laugh or other; null where the reaction ends.'],
    ['reason', 'Why, in Meta''s words.'],
    ['ref', 'The reference of the older form.'],
    ['referral_product_id', 'The product of a shop through which the person came.'],
    ['referral_ref', 'What the link or ad carries.'],
    ['referral_source', 'What led the person here: IGME-SOURCE-LINK, SHORTLINK, ADS, IG_STORY, ...'],
    ['referral_type', 'OPEN_THREAD.'],
    ['referral_uri', 'The page with the link.'],
    ['replies', 'How many answered the story.'],
    ['requested_owner_app_id', 'The app that asks for the control.'],
    ['self_ig_scoped_id', 'The account''s own IGSID.'],
    ['seq', 'A sequence number of Messenger.'],
    ['status', 'STOP NOTIFICATIONS or RESUME NOTIFICATIONS.'],
    ['step', 'pass_thread_control, take_thread_control, request_thread_control, pass_thread_metadata or app_roles; null where the item does not say.'],
    ['sticker_id', 'A sticker of Messenger.'],
    ['story_id', 'The story that it answers.'],
    ['story_link_sticker_url', 'Where the link sticker of the story leads.'],
    ['story_url', 'The address of the story, which ends with it. The media may not be kept.'],
    ['taps_back', 'Taps back to the story before.'],
    ['taps_forward', 'Taps to the next story.'],
    ['timezone', 'The time zone of the person.'],
    ['title', 'The words on the button, or the title of the topic.'],
    ['token', 'The token with which notifications are sent.'],
    ['token_expires_at', 'When the token ends.'],
    ['token_status', 'Whether the token was renewed.'],
    ['user_ref', 'The person of a checkbox, before they have an IGSID.'],
    ['verb', 'add, edited or remove; null means add. Undocumented for Instagram, seen in deliveries of others.'],
    ['watermark', 'Everything before this moment was seen.']
]);

COMMENT ON COLUMN comments.dedupe_key IS 'The same for every delivery of the same comment: repeats.dedupe_key of those that came again.';
COMMENT ON COLUMN mentions.text IS 'The text that mentions the account. Meta does not send it: null until it is fetched.';
