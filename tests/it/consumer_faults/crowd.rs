//! Many events for one person, while other persons go on.

use super::shop::Shop;
use crate::support::eventually;

#[tokio::test]
async fn ten_thousand_events_of_one_person_delay_nobody_else() {
    let shop = Shop::open("").await;
    for _ in 0..50 {
        shop.say("7000", 200).await;
    }
    let busy = shop.worker("busy");
    let first = busy.next().await;
    for person in 7001..7041 {
        shop.say(&person.to_string(), 3).await;
    }
    let staff = shop.hire(3);
    eventually("all others are done", async || shop.ledger.effects() == 120).await;
    let state = shop.state().await;
    assert_eq!(
        (&state["in_flight"], &state["settled"]),
        (&1.into(), &120.into())
    );

    busy.do_work(&first).await;
    eventually("the person goes on", async || shop.ledger.effects() > 140).await;
    staff.end.cancel();
    staff.tasks.join_all().await;
    let done = i64::try_from(shop.ledger.effects() - 120).unwrap();
    let mut events = shop.events().await;
    let last = first.position + done;
    events.retain(|(position, lane)| !lane.ends_with("/7000") || *position < last);
    shop.ledger.check(&events);
}
