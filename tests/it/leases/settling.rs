//! Answers to settlements, retries, and lost leases.

use super::*;

#[tokio::test]
async fn a_nack_delays_its_lane_and_no_other() {
    let desk = Desk::open_with(LATE).await;
    desk.say("1", &["a", "b"]).await;
    let failed = desk.next().await;
    let nack = json!({"lease": failed.lease(), "delay_s": 1, "code": "graph_429"});
    assert_eq!(desk.settle(json!({"nacks": [nack]})).await, ["waiting"]);
    let state = desk.state().await;
    assert_eq!(state["waiting"], 1);
    let lane = &state["lanes"][0];
    assert_eq!(lane["head"], failed.0["event"]["position"]);
    assert_eq!(
        (&lane["attempts"], &lane["code"]),
        (&json!(1), &json!("graph_429"))
    );
    desk.say("2", &["x", "y"]).await;
    let other = desk.next().await;
    assert_eq!(
        (other.mid(), desk.ack(&other).await.as_str()),
        ("x", "acked")
    );
    let other = desk.next().await;
    assert_eq!(
        (other.mid(), desk.ack(&other).await.as_str()),
        ("y", "acked")
    );
    let again = desk.next().await;
    assert_eq!((again.mid(), again.tried()), ("a", (2, true)));
    assert_eq!(desk.ack(&again).await, "acked");
    assert_eq!(desk.next().await.mid(), "b");
    assert_eq!(desk.state().await["waiting"], 0);
}

#[tokio::test]
async fn an_expired_lease_is_handed_out_again_and_the_first_worker_loses_it() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let slow = desk
        .lease(json!({"wait_s": 30, "lease_s": 1}))
        .await
        .remove(0);
    let again = desk.next().await;
    assert_eq!((again.mid(), again.tried()), ("a", (2, true)));
    assert_eq!(desk.ack(&slow).await, "lost");
    assert_eq!(desk.ack(&again).await, "acked");
    assert_eq!(desk.ack(&again).await, "already");
}

#[tokio::test]
async fn an_ack_after_the_end_of_its_lease_counts_if_nobody_else_has_the_event() {
    let desk = Desk::open_with(LATE).await;
    desk.say("1", &["a"]).await;
    let slow = desk
        .lease(json!({"wait_s": 30, "lease_s": 1}))
        .await
        .remove(0);
    eventually("the lease expires", async || {
        desk.state().await["lanes"][0]["code"] == "expired"
    })
    .await;
    assert_eq!(desk.ack(&slow).await, "acked");
    assert_eq!(desk.ack(&slow).await, "already");
}

#[tokio::test]
async fn an_extended_lease_goes_on() {
    let desk = Desk::open().await;
    desk.say("1", &["a", "b"]).await;
    let event = desk
        .lease(json!({"wait_s": 30, "lease_s": 1}))
        .await
        .remove(0);
    let longer = json!({"lease": event.lease(), "lease_s": 600});
    assert_eq!(
        desk.settle(json!({"extends": [longer]})).await,
        ["extended"]
    );
    // The wait is longer than the first lease and the backoff.
    assert!(desk.lease(json!({"wait_s": 3})).await.is_empty());
    assert_eq!(
        desk.settle(json!({"extends": [event.lease()]})).await,
        ["extended"]
    );
    assert_eq!(desk.ack(&event).await, "acked");
    assert_eq!(
        desk.settle(json!({"extends": [event.lease()]})).await,
        ["already"]
    );
}

