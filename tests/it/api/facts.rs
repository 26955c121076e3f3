//! Facts about accounts and about the operation of the server.

use serde_json::json;

use super::*;

/// An hour of 1 event, so many hours ago, for each of these.
struct Hours(&'static str, &'static str);

/// Accounts by label: the hours ago in which they had an event. All but one began six weeks ago.
const ACCOUNTS: &[Hours] = &[
    Hours("steady", "generate_series(0, 1008) AS n"),
    Hours("halted", "generate_series(5, 1008) AS n"),
    Hours("slow", "generate_series(1, 1008, 6) AS n"),
    Hours("slow and halted", "generate_series(20, 1008, 6) AS n"),
    Hours("new", "generate_series(5, 240) AS n"),
    Hours("long gone", "generate_series(3360, 4032) AS n"),
    Hours(
        "at night",
        "generate_series(16, 1008) AS n WHERE n % 24 IN (0, 16, 17, 18)",
    ),
    Hours(
        "ahead",
        "(SELECT generate_series(5, 1008) UNION ALL SELECT generate_series(-30, -20)) AS s (n)",
    ),
    Hours("never", "generate_series(1, 0) AS n"),
];

/// Label, usual gap in seconds, and silence of each account.
const EXPECTED: &[(&str, Option<i64>, bool)] = &[
    ("steady", Some(3600), false),
    ("halted", Some(3600), true),
    ("slow", Some(6 * 3600), false),
    ("slow and halted", Some(6 * 3600), true),
    ("new", None, false),
    ("long gone", Some(3600), true),
    // Yesterday's last event was 16 hours ago, as on each day at this hour.
    ("at night", Some(16 * 3600), false),
    ("ahead", Some(3600), true),
    ("never", None, false),
];

/// SQL that adds an account and its counts.
fn filled((id, Hours(label, hours)): (usize, &Hours)) -> String {
    format!(
        "INSERT INTO accounts (app, account_id, label, first_seen, last_seen)
         VALUES ('default', '1784{id}', '{label}', now(), now());
         INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'default', '1784{id}',
                CASE WHEN n % 2 = 0 THEN 'message' ELSE 'comment' END, 'live', 1, 0
         FROM {hours};"
    )
}

impl Desk {
    /// Replaces accounts and counts, relative to this hour.
    async fn fill(&self) {
        let fill = ACCOUNTS.iter().enumerate().map(filled);
        let fill: Vec<_> = fill.collect();
        self.run(&format!(
            "TRUNCATE accounts, stats_hourly; {}",
            fill.concat()
        ))
        .await;
    }

    async fn hour(&self) -> String {
        let hour = sqlx::query_scalar("SELECT date_trunc('hour', now())::text");
        hour.fetch_one(&mut self.server.database().await)
            .await
            .unwrap()
    }

    /// The accounts by label, counted in the hour in which they were filled in.
    async fn accounts(&self) -> BTreeMap<String, Value> {
        loop {
            let hour = self.hour().await;
            self.fill().await;
            let list = self.read_as("reader", "/v1/accounts").await;
            if self.hour().await != hour {
                continue;
            }
            assert!(list["as_of_position"].is_string());
            let accounts = list["accounts"].as_array().unwrap().iter();
            let label = |it: &Value| it["label"].as_str().unwrap().to_owned();
            return accounts.map(|it| (label(it), it.clone())).collect();
        }
    }
}

#[tokio::test]
async fn an_account_is_silent_after_three_times_its_usual_gap_at_this_hour_of_the_week() {
    let desk = Desk::open().await;
    let accounts = desk.accounts().await;
    assert_eq!(accounts.len(), EXPECTED.len());
    for (label, usual, silent) in EXPECTED {
        let account = &accounts[*label];
        let found = (&account["usual_gap_seconds"], &account["silent"]);
        assert_eq!(found, (&json!(usual), &json!(silent)), "{account}");
    }
}

