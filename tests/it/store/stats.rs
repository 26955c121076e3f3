//! Hourly counts match the rows, whatever is committed and however the counting is batched.

use hookshelf::{
    meta::event::{Event, Kind, Source},
    store::{
        self, Connection, Delivery,
        follow::{Follower, Start, Turn},
        stats::{self, Hourly},
    },
};
use jiff::SignedDuration;

use super::{
    PATIENCE, World,
    items::{ago, comment, delivery, delivery_at, key, plain},
};

/// Differences between `stats_hourly` and the counted rows.
pub(super) const WRONG: &str = "
    WITH rows AS (
        SELECT received_at, app, account_id, kind, source, 1 AS new, 0 AS again FROM events
        UNION ALL
        SELECT received_at, app, account_id, kind, source, 0, 1 FROM repeats
    ), right_counts AS (
        SELECT date_trunc('hour', received_at, 'UTC') AS hour, app,
               coalesce(account_id, '') AS account_id, kind, source,
               sum(new)::bigint AS events, sum(again)::bigint AS repeats
        FROM rows GROUP BY 1, 2, 3, 4, 5
    ), counts AS (SELECT hour, app, account_id, kind, source, events, repeats FROM stats_hourly)
    SELECT 'missing ' || m FROM (SELECT * FROM right_counts EXCEPT SELECT * FROM counts) AS m
    UNION ALL
    SELECT 'wrong ' || w FROM (SELECT * FROM counts EXCEPT SELECT * FROM right_counts) AS w";

/// Deterministic pseudo-random numbers.
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }
}

/// A random event out of few, so that many repeat, for one of a few accounts or none.
fn any_event(numbers: &mut Numbers) -> Event {
    let kind = Kind::ALL[numbers.below(4) as usize];
    let number = numbers.below(12);
    let account = numbers.below(4);
    Event {
        account_id: (account > 0).then(|| format!("1784{account}").into()),
        dedupe_key: key(kind, number * 4 + account),
        ..plain(kind, number)
    }
}

pub(super) fn any_delivery(numbers: &mut Numbers) -> Delivery {
    let events = (0..numbers.below(5)).map(|_| any_event(numbers)).collect();
    let minutes = match numbers.below(4) {
        0 => i64::from(numbers.below(5 * 24 * 60)) - 24 * 60,
        _ => i64::from(numbers.below(50)),
    };
    let mut delivery = delivery_at(ago(SignedDuration::from_mins(minutes)), events);
    delivery.envelope.app = ["default", "other"][numbers.below(2) as usize].into();
    delivery.source = [Source::Live, Source::Test, Source::Simulated][numbers.below(3) as usize];
    delivery
}

pub(super) async fn counting(world: &World) -> Connection {
    let session = store::connect_follower(&world.db.options(), PATIENCE).await;
    session.unwrap()
}

/// Counts until the follower is idle.
pub(super) async fn count(world: &World, limit: u32) {
    let mut follower = Follower::new(stats::NAME, Start::Beginning, limit);
    let mut session = counting(world).await;
    while follower.turn(&mut session, &mut Hourly).await.unwrap() != Turn::Idle {}
}

#[tokio::test]
async fn counts_are_those_of_the_rows_whatever_arrives() {
    for seed in [1, 2, 3] {
        let world = World::create().await;
        let mut writer = world.writer().await;
        let mut numbers = Numbers(seed);
        for _ in 0..25 {
            let size = numbers.below(6);
            let batch: Vec<_> = (0..size).map(|_| any_delivery(&mut numbers)).collect();
            writer.commit(&batch).await;
            if numbers.below(3) == 0 {
                count(&world, numbers.below(20) + 1).await;
            }
        }
        count(&world, 1_000).await;
        assert_eq!(
            world.texts(WRONG).await,
            Vec::<String>::new(),
            "seed {seed}"
        );
        let [_, events, repeats] = world.sizes().await;
        assert!(
            events > 20 && repeats > 20,
            "{events} events, {repeats} repeats"
        );
    }
}

#[tokio::test]
async fn an_event_without_an_account_is_counted_under_none() {
    let world = World::create().await;
    let nobody = Event {
        account_id: None,
        ..comment(1)
    };
    world
        .writer()
        .await
        .commit(&[delivery(vec![nobody.clone(), nobody])])
        .await;
    count(&world, 10).await;
    let rows = "SELECT '[' || account_id || '] ' || events || ' ' || repeats FROM stats_hourly";
    assert_eq!(world.texts(rows).await, ["[] 1 1"]);
}
