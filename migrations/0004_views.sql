-- Views for SQL readers: one view for each kind, with the kind's own columns.
--
-- The commit stores the kind's own fields, typed, in `data` under Meta's names. Lookup columns are
-- plain columns of the table, so that conditions on them use its indexes and partitions.

CREATE FUNCTION item_types(attachments jsonb) RETURNS text[] IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT CASE WHEN jsonb_typeof(element -> 'type') = 'string' THEN element ->> 'type' END
    FROM jsonb_array_elements(CASE WHEN jsonb_typeof(attachments) = 'array' THEN attachments END)
         WITH ORDINALITY AS elements (element, place)
    WHERE jsonb_typeof(element) = 'object'
    ORDER BY place
);
COMMENT ON FUNCTION item_types IS 'Type of each attachment, in order; empty if none.';

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
COMMENT ON VIEW comments IS 'Comments on media of the account, and with is_self comments from the account. Meta sends nothing when a comment is edited, hidden or deleted.';

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
COMMENT ON VIEW mentions IS 'Mentions of the account in comments; without a comment_id, in the caption. Meta sends no text.';

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
COMMENT ON VIEW story_insights IS 'Final numbers of expired stories. Meta sends -1 for a count below 5.';

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
COMMENT ON VIEW messages IS 'Messages to the account, and with is_echo messages from the account.';

CREATE VIEW message_edits AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.text,
       (e.data -> 'num_edit')::bigint AS num_edit,
       e.payload
FROM events AS e
WHERE e.kind = 'message_edit';
COMMENT ON VIEW message_edits IS 'Edits of messages. Meta often omits the text and the sender.';

CREATE VIEW message_deletions AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.message_id, e.sender_id, e.recipient_id, e.is_echo, e.is_self, e.payload
FROM events AS e
WHERE e.kind = 'message_deleted';
COMMENT ON VIEW message_deletions IS 'Unsent messages; with is_echo, messages of the account itself. Their content must be deleted.';

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
COMMENT ON VIEW reactions IS 'Reactions to messages, and their removal.';

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
COMMENT ON VIEW seen IS 'Read receipts: up to a message (Instagram) or a time (Messenger).';

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
COMMENT ON VIEW referrals IS 'Arrivals in an existing conversation through a link, an ad or a story. The referral of a new conversation is in messages or postbacks.';

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
COMMENT ON VIEW optins IS 'Opt-ins to notification messages, and their end.';

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
COMMENT ON VIEW handovers IS 'Handover protocol: transfers of control over a conversation between apps.';

CREATE VIEW policy_enforcements AS
SELECT e.position, e.delivery_id, e.received_at, e.occurred_at, e.app, e.account_id, e.person_id,
       e.channel, e.source, e.problem, e.erased_at,
       e.recipient_id,
       e.data ->> 'action' AS action,
       e.data ->> 'reason' AS reason,
       e.payload
FROM events AS e
WHERE e.kind = 'policy_enforcement';
COMMENT ON VIEW policy_enforcements IS 'Warnings, blocks and unblocks of the account by Meta.';

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
COMMENT ON VIEW unknown_events IS 'Items without a type: new fields and keys, names in changed_fields, items nested too deep.';

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
COMMENT ON FUNCTION describe_views IS 'Comments the columns of views with the comments of events, and own columns with these pairs of name and comment. For migrations.';