#[tokio::test]
async fn an_account_has_its_events_by_kind_of_the_last_day_and_week() {
    let desk = Desk::open().await;
    let accounts = desk.accounts().await;
    for (label, day, week) in [
        (
            "steady",
            json!({"comment": 12, "message": 12}),
            json!({"comment": 84, "message": 84}),
        ),
        (
            "at night",
            json!({"comment": 1, "message": 2}),
            json!({"comment": 7, "message": 20}),
        ),
        ("long gone", json!({}), json!({})),
        // What a clock that was ahead counted is not of this day.
        (
            "ahead",
            json!({"comment": 10, "message": 9}),
            json!({"comment": 82, "message": 81}),
        ),
        ("never", json!({}), json!({})),
    ] {
        let account = &accounts[label];
        assert_eq!(account["events_last_day"], day, "{account}");
        assert_eq!(account["events_last_week"], week, "{account}");
    }
}

#[tokio::test]
async fn a_busy_hour_has_a_short_usual_gap() {
    let desk = Desk::open().await;
    desk.run(
        "INSERT INTO accounts (app, account_id, first_seen, last_seen)
         VALUES ('default', '1784', now(), now()), ('shop', '1784', now(), now());
         INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour', app, '1784', 'message',
                'live', events, 7
         FROM generate_series(2, 1008) AS n, (VALUES ('default', 60), ('shop', 7)) AS s (app, events);",
    )
    .await;
    let found = desk.read_as("reader", "/v1/accounts/1784?").await;
    let mut gaps: Vec<_> = found["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["app"].as_str().unwrap(),
                &it["usual_gap_seconds"],
                &it["silent"],
            )
        })
        .collect();
    gaps.sort_by_key(|(app, ..)| *app);
    let expected = [
        ("default", &json!(60), &json!(true)),
        // 3600 / 7, rounded up.
        ("shop", &json!(515), &json!(true)),
    ];
    assert_eq!(gaps, expected);
    let own = desk.read_as("shop", "/v1/accounts/1784").await;
    let own = own["accounts"].as_array().unwrap();
    assert_eq!(own.len(), 1, "{own:?}");
    assert_eq!(own[0]["usual_gap_seconds"], 515);
    assert_eq!(desk.problem_as("bakery", "/v1/accounts/1784").await.0, 404);
}

#[tokio::test]
async fn a_hostile_label_is_shown_as_it_is_and_finds_its_account() {
    let desk = Desk::open().await;
    desk.fill().await;
    let body = r#"{"label": "\"><script>alert(1)</script>\u202e', 1); DROP TABLE accounts; --\n",
                   "client": "=cmd|' /C calc'!A0"}"#;
    let label: Value = serde_json::from_str(body).unwrap();
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", bearer.as_str())];
    let path = ("PATCH", "/v1/accounts/17840");
    let answer = desk.server.send_admin(path, &headers, body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    let name = encoded(label["label"].as_str().unwrap());
    let found = desk
        .read_as("reader", &format!("/v1/accounts/{name}"))
        .await;
    let account = &found["accounts"][0];
    assert_eq!(account["account_id"], "17840");
    assert_eq!(account["label"], label["label"]);
    assert_eq!(account["client"], label["client"]);
    let client = encoded(label["client"].as_str().unwrap());
    let stats = desk
        .read_as("reader", &format!("/v1/stats?by=client&client={client}"))
        .await;
    assert_eq!(stats["counts"][0]["client"], label["client"]);
}

/// Text with each byte as in a URL.
fn encoded(text: &str) -> String {
    let encode = |text: String, byte| format!("{text}%{byte:02X}");
    text.bytes().fold(String::new(), encode)
}

