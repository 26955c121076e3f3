//! Workers that end, that are slow, and whose settlements get lost or come late.

use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    ledger::{Note, Verb},
    random::Random,
    shop::{Shop, Staff},
};

#[tokio::test]
async fn an_event_of_a_worker_that_ended_before_its_effect_goes_to_another() {
    let shop = Shop::open("").await;
    shop.say("7001", 2).await;
    let ended = shop.worker("ended").with_leases(1.0).next().await;
    let other = shop.worker("other");
    let again = other.next().await;
    assert_eq!((again.position, again.redelivered), (ended.position, true));
    assert_eq!(other.do_work(&again).await, "acked");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.repeats, summary.double_effects), (1, 0));
}

#[tokio::test]
async fn an_event_of_a_worker_that_ended_after_its_effect_is_marked_when_it_comes_again() {
    let shop = Shop::open("").await;
    shop.say("7001", 1).await;
    let worker = shop.worker("ends").with_leases(1.0);
    let event = worker.next().await;
    worker.effect(&event);
    let again = shop.worker("other").next().await;
    assert!(again.redelivered, "{again:?}");
    shop.worker("other").do_work(&again).await;
    let summary = shop.closes(Staff::default(), &[]).await;
    assert_eq!((summary.repeats, summary.double_effects), (1, 1));
}

#[tokio::test]
async fn the_events_of_a_worker_that_restarted_come_again_at_once() {
    let shop = Shop::open("").await;
    for person in ["7001", "7002"] {
        shop.say(person, 2).await;
    }
    let worker = shop.worker("w");
    let held = [worker.next().await, worker.next().await];
    worker.release(&held).await;
    let again = [worker.next().await, worker.next().await];
    assert_eq!(
        again.each_ref().map(|it| it.position),
        held.each_ref().map(|it| it.position)
    );
    for (old, new) in held.iter().zip(&again) {
        assert_eq!(worker.do_work(new).await, "acked");
        assert_eq!(worker.ack(old).await, "already");
    }
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (6, 2));
}

#[tokio::test]
async fn a_worker_slower_than_its_lease_loses_the_event_to_the_next_worker() {
    let shop = Shop::open("").await;
    shop.say("7001", 3).await;
    let (slow, other) = (shop.worker("slow").with_leases(1.0), shop.worker("other"));
    let event = slow.next().await;
    let again = other.next().await;
    assert_eq!(again.position, event.position);
    assert_eq!(slow.do_work(&event).await, "lost");
    assert_eq!(other.do_work(&again).await, "acked");
    assert_eq!(slow.ack(&event).await, "already");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (4, 1));
}

#[tokio::test]
async fn an_extended_lease_outlasts_its_first_time() {
    let shop = Shop::open("").await;
    shop.say("7001", 1).await;
    let worker = shop.worker("slow").with_leases(1.0);
    let event = worker.next().await;
    let longer = worker.clone().with_leases(60.0);
    assert_eq!(longer.extend(&event).await.as_deref(), Some("extended"));
    // This wait is longer than the first time of the lease and the backoff.
    assert!(shop.worker("other").lease(1, 2.5).await.is_empty());
    assert_eq!(worker.do_work(&event).await, "acked");
    assert_eq!(shop.closes(Staff::default(), &[]).await.repeats, 0);
}

#[tokio::test]
async fn a_settlement_may_be_repeated_and_come_in_another_order() {
    let shop = Shop::open("").await;
    for person in ["7001", "7002", "7003"] {
        shop.say(person, 2).await;
    }
    shop.until("all lanes are read", |state| state["lag"]["positions"] == 0)
        .await;
    let worker = shop.worker("w");
    let mut events = worker.lease(10, 1.0).await;
    assert_eq!(events.len(), 3);
    for event in &events {
        worker.effect(event);
    }
    events.reverse();
    let twice = [&events[..], &events[..]].concat();
    let answers = worker.settle_all(Verb::Ack, &twice).await.unwrap();
    assert_eq!(answers, [["acked"; 3], ["already"; 3]].concat());
    let answers = worker.settle_all(Verb::Nack, &events).await.unwrap();
    assert_eq!(answers, ["already"; 3]);
    // The ack overtook the nack of the same lease.
    let next = worker.next().await;
    assert_eq!(worker.settle(Verb::Nack, &next).await.unwrap(), "waiting");
    assert_eq!(worker.settle(Verb::Nack, &next).await.unwrap(), "waiting");
    assert_eq!(worker.do_work(&next).await, "acked");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (6, 0));
}

#[tokio::test]
async fn a_settlement_whose_answer_is_lost_is_done() {
    let shop = Shop::open("").await;
    shop.say("7001", 2).await;
    let worker = shop.worker("w");
    let event = worker.next().await;
    worker.effect(&event);
    let mut stream = TcpStream::connect(shop.server().admin).await.unwrap();
    shop.ledger
        .note(Note::Settles(event.lease.clone(), Verb::Ack));
    let body = json!({"acks": [event.lease]}).to_string();
    let head = "POST /v1/consumers/bot/settle HTTP/1.1\r\nHost: localhost\r\nContent-Length:";
    let request = format!("{head} {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.unwrap();
    shop.until("the event is settled", |state| state["settled"] == 1)
        .await;
    drop(stream);
    assert_eq!(worker.ack(&event).await, "already");
    let summary = shop.closes(shop.hire(1), &[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

#[tokio::test]
async fn workers_with_all_faults_lose_and_reorder_nothing() {
    let mut random = Random::seeded();
    let shop = Shop::open("").await;
    let mut staff = shop.hire(1);
    for number in 0..4 {
        let worker = shop.worker(&format!("bad{number}")).with_leases(1.0);
        staff
            .tasks
            .spawn(worker.work_badly(random.fork(), staff.end.clone()));
    }
    for _ in 0..60 {
        let person = (7001 + random.below(12)).to_string();
        shop.say(&person, 1 + usize::try_from(random.below(8)).unwrap())
            .await;
    }
    let summary = shop.closes(staff, &[]).await;
    assert!(summary.repeats > 0, "{summary:?}");
}
