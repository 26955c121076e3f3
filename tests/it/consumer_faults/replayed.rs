//! A replay beside live events, on a server that is killed.

use super::{
    random::Random,
    shop::{Shop, Staff},
};
use crate::support::eventually;

/// Slow enough for some kills.
const REPLAY: [&str; 8] = [
    "replay", "--to", "bot", "--kind", "message", "--rate", "40", "--yes",
];

/// Several persons send some messages each.
async fn talk(shop: &Shop, random: &mut Random, deliveries: usize) {
    for _ in 0..deliveries {
        let person = (7001 + random.below(15)).to_string();
        let count = 1 + usize::try_from(random.below(4)).unwrap();
        shop.say(&person, count).await;
    }
}

#[tokio::test]
async fn a_replay_beside_live_events_loses_and_reorders_nothing_over_kills() {
    let mut random = Random::seeded();
    let mut shop = Shop::open("lease = '1s'\n").await;
    let mut staff: Staff = shop.hire(3);
    talk(&shop, &mut random, 80).await;
    shop.has_settled_all().await;
    let first = shop.events().await.len();
    let output = shop.server().run(&REPLAY);
    assert!(output.status.success(), "{output:?}");
    let bad = shop.worker("bad").with_leases(1.0);
    staff
        .tasks
        .spawn(bad.work_badly(random.fork(), staff.end.clone()));
    for _ in 0..6 {
        talk(&shop, &mut random, 15).await;
        let moment = shop.ledger.effects() + usize::try_from(random.below(40)).unwrap();
        eventually("some effects happen, or all", async || {
            let all = first + shop.events().await.len();
            shop.ledger.effects() >= moment.min(all)
        })
        .await;
        shop.restart();
    }
    shop.until_replayed(1).await;
    let summary = shop.closes(staff, &[]).await;
    assert_eq!(summary.replayed, first, "{summary:?}");
}
