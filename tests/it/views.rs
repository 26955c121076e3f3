//! Views: the columns of every kind, whatever a payload contains, and their comments.

mod columns;
mod strange;

use hookshelf::meta::event::Kind;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::postgres::TestDatabase;

/// View of each kind.
const VIEWS: [(&str, Kind); 16] = [
    ("comments", Kind::Comment),
    ("live_comments", Kind::LiveComment),
    ("mentions", Kind::Mention),
    ("story_insights", Kind::StoryInsights),
    ("messages", Kind::Message),
    ("message_deletions", Kind::MessageDeleted),
    ("postbacks", Kind::Postback),
    ("message_edits", Kind::MessageEdit),
    ("reactions", Kind::Reaction),
    ("seen", Kind::Seen),
    ("referrals", Kind::Referral),
    ("optins", Kind::Optin),
    ("handovers", Kind::Handover),
    ("policy_enforcements", Kind::PolicyEnforcement),
    ("response_feedback", Kind::ResponseFeedback),
    ("unknown_events", Kind::Unknown),
];

async fn texts(connection: &mut PgConnection, sql: &'static str) -> Vec<String> {
    let rows = sqlx::query_scalar(sql).fetch_all(connection);
    rows.await.unwrap()
}

#[tokio::test]
async fn each_kind_has_its_view() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let found = texts(
        &mut connection,
        "SELECT viewname::text FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    )
    .await;
    let known = VIEWS.iter().map(|(view, _)| *view);
    let known = known.chain(["deliveries", "events", "repeats"]);
    let mut known: Vec<_> = known.map(str::to_owned).collect();
    known.sort();
    assert_eq!(found, known);
    assert_eq!(VIEWS.map(|(_, kind)| kind), Kind::ALL);
}

#[tokio::test]
async fn every_table_view_column_and_function_is_described() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let silent = texts(
        &mut connection,
        "SELECT r.oid::regclass::text FROM pg_class AS r
         WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v', 'S')
           AND NOT r.relispartition AND obj_description(r.oid, 'pg_class') IS NULL
         UNION ALL
         SELECT c.attrelid::regclass || '.' || c.attname
         FROM pg_attribute AS c JOIN pg_class AS r ON r.oid = c.attrelid
         WHERE r.relnamespace = 'public'::regnamespace AND r.relkind IN ('r', 'p', 'v')
           AND NOT r.relispartition AND c.attnum > 0 AND NOT c.attisdropped
           AND col_description(c.attrelid, c.attnum) IS NULL
         UNION ALL
         SELECT f.oid::regprocedure::text FROM pg_proc AS f
         WHERE f.pronamespace = 'public'::regnamespace
           AND obj_description(f.oid, 'pg_proc') IS NULL
         ORDER BY 1",
    )
    .await;
    assert_eq!(silent, Vec::<String>::new());
}

#[tokio::test]
async fn a_condition_on_an_id_reaches_the_index() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    // Postgres prefers sequential scans for empty tables.
    let forbid = sqlx::query("SET enable_seqscan = off");
    forbid.execute(&mut connection).await.unwrap();
    for (condition, index) in [
        ("account_id = 'a'", "account_id_position_idx"),
        ("person_id = 'p'", "person_id_position_idx"),
        ("message_id = 'm'", "message_id_idx"),
        ("position = 7", "pkey"),
    ] {
        let explain = format!("EXPLAIN SELECT * FROM messages WHERE {condition}");
        let plan: Vec<String> = sqlx::query_scalar(AssertSqlSafe(explain))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let plan = plan.join("\n");
        assert!(
            plan.contains(index) && !plan.contains("Seq Scan"),
            "{condition}: {plan}"
        );
    }
}
