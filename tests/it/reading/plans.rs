//! Filters, lists of conversations and media, long conversations and long threads are read by their
//! indexes, and only days that may have a row are opened.

use hookshelf::{
    config::Role,
    meta::event::Kind,
    query::{Between, EventFilter, EventForm, EventPage, Order, Scope, Session},
};
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
                               username, comment_id, media_id, parent_id, text)
    SELECT gen_random_uuid(), at, at, 'default', 'comment', false, n % 10 = 0, 0, 0, 'live',
           gen_random_uuid(), 'account', 'person-' || n, 'Person.' || n, 'comment-' || n,
           CASE WHEN n % 6 > 0 THEN 'viral' ELSE 'media-' || n END,
           CASE WHEN n % 3 = 0 AND n > 10 THEN 'comment-' || n - 10 END, 'nice'
    FROM generate_series(1, 24000) AS n, LATERAL (
        SELECT now() - n % 5 * interval '1 day' - n * interval '1 ms' AS at) AS time;
    INSERT INTO accounts (app, account_id, client, label, first_seen, last_seen)
    VALUES ('default', 'account', 'bakery', 'Corner Bakery', now(), now()),
           ('default', 'quiet', 'florist', 'Florist', now(), now());
    INSERT INTO late_days SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date, 1000000
    FROM stored_events ON CONFLICT DO NOTHING";

/// Few media are unanswered, and few people wait.
const ANSWER: &str = "
    UPDATE media_threads SET unanswered = 0 WHERE hashtext(media_id) % 50 <> 0;
    UPDATE conversations SET waiting_since = NULL WHERE hashtext(person_id) % 50 <> 0";

/// Deliveries of five days, one of them with a problem.
const DELIVER: &str = "
    INSERT INTO stored_deliveries (id, received_at, event_count, app, secret, source, problem, body)
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid,
           at, 0, 'default', 'app', 'live', CASE n WHEN 777 THEN 'empty' END, '{}'
    FROM generate_series(1, 6000) AS n, LATERAL (
        SELECT now() - n % 5 * interval '1 day' - n * interval '1 ms' AS at) AS time";

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
    WHERE s.idx_scan > 0 AND s.relname ~ '^(deliveries_2|events_2|conversations|media_threads)'
    GROUP BY 1 ORDER BY 1";

/// Partitions that were opened.
const OPENED: &str = "
    SELECT relname::text FROM pg_stat_user_tables
    WHERE seq_scan + idx_scan > 0 AND relname ~ '^(deliveries|events|repeats)_2' ORDER BY 1";

impl Shelf {
    /// A database with events of five days.
    async fn filled() -> Self {
        let shelf = Self::create().await;
        for day in 0..DAYS {
            let mid = format!("first of day {day}");
            shelf
                .store("default", DAY * day, message(&mid, "hello"))
                .await;
        }
        shelf.run(FILL).await;
        shelf
    }

    /// No partition of another day was opened.
    async fn opened_only(&self, day: &str, what: &str) {
        let opened = self.texts(OPENED).await;
        let others = opened.iter().any(|name| !name.ends_with(day));
        assert!(!others && !opened.is_empty(), "{what}: {opened:?}");
    }

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

    /// Indexes that these arguments use, with the entries read.
    async fn indexes(&self, arguments: &str) -> Vec<(String, i64)> {
        let split: Vec<_> = arguments.split(' ').collect();
        self.used(arguments, async || drop(self.says(&split))).await
    }

    /// Indexes that the first page of a list of events uses, with the entries read.
    async fn indexes_of(&self, filter: &EventFilter) -> Vec<(String, i64)> {
        let read = async || drop(self.first_page(filter).await);
        let mut used = self.used(&format!("{filter:?}"), read).await;
        used.retain(|(name, _)| name.contains("events_"));
        used
    }

    async fn first_page(&self, filter: &EventFilter) -> Vec<EventForm> {
        let page = EventPage {
            filter: filter.clone(),
            range: Between::default(),
            order: Order::Newest,
            limit: 100,
        };
        let scope = Scope::local(Role::Operator);
        let session = Session::open(&self.database.options(), &scope).await;
        session.unwrap().events(&page).await.unwrap()
    }

    /// Indexes that a read uses, with the entries read. No table is read as a whole.
    async fn used(&self, what: &str, read: impl AsyncFnOnce()) -> Vec<(String, i64)> {
        let alone = "SELECT pid::text FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()
                       AND backend_type = 'client backend'";
        let closed = async || self.texts(alone).await.is_empty();
        eventually("the statistics of former sessions are there", closed).await;
        self.run("SELECT pg_stat_reset()").await;
        read().await;
        eventually("the statistics of the session are there", closed).await;
        let mut connection = self.database.connect().await;
        let used = sqlx::query_as(USED).fetch_all(&mut connection).await;
        let used: Vec<(String, i64)> = used.unwrap();
        assert_eq!(self.texts(WHOLE).await, [""; 0], "{what}: {used:?}");
        used
    }
}

