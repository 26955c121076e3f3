//! How Postgres runs the commit: planned once, for batches and tables of any size.

use hookshelf::store::epoch;
use sqlx::AssertSqlSafe;

use super::{
    Session, World,
    items::{comment, days_ago, delivery},
    now,
};

const COMMIT: &str = include_str!("../../../src/store/commit.sql");

impl World {
    /// A window with so many keys behind it, and as many in the current one; several days.
    async fn grow(&self, keys: u32) {
        let days = (1_u32..=10).map(|day| days_ago(day.into(), vec![comment(day)]));
        let days: Vec<_> = days.collect();
        self.writer().await.commit(&days).await;
        epoch::flip(&mut self.connect().await, 1, now())
            .await
            .unwrap();
        let fill = format!(
            "INSERT INTO dedupe SELECT epoch, gen_random_uuid()
             FROM generate_series(1, 2) AS epoch, generate_series(1, {keys});
             INSERT INTO events (delivery_id, received_at, occurred_at_source, app, kind, channel,
                                 is_echo, is_self, source, dedupe_key, message_id, comment_id)
             SELECT gen_random_uuid(), now() - (n % 10) * interval '1 day', 'item', 'default',
                    'comment', 'changes', false, false, 'live', gen_random_uuid(), 'm' || n, 'c' || n
             FROM generate_series(1, {keys} / 10) AS n;
             INSERT INTO accounts (app, account_id, first_seen, last_seen)
             SELECT 'default', 'account-' || n, now(), now() FROM generate_series(1, {keys} / 10) AS n;
             ANALYZE"
        );
        self.run(&fill).await;
    }
}

impl Session {
    /// The plan that this session uses for every commit.
    async fn plan(&mut self) -> String {
        let prepare = AssertSqlSafe(format!("PREPARE committing AS {COMMIT}"));
        sqlx::raw_sql(prepare)
            .execute(&mut self.connection)
            .await
            .unwrap();
        // No deliveries, of whatever age, under epoch 2.
        let (before, after) = (", NULL".repeat(34), ", NULL".repeat(3));
        let explain = AssertSqlSafe(format!(
            "EXPLAIN (COSTS OFF) EXECUTE committing (2{before}, '-infinity'{after})"
        ));
        let lines: Vec<String> = sqlx::query_scalar(explain)
            .fetch_all(&mut self.connection)
            .await
            .unwrap();
        lines.join("\n")
    }
}

/// The lines of a plan with `node`, but for those that also have `exempt`.
fn lines<'a>(plan: &'a str, node: &str, exempt: &str) -> Vec<&'a str> {
    let lines = plan.lines().filter(|line| line.contains(node));
    lines.filter(|line| !line.contains(exempt)).collect()
}

#[tokio::test]
async fn the_commit_probes_indexes_whatever_the_tables_held_when_they_were_analysed() {
    for keys in [0, 60, 100_000] {
        let world = World::create().await;
        world.grow(keys).await;
        let plan = world.writer().await.plan().await;
        let nothing = Vec::<&str>::new();
        assert_eq!(
            lines(&plan, "Seq Scan on ", "commit_fence"),
            nothing,
            "{plan}"
        );
        // The dedupe keys of the epoch before, a repeat's event by either id, and its key.
        for (probe, tables) in [
            ("using dedupe_1_pkey on dedupe_1 before", 1),
            ("using dedupe_2_pkey on dedupe_2 known", 1),
            ("message_id_idx on events_", 18),
            ("comment_id_idx on events_", 18),
            ("accounts_pkey on accounts known", 1),
        ] {
            assert_eq!(lines(&plan, probe, "?").len(), tables, "{probe} in {plan}");
        }
    }
}

#[tokio::test]
async fn the_cost_of_a_batch_grows_with_its_length_and_not_its_square() {
    let world = World::create().await;
    let plan = world.writer().await.plan().await;
    // A nested loop's second part runs for each row of the first: here it is always the fence.
    let all: Vec<_> = plan.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    for (place, line) in all.iter().enumerate() {
        if line.contains("Nested Loop") {
            let below = all[place + 1..]
                .iter()
                .take_while(|next| depth(next) > depth(line));
            let second = below.filter(|next| depth(next) == depth(line) + 6).nth(1);
            assert!(second.unwrap().contains("CTE Scan on fence"), "{plan}");
        }
    }
    assert_eq!(lines(&plan, "(SubPlan", "IS NULL").len(), 1, "{plan}");
    assert!(plan.contains("NOT (hashed SubPlan"), "{plan}");
}

/// Twice what Meta says it sends at most.
#[tokio::test]
async fn two_thousand_items_in_one_delivery_are_one_commit() {
    let world = World::create().await;
    let events: Vec<_> = (0..2_000).map(comment).collect();
    let mut session = world.writer().await;
    for _ in 0..2 {
        session.commit(&[delivery(events.clone())]).await;
    }
    assert_eq!(world.sizes().await, [2, 2_000, 2_000]);
}
