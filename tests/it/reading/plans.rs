//! Lists of conversations and media, long conversations and long threads are read by their indexes.

use jiff::SignedDuration;

use super::Shelf;
use crate::support::{eventually, message::message};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Days with events.
const DAYS: i32 = 5;

/// A conversation of 5,000 messages, a media with 20,000 comments, and some of others.
const FILL: &str = "
    INSERT INTO stored_events (delivery_id, received_at, occurred_at, app, kind, is_echo, is_self,
                               item_start, item_length, source, dedupe_key, account_id, person_id,
                               message_id, text)
    SELECT gen_random_uuid(), at, at, 'default', 'message', n % 3 = 0, false, 0, 0, 'live',
           gen_random_uuid(), 'account',
           CASE WHEN n % 6 > 0 THEN 'talker' ELSE 'person-' || n END, 'mid-' || n, 'hello'
    FROM generate_series(1, 6000) AS n, LATERAL (
        SELECT now() - n % 5 * interval '1 day' - n * interval '1 ms' AS at) AS time;
    INSERT INTO stored_events (delivery_id, received_at, occurred_at, app, kind, is_echo, is_self,
                               item_start, item_length, source, dedupe_key, account_id, person_id,
                               comment_id, media_id, parent_id, text)
    SELECT gen_random_uuid(), at, at, 'default', 'comment', false, n % 10 = 0, 0, 0, 'live',
           gen_random_uuid(), 'account', 'person-' || n, 'comment-' || n,
           CASE WHEN n % 6 > 0 THEN 'viral' ELSE 'media-' || n END,
           CASE WHEN n % 3 = 0 AND n > 10 THEN 'comment-' || n - 10 END, 'nice'
    FROM generate_series(1, 24000) AS n, LATERAL (
        SELECT now() - n % 5 * interval '1 day' - n * interval '1 ms' AS at) AS time;
    INSERT INTO late_days SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date, 1000000
    FROM stored_events ON CONFLICT DO NOTHING";

/// Few media are unanswered, and few people wait.
const ANSWER: &str = "
    UPDATE media_threads SET unanswered = 0 WHERE hashtext(media_id) % 50 <> 0;
    UPDATE conversations SET waiting_since = NULL WHERE hashtext(person_id) % 50 <> 0";

/// Tables of these lists that were scanned as a whole.
const WHOLE: &str = "
    SELECT relname::text FROM pg_stat_user_tables
    WHERE seq_tup_read > 0 AND relname ~ '^(events_2|conversations|media_threads)'";

/// Indexes that were used, and the number of entries that were read; of partitions, the index of
/// their table.
const USED: &str = "
    SELECT coalesce(parent.relname, s.indexrelname)::text, sum(s.idx_tup_read)::bigint
    FROM pg_stat_user_indexes AS s
    LEFT JOIN pg_inherits AS i ON i.inhrelid = s.indexrelid
    LEFT JOIN pg_class AS parent ON parent.oid = i.inhparent
    WHERE s.idx_scan > 0 AND s.relname ~ '^(events_2|conversations|media_threads)'
    GROUP BY 1 ORDER BY 1";

impl Shelf {
    async fn texts(&self, sql: &'static str) -> Vec<String> {
        let mut connection = self.database.connect().await;
        sqlx::query_scalar(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap()
    }

    async fn run(&self, sql: &'static str) {
        let mut connection = self.database.connect().await;
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    }

    /// Indexes that these arguments use, with the entries read. No table is read as a whole.
    async fn indexes(&self, arguments: &str) -> Vec<(String, i64)> {
        let alone = "SELECT pid::text FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        eventually("the statistics of former sessions are there", async || {
            self.texts(alone).await.is_empty()
        })
        .await;
        self.run("SELECT pg_stat_reset()").await;
        self.says(&arguments.split(' ').collect::<Vec<_>>());
        let mut used = Vec::new();
        eventually("the statistics of the session are there", async || {
            let mut connection = self.database.connect().await;
            let query = sqlx::query_as(USED).fetch_all(&mut connection);
            used = query.await.unwrap();
            !used.is_empty()
        })
        .await;
        assert_eq!(self.texts(WHOLE).await, [""; 0], "{arguments}: {used:?}");
        used
    }
}

#[tokio::test]
async fn lists_and_long_conversations_are_read_by_their_indexes() {
    let shelf = Shelf::create().await;
    for day in 0..DAYS {
        let mid = format!("first of day {day}");
        shelf
            .store("default", DAY * day, message(&mid, "hello"))
            .await;
    }
    shelf.run(FILL).await;
    shelf.list().await;
    shelf.run(ANSWER).await;
    shelf.run("VACUUM ANALYZE").await;
    for (list, index) in [
        ("conversations list", "conversations_newest"),
        ("conversations list --waiting", "conversations_waiting"),
        (
            "conversations list --order longest-waiting",
            "conversations_waiting",
        ),
        ("comments list", "media_threads_newest"),
        ("comments list --unanswered", "media_threads_unanswered"),
    ] {
        let used = shelf.indexes(&format!("{list} --limit 20")).await;
        assert!(
            used.iter().any(|(name, _)| name == index),
            "{list}: {used:?}"
        );
        let read: i64 = used.iter().map(|(_, read)| read).sum();
        assert!(read < 200, "{list}: {used:?}");
    }
    for (show, indexes) in [
        (
            "conversations show account talker",
            ["events_message", "events_person"],
        ),
        ("comments show viral", ["events_comment", "events_media"]),
    ] {
        let mut used = shelf.indexes(show).await;
        used.retain(|(name, _)| name.starts_with("events_"));
        let names: Vec<_> = used.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, indexes, "{show}: {used:?}");
    }
}