#[tokio::test]
async fn an_event_without_attempts_left_is_a_dead_letter_and_its_lane_goes_on() {
    let desk = Desk::open_with("max_attempts = 2\nbackoff = '1s..1s'\n").await;
    desk.say("1", &["a", "b", "c"]).await;
    let nack = async |code: &str| {
        let event = desk.next().await;
        let result = desk
            .settle(json!({"nacks": [{"lease": event.lease(), "code": code}]}))
            .await;
        (event.mid().to_owned(), result)
    };
    let told = |mid: &str, result: &str| (mid.to_owned(), vec![result.to_owned()]);
    assert_eq!(nack("first").await, told("a", "waiting"));
    assert_eq!(nack("second").await, told("a", "dead"));
    let next = desk.next().await;
    let buried = json!({"dead": [{"lease": next.lease(), "code": "blocked"}]});
    assert_eq!(
        (next.mid(), desk.settle(buried).await),
        ("b", vec!["dead".to_owned()])
    );
    assert_eq!(desk.ack(&next).await, "already");
    assert_eq!(desk.next().await.mid(), "c");
    let state = desk.state().await;
    assert_eq!(
        (&state["dead_letters"], &state["dead"]),
        (&json!(2), &json!(2))
    );
}

#[tokio::test]
async fn results_come_in_the_order_of_the_lists() {
    let desk = Desk::open_with(LATE).await;
    for person in ["1", "2", "3", "4"] {
        desk.say(person, &[&format!("mid-{person}")]).await;
    }
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(desk.next().await.lease().to_owned());
    }
    let body = json!({
        "dead": [leases[0]], "extends": [leases[1]], "nacks": [leases[2]], "acks": [leases[3]],
    });
    let answer = json_of(&desk.post("settle", body).await);
    let results = answer["results"].as_array().unwrap().iter();
    let results: Vec<_> = results.map(|it| (&it["lease"], &it["result"])).collect();
    let [dead, extended, waiting, acked] =
        ["dead", "extended", "waiting", "acked"].map(Value::from);
    let leases: Vec<_> = leases.into_iter().map(Value::from).collect();
    let expected = [
        (&leases[3], &acked),
        (&leases[2], &waiting),
        (&leases[1], &extended),
        (&leases[0], &dead),
    ];
    assert_eq!(results, expected);
}

#[tokio::test]
async fn a_modified_lease_is_unknown_and_changes_nothing() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let event = desk.next().await;
    let lease = event.lease();
    let changed = |at: usize| {
        let mut bytes = lease.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut forged: Vec<_> = (0..lease.len()).map(changed).collect();
    let others = [
        "",
        "x",
        "bot",
        "ä",
        "\0",
        &lease[1..],
        &lease[..lease.len() - 1],
    ];
    forged.extend(others.map(str::to_owned));
    forged.push(format!("{lease}A"));
    forged.push("x".repeat(100_000));
    let results = desk
        .settle(json!({"acks": forged, "nacks": forged[..9]}))
        .await;
    let known: Vec<_> = results.iter().filter(|it| *it != "unknown").collect();
    assert!(known.is_empty(), "{results:?}");
    assert_eq!(desk.ack(&event).await, "acked");
}

#[tokio::test]
async fn the_events_of_a_worker_that_restarted_are_available_at_once() {
    let desk = Desk::open_with(LATE).await;
    desk.say("1", &["a"]).await;
    desk.say("2", &["b"]).await;
    desk.say("3", &["c"]).await;
    let of = |worker: &str| json!({"max": 1, "wait_s": 30, "worker": worker});
    let held = [desk.lease(of("w1")).await, desk.lease(of("w1")).await].concat();
    let other = desk.lease(of("w2")).await;
    let answer = json_of(&desk.post("release", json!({"worker": "w1"})).await);
    assert_eq!(answer, json!({"released": 2}));
    let again = desk.lease(json!({"wait_s": 30, "worker": "w1"})).await;
    assert_eq!(mids(&again), mids(&held));
    assert!(again.iter().all(|it| it.tried().1), "{again:?}");
    assert_eq!(
        desk.ack(&held[0]).await,
        "lost",
        "the worker had another lease"
    );
    assert_eq!(
        desk.ack(&other[0]).await,
        "acked",
        "the other worker keeps its event"
    );
    let none = json_of(&desk.post("release", json!({"worker": "w3"})).await);
    assert_eq!(none, json!({"released": 0}));
}
