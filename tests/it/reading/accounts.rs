//! `accounts list`: times of the last events of each account, and silent accounts.

use std::time::Duration;

use hookshelf::store::{
    self,
    follow::{Follower, Start, Turn},
    stats::{self, Hourly},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::Shelf;
use crate::support::{
    eventually,
    message::{comment, messages},
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A message to the account.
fn message(account: &str, mid: &str) -> String {
    messages("7001", account, &[(mid, mid)])
}

impl Shelf {
    /// Updates the counts, as the server does in the background.
    async fn count(&self) {
        let options = self.database.options();
        let session = store::connect_follower(&options, Duration::from_secs(30)).await;
        let mut session = session.unwrap();
        let mut follower = Follower::new(stats::NAME, Start::Beginning, 10_000);
        while follower.turn(&mut session, &mut Hourly).await.unwrap() != Turn::Idle {}
    }

    /// Account ids of a list with these options.
    fn accounts(&self, options: &[&str]) -> Vec<String> {
        let rows = self.rows(&[&["accounts", "list"], options].concat());
        let id = |row: &Value| row["account_id"].as_str().unwrap().to_owned();
        rows.iter().map(id).collect()
    }
}

#[tokio::test]
async fn an_account_has_its_last_events_by_kind() {
    let shelf = Shelf::create().await;
    for (minutes, body) in [
        (500, message("1784", "m1")),
        (300, comment("1784", "c1", "c1")),
        (200, message("1784", "m2")),
        (10, message("1785", "m3")),
    ] {
        shelf.store("shop", MINUTE * minutes, body).await;
    }
    shelf.count().await;
    let rows = shelf.rows(&["accounts", "list"]);
    let events = shelf.rows(&["events", "list"]);
    let at = |mid: &str| {
        let event = events.iter().find(|event| event["text"] == mid);
        event.unwrap()["received_at"].as_str().unwrap()
    };
    let hour = |mid: &str| format!("{}:00:00Z", &at(mid)[..13]);
    let [first, last] = &rows[..] else {
        panic!("two accounts: {rows:?}")
    };
    assert_eq!(
        [&first["app"], &first["account_id"], &last["account_id"]],
        ["shop", "1784", "1785"]
    );
    assert_eq!(first["first_seen"], at("m1"));
    assert_eq!(
        [&first["last_event_at"], &last["last_event_at"]],
        [at("m2"), at("m3")]
    );
    assert_eq!(
        first["last_by_kind"],
        json!({"message": hour("m2"), "comment": hour("c1")})
    );
    let table = shelf.says(&["accounts", "list"]);
    let told = format!("{}h message; {}h comment", &at("m2")[..13], &at("c1")[..13]);
    assert!(table.contains(&told), "{table}");
    assert_eq!(shelf.accounts(&["--app", "bar"]), [""; 0]);
}

#[tokio::test]
async fn a_silent_account_is_found_to_the_minute_counted_or_not() {
    let shelf = Shelf::create().await;
    for (minutes, account) in [(190, "1784"), (170, "1785"), (400, "1786"), (1, "1787")] {
        shelf
            .store("shop", MINUTE * minutes, message(account, account))
            .await;
    }
    // Repeats and events of another app do not count.
    shelf.store("shop", MINUTE, message("1784", "1784")).await;
    shelf.store("bar", MINUTE, message("1786", "1786")).await;
    for counted in [false, true] {
        if counted {
            shelf.count().await;
        }
        for (span, found) in [
            ("3h", &["1786", "1784"] as &[&str]),
            ("160 min", &["1786", "1784", "1785"]),
            ("5h", &["1786"]),
            ("1 day", &[]),
        ] {
            let options = ["--app", "shop", "--silent", span];
            assert_eq!(shelf.accounts(&options), found, "{span}, {counted}");
        }
    }
    let output = shelf
        .command(&["accounts", "list", "--limit", "2"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("more accounts match than --limit 2 shows"),
        "{said}"
    );
}

#[tokio::test]
async fn an_account_whose_events_are_gone_or_never_came_is_silent() {
    let shelf = Shelf::create().await;
    shelf
        .store("shop", MINUTE * 60, message("1784", "m1"))
        .await;
    shelf.count().await;
    let mut database = shelf.database.connect().await;
    for change in [
        "DELETE FROM stored_events",
        "INSERT INTO accounts (app, account_id, first_seen, last_seen) VALUES ('shop', '1785', now(), now())",
    ] {
        sqlx::query(change).execute(&mut database).await.unwrap();
    }
    assert_eq!(shelf.accounts(&["--silent", "10min"]), ["1785", "1784"]);
    let rows = shelf.rows(&["accounts", "list"]);
    assert_eq!(rows[0]["last_event_at"], Value::Null);
    // The counts remain after the events are deleted, and are exact to the hour.
    let last = rows[1]["last_event_at"].as_str().unwrap();
    assert!(last.ends_with(":00:00.000Z"), "{last}");
    assert!(shelf.says(&["accounts", "list"]).contains("never"));
}

/// Number of rows of events and counts read by sequential scans, and by index scans.
async fn reads(database: &mut PgConnection) -> (i64, i64) {
    let reads = sqlx::query_as(
        "SELECT sum(seq_tup_read)::bigint, coalesce(sum(idx_tup_fetch), 0)::bigint
         FROM pg_stat_user_tables WHERE relname ~ '^(events|stats_hourly)'",
    );
    reads.fetch_one(database).await.unwrap()
}

#[tokio::test]
async fn accounts_are_listed_by_indexes_however_many_events_there_are() {
    let shelf = Shelf::create().await;
    let mut database = shelf.database.connect().await;
    // One account is busy in another app; the last events of the four listed accounts are older.
    let fill = sqlx::raw_sql(
        "INSERT INTO accounts (app, account_id, first_seen, last_seen)
         SELECT 'shop', '1784' || n, now(), now() FROM generate_series(1, 4) AS n;
         INSERT INTO stored_events (delivery_id, received_at, app, kind, is_echo, is_self,
                                    item_start, item_length, source, dedupe_key, account_id)
         SELECT gen_random_uuid(), date_trunc('day', now()) + n * interval '1 second',
                CASE WHEN n > 1000 THEN 'bar' ELSE 'shop' END, 'message', false, false, 0, 0,
                'live', gen_random_uuid(), '1784' || CASE WHEN n > 1000 THEN 0 ELSE n % 4 + 1 END
         FROM generate_series(1, 40000) AS n;
         INSERT INTO stats_hourly
         SELECT date_trunc('hour', received_at, 'UTC'), app, account_id, kind, source, count(*), 0
         FROM events GROUP BY 1, 2, 3, 4, 5;
         INSERT INTO stats_hourly
         SELECT now() - n * interval '1 hour', 'bar', '17840', 'seen', 'live', 1, 0
         FROM generate_series(1, 20000) AS n;
         INSERT INTO followers (name, position) SELECT 'stats', max(position) FROM events;
         ANALYZE",
    );
    fill.execute(&mut database).await.unwrap();
    drop(database);
    let mut database = shelf.database.connect().await;
    let mut before = reads(&mut database).await;
    eventually("what filling read is told", async || {
        let last = std::mem::replace(&mut before, reads(&mut database).await);
        before.0 > 0 && last == before
    })
    .await;
    assert_eq!(shelf.accounts(&[]).len(), 4);
    eventually("what listing read is told", async || {
        reads(&mut database).await.1 > before.1
    })
    .await;
    let after = reads(&mut database).await;
    let read = (after.0 - before.0, after.1 - before.1);
    assert_eq!(read.0, 0, "no table is read whole: {read:?}");
    assert!((4..1_000).contains(&read.1), "{read:?}");
}