/// A desk whose apps each had a delivery, a rejection and two gaps; the account of `default` is one
/// of the bakery.
async fn operated_desk() -> Desk {
    let desk = Desk::open().await;
    desk.deliver(message("mid.stats", "rolls")).await;
    for path in ["/webhook", "/webhook/shop"] {
        assert_eq!(desk.server.post(path, &[], "{}").await.status, 401);
    }
    desk.run(
        "INSERT INTO gaps (app, cause, opened_at, closed_at)
         SELECT app, 'down', now() - ago * interval '1 hour', now() - (ago - 1) * interval '1 hour'
         FROM unnest(ARRAY['default', 'shop']) AS app, unnest(ARRAY[4, 50]) AS ago;
         UPDATE accounts SET client = 'bakery'",
    )
    .await;
    eventually("uses and rejections are written down", async || {
        let stats = desk.read_as("reader", "/v1/stats").await;
        let used = stats["secrets"][0]["last_delivery_at"].is_string();
        used && stats["rejections"][0]["count"] == 2
    })
    .await;
    desk
}

/// A text of each member, sorted.
fn each<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let list = list.as_array().unwrap().iter();
    let mut texts: Vec<_> = list.map(|it| it[key].as_str().unwrap()).collect();
    texts.sort_unstable();
    texts
}

#[tokio::test]
async fn counts_come_with_secrets_rejections_gaps_followers_and_the_spool() {
    let desk = operated_desk().await;
    let stats = desk.read_as("reader", "/v1/stats?since=1d").await;
    let secrets = stats["secrets"].as_array().unwrap();
    assert_eq!(secrets.len(), 2);
    assert!(secrets[0]["last_delivery_at"].is_string());
    let unused = json!({"app": "shop", "secret": "app", "last_delivery_at": null,
                        "last_simulated_at": null});
    assert_eq!(secrets[1], unused);
    let rejection = &stats["rejections"][0];
    assert_eq!(rejection["reason"], "signature_missing");
    assert!(rejection["last_at"].is_string());
    assert_eq!(
        each(&stats["gaps"], "app"),
        ["default", "shop"],
        "of the range"
    );
    assert_eq!(
        each(&stats["followers"], "name"),
        ["conversations", "stats"]
    );
    for follower in stats["followers"].as_array().unwrap() {
        assert!(follower["positions"].is_i64() && follower["seconds"].is_f64());
        assert!(follower["position"].is_string() && follower["done_at"].is_string());
    }
    let spool = json!({"on": true, "records": 0, "bytes": stats["spool"]["bytes"],
                       "oldest_received_at": null, "oldest_age_seconds": null});
    assert_eq!(stats["spool"], spool);
    let shop = desk.read_as("reader", "/v1/stats?app=shop").await;
    assert_eq!(each(&shop["secrets"], "app"), ["shop"]);
    assert_eq!(shop["rejections"][0]["count"], 1);
    assert_eq!(each(&shop["gaps"], "app"), ["shop"; 2]);
    let text = stats.to_string();
    assert!(!text.contains(crate::support::server::SECRET), "names only");
}

#[tokio::test]
async fn a_restricted_token_sees_secrets_rejections_and_gaps_of_its_own() {
    let desk = operated_desk().await;
    let shop = desk.read_as("shop", "/v1/stats").await;
    assert_eq!(each(&shop["secrets"], "app"), ["shop"]);
    assert_eq!(shop["rejections"][0]["count"], 1);
    assert_eq!(each(&shop["gaps"], "app"), ["shop"; 2]);
    let none = desk.read_as("shop", "/v1/stats?app=default").await;
    for key in ["secrets", "rejections", "gaps"] {
        assert_eq!(none[key], json!([]), "{none}");
    }
    // An app belongs to all of its clients: a client sees only what it missed itself.
    let bakery = desk.read_as("bakery", "/v1/stats").await;
    assert_eq!(bakery["secrets"], json!([]));
    assert_eq!(bakery["rejections"], json!([]));
    assert_eq!(each(&bakery["gaps"], "app"), ["default"; 2]);
    let florist = desk.read_as("florist", "/v1/stats").await;
    assert_eq!(florist["gaps"], json!([]));
    for stats in [shop, bakery, florist] {
        assert_eq!(stats["spool"], Value::Null, "{stats}");
        assert_eq!(stats["followers"], Value::Null, "{stats}");
    }
}