#[tokio::test]
async fn lists_and_long_conversations_are_read_by_their_indexes() {
    let shelf = Shelf::filled().await;
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
        // Of a media with 20,000 comments, a list reads a thousand.
        let most = if list.starts_with("comments") {
            1_200
        } else {
            200
        };
        let read: i64 = used.iter().map(|(_, read)| read).sum();
        assert!(read < most, "{list}: {used:?}");
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

/// Filters with the index that finds their events.
const FILTERS: [(&str, &str); 18] = [
    ("", "stored_events_pkey"),
    ("late=true", "events_late"),
    ("app=default", "stored_events_pkey"),
    ("account=account", "events_account"),
    ("account=quiet", "events_account"),
    ("account=account account=quiet", "events_account"),
    ("account=account kind=message", "events_account"),
    ("client=bakery", "events_account"),
    ("client=florist", "events_account"),
    ("person=talker", "events_person"),
    ("person=talker account=account", "events_person"),
    ("person=talker client=bakery", "events_person"),
    ("message=mid-7", "events_message"),
    ("comment=comment-7", "events_comment"),
    ("media=viral", "events_media"),
    ("media=viral account=account", "events_media"),
    ("username=person.77", "events_username"),
    ("username=person.77 account=account", "events_username"),
];

fn filter(words: &str) -> EventFilter {
    let mut filter = EventFilter::default();
    for word in words.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap();
        let value = value.to_owned();
        match name {
            "account" => filter.account_ids.push(value),
            "app" => filter.app = Some(value),
            "client" => filter.client = Some(value),
            "comment" => filter.comment_id = Some(value),
            "kind" => filter.kinds.push(Kind::Message),
            "late" => filter.is_late = Some(true),
            "media" => filter.media_id = Some(value),
            "message" => filter.message_id = Some(value),
            "person" => filter.person_id = Some(value),
            "username" => filter.username = Some(value),
            other => panic!("no filter is called {other}"),
        }
    }
    filter
}

#[tokio::test]
async fn each_filter_of_events_uses_its_own_index() {
    let shelf = Shelf::filled().await;
    shelf.run("VACUUM ANALYZE").await;
    for (words, index) in FILTERS {
        let used = shelf.indexes_of(&filter(words)).await;
        let names: Vec<_> = used.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, [index], "{words}: {used:?}");
    }
}

#[tokio::test]
async fn deliveries_with_a_problem_are_read_by_their_index() {
    let shelf = Shelf::filled().await;
    shelf.run(DELIVER).await;
    shelf.run("VACUUM ANALYZE").await;
    let list = ["deliveries", "list", "--problem", "any", "--json"];
    let read = async || assert_eq!(shelf.says(&list).lines().count(), 1);
    let used = shelf.used("problem", read).await;
    let is_used = used.iter().any(|(name, _)| name == "deliveries_problem");
    let read: i64 = used.iter().map(|(_, read)| read).sum();
    assert!(is_used && read < 10, "{used:?}");
}

#[tokio::test]
async fn only_days_of_the_range_or_delivery_are_opened() {
    let shelf = Shelf::filled().await;
    let delivery = message("one more", "hello");
    let delivery = shelf.store("default", DAY * 2, delivery).await;
    shelf.run("VACUUM ANALYZE").await;
    let day = delivery.envelope.received_at.strftime("%Y%m%d").to_string();
    let date = delivery.envelope.received_at.strftime("%Y-%m-%d");
    for (words, _) in FILTERS {
        let in_the_day = EventFilter {
            since: format!("{date}T00:00:00Z").parse().ok(),
            until: format!("{date}T23:00:00Z").parse().ok(),
            ..filter(words)
        };
        shelf.indexes_of(&in_the_day).await;
        shelf.opened_only(&day, words).await;
    }
    let show = format!("deliveries show {}", delivery.envelope.id);
    shelf.indexes(&show).await;
    shelf.opened_only(&day, &show).await;
}

#[tokio::test]
async fn the_first_page_opens_the_last_days_unless_events_came_late() {
    let shelf = Shelf::filled().await;
    shelf.run("TRUNCATE late_days").await;
    shelf.run("VACUUM ANALYZE").await;
    let none = EventFilter::default();
    shelf.indexes_of(&none).await;
    let opened = shelf.texts(OPENED).await;
    let events = opened.iter().filter(|name| name.starts_with("events"));
    let past =
        "SELECT 'events_' || to_char(now() AT TIME ZONE 'UTC' - interval '2 days', 'YYYYMMDD')";
    let past = &shelf.texts(past).await[0];
    assert!(events.clone().all(|name| name > past), "{opened:?}");
    // A delivery of the spool is committed days after its receipt.
    let late = message("from the spool", "late");
    shelf.store("default", DAY * 3, late).await;
    let first = shelf.first_page(&none).await.remove(0);
    assert_eq!(first.columns().text.as_deref(), Some("late"));
}