-- Own columns mean the same in every view.
SELECT describe_views(ARRAY[
    'comments', 'live_comments', 'mentions', 'story_insights', 'messages', 'message_edits',
    'message_deletions', 'reactions', 'postbacks', 'seen', 'referrals', 'optins', 'handovers',
    'policy_enforcements', 'response_feedback', 'unknown_events'
]::regclass[], ARRAY[
    ['action', 'react or unreact.'],
    ['ad_flow_id', 'Flow of the ad.'],
    ['ad_id', 'Ad of origin.'],
    ['ad_photo_url', 'Picture of the ad.'],
    ['ad_post_id', 'Post of the ad.'],
    ['ad_product_id', 'Product of the ad.'],
    ['ad_title', 'Title of the ad.'],
    ['ad_video_url', 'Video of the ad.'],
    ['app_roles', 'Roles of the apps after a change.'],
    ['attachment_types', 'Type of each attachment: image, video, ig_reel, story_mention, ...; Meta adds types every few months.'],
    ['attachments', 'Media, shares, stories and templates as sent by Meta. Their URLs expire.'],
    ['button_payload', 'Developer''s payload of the button. Missing in standby.'],
    ['caller_app_id', 'App passing the metadata.'],
    ['echo_app_id', 'Sending app of the echo.'],
    ['emoji', 'Emoji, with or without a variation selector.'],
    ['exits', 'Number of exits from the story.'],
    ['feedback', 'Rating in Meta''s words.'],
    ['folder', 'Inbox folder.'],
    ['frequency', 'Frequency of notifications.'],
    ['impressions', 'Number of views of the story.'],
    ['is_self_reply', 'True if the sender answers their own message.'],
    ['is_unsupported', 'True if Meta cannot show the message to apps.'],
    ['media_product_type', 'Place of the media: FEED, REELS, STORY, AD, LIVE, ...'],
    ['metadata', 'Text from the other app.'],
    ['new_owner_app_id', 'App in control now.'],
    ['num_edit', 'Number of edits; nearly always 0 in Meta''s deliveries.'],
    ['optin_payload', 'Developer''s payload of the button.'],
    ['optin_type', 'notification_messages; null in the older form.'],
    ['original_media_id', 'Boosted post.'],
    ['previous_owner_app_id', 'App in control before; null if none.'],
    ['quick_reply_payload', 'Payload of the quick reply; text is its title.'],
    ['reach', 'Number of accounts reached by the story.'],
    ['reaction', 'angry, sad, wow, love, like, laugh or other; null for unreact.'],
    ['reason', 'Reason in Meta''s words.'],
    ['ref', 'Reference in the older form.'],
    ['referral_product_id', 'Shop product of origin.'],
    ['referral_ref', 'Reference in the link or ad.'],
    ['referral_source', 'Origin of the person: IGME-SOURCE-LINK, SHORTLINK, ADS, IG_STORY, ...'],
    ['referral_type', 'OPEN_THREAD.'],
    ['referral_uri', 'Page with the link.'],
    ['replies', 'Number of replies to the story.'],
    ['requested_owner_app_id', 'App requesting control.'],
    ['self_ig_scoped_id', 'Account''s own IGSID.'],
    ['seq', 'Sequence number of Messenger.'],
    ['status', 'STOP NOTIFICATIONS or RESUME NOTIFICATIONS.'],
    ['step', 'pass_thread_control, take_thread_control, request_thread_control, pass_thread_metadata or app_roles; null if not sent.'],
    ['sticker_id', 'Sticker of Messenger.'],
    ['story_id', 'Story answered.'],
    ['story_link_sticker_url', 'Target of the link sticker of the story.'],
    ['story_url', 'URL of the story, valid as long as the story. The media must not be kept.'],
    ['taps_back', 'Number of taps back to the previous story.'],
    ['taps_forward', 'Number of taps to the next story.'],
    ['timezone', 'Time zone of the person.'],
    ['title', 'Title of the topic.'],
    ['token', 'Token for sending notifications.'],
    ['token_expires_at', 'Expiry of the token.'],
    ['token_status', 'Renewal state of the token.'],
    ['user_ref', 'Person of a checkbox before their first IGSID.'],
    ['verb', 'add, edited or remove; null means add. Undocumented for Instagram, seen in other deliveries.'],
    ['watermark', 'Everything before this time was seen.']
]);

COMMENT ON COLUMN comments.dedupe_key IS 'Key of the comment, equal in all its deliveries; repeats.dedupe_key of its repeats.';
COMMENT ON COLUMN mentions.text IS 'Text of the mention. Null, because Meta does not send it.';
COMMENT ON COLUMN policy_enforcements.action IS 'warning, block or unblock.';
COMMENT ON COLUMN postbacks.title IS 'Title of the button.';
