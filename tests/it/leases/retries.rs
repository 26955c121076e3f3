//! Dead letters that an operator retries.

use super::*;

/// Events become dead letters at their first failure.
const ONCE: &str = "max_attempts = 1\n";

/// Runs a command about the dead letters of the consumer; its output.
fn dead(desk: &Desk, arguments: &str) -> String {
    let arguments = format!("consumers dead {arguments}");
    let output = desk.server.run(&arguments.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// State of the letter at position 1.
fn letter(desk: &Desk) -> Value {
    let shown = dead(desk, "show bot 1 --json");
    serde_json::from_str::<Value>(&shown).unwrap()["state"].clone()
}

/// A desk with a dead letter, of a message of person 1.
async fn with_letter() -> Desk {
    let desk = Desk::open_with(ONCE).await;
    desk.say("1", &["a"]).await;
    let failed = desk.next().await;
    let nack = json!({"lease": failed.lease(), "code": "graph_429"});
    assert_eq!(desk.settle(json!({"nacks": [nack]})).await, ["dead"]);
    desk
}

#[tokio::test]
async fn a_retried_letter_is_handed_out_again_and_settled() {
    let desk = with_letter().await;
    dead(&desk, "retry bot 1");
    let again = desk.next().await;
    assert_eq!((again.mid(), again.tried()), ("a", (1, true)));
    desk.say("1", &["b"]).await;
    desk.say("2", &["x"]).await;
    let other = desk.next().await;
    assert_eq!(other.mid(), "x");
    assert_eq!(letter(&desk), "retried");
    assert_eq!(desk.ack(&again).await, "acked");
    assert_eq!(letter(&desk), "settled");
    assert_eq!(desk.ack(&again).await, "already");
    assert_eq!(desk.next().await.mid(), "b");
}

#[tokio::test]
async fn a_retried_letter_that_fails_again_is_dead_again() {
    let desk = with_letter().await;
    dead(&desk, "retry bot 1");
    let again = desk.next().await;
    let given_up = json!({"dead": [{"lease": again.lease(), "code": "blocked"}]});
    assert_eq!(desk.settle(given_up).await, ["dead"]);
    assert_eq!(letter(&desk), "dead");
    dead(&desk, "retry bot 1");
    let again = desk.next().await;
    assert_eq!(desk.ack(&again).await, "acked");
    assert_eq!(letter(&desk), "settled");
}
