-- Counts and lists as the followers would keep them. They take a quarter of an hour for ten million
-- events, since they count batch by batch.
SET work_mem = '512MB';
TRUNCATE followers, stats_hourly, conversations, media_threads;
INSERT INTO stats_hourly
SELECT date_trunc('hour', received_at, 'UTC'), app, coalesce(account_id, ''), kind, source,
       count(*) FILTER (WHERE new), count(*) FILTER (WHERE NOT new)
FROM (SELECT received_at, app, account_id, kind, source, true AS new FROM stored_events
      UNION ALL
      SELECT received_at, app, account_id, kind, source, false FROM stored_repeats) AS item
GROUP BY 1, 2, 3, 4, 5;

INSERT INTO conversations
SELECT app, account_id, person_id, count(*) FILTER (WHERE is_received),
       count(*) FILTER (WHERE is_sent), min(position), max(position), max(at),
       max(at) FILTER (WHERE is_received), max(at) FILTER (WHERE is_sent),
       max(at) FILTER (WHERE is_unsending),
       min(at) FILTER (WHERE is_received AND NOT is_unsent AND at > coalesce(answered_at, '-infinity'))
FROM (
    SELECT *, max(at) FILTER (WHERE is_sent) OVER (PARTITION BY app, account_id, person_id)
                  AS answered_at
    FROM (
        SELECT app, account_id, person_id, position, coalesce(occurred_at, received_at) AS at,
               kind IN ('message', 'postback') AND NOT is_echo AND NOT is_self AS is_received,
               kind = 'message' AND is_echo AS is_sent,
               kind = 'message_deleted' AND NOT is_echo AS is_unsending,
               coalesce(message_id IN (SELECT message_id FROM stored_events
                                       WHERE kind = 'message_deleted' AND NOT is_echo), false)
                   AS is_unsent
        FROM stored_events
        WHERE account_id IS NOT NULL AND person_id IS NOT NULL
          AND kind IN ('message', 'message_deleted', 'message_edit', 'postback', 'reaction',
                       'referral', 'optin', 'handover', 'response_feedback')
    ) AS item
) AS item
GROUP BY app, account_id, person_id;

INSERT INTO media_threads
SELECT app, account_id, post,
       coalesce(array_agg(DISTINCT media_id) FILTER (WHERE media_id <> post), '{}'),
       count(*) FILTER (WHERE NOT is_self), count(*) FILTER (WHERE is_self),
       count(*) FILTER (WHERE NOT is_self AND at > coalesce(answered_at, '-infinity')),
       min(position), max(position), max(at), max(at) FILTER (WHERE is_self)
FROM (
    SELECT *, max(at) FILTER (WHERE is_self) OVER (PARTITION BY app, account_id, post, root)
                  AS answered_at
    FROM (
        SELECT app, account_id, media_id, position, is_self,
               coalesce(occurred_at, received_at) AS at,
               coalesce(data ->> 'original_media_id', media_id) AS post,
               coalesce(parent_id, comment_id) AS root
        FROM stored_events
        WHERE kind IN ('comment', 'live_comment') AND account_id IS NOT NULL
          AND media_id IS NOT NULL AND coalesce(data ->> 'verb', '') IN ('', 'add', 'added')
    ) AS item
) AS item
GROUP BY app, account_id, post;

INSERT INTO followers (name, position, caught_up_at)
SELECT unnest('{stats,conversations}'::text[]), last_value, clock_timestamp() FROM event_position;
