//! Consumers over the admin listener: workers lease events, settle them, and share lanes.

mod life;
mod refusals;
mod reparsed;
mod replays;
mod retries;
mod settling;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{
    eventually,
    message::messages,
    server::{Answer, Server, apps},
};

const ACCOUNT: &str = "17840000000000001";

/// A consumer that reads messages from the beginning. Retries come after a second, or much later.
const BOT: &str = "[consumers.bot]\nkinds = ['message']\nstart = 'beginning'\n";
const SOON: &str = "backoff = '1s..1s'\n";
const LATE: &str = "backoff = '15m..15m'\n";

/// A server with the consumer `bot`.
struct Desk {
    server: Server,
}

impl Desk {
    async fn open() -> Self {
        Self::open_with(SOON).await
    }

    /// A desk whose consumer has these further lines.
    async fn open_with(lines: &str) -> Self {
        let configuration = format!("{}{BOT}{lines}", apps(["default"]));
        Self::of(Server::start_with(&configuration).await).await
    }

    /// A desk at a server whose consumer serves.
    async fn of(server: Server) -> Self {
        let desk = Self { server };
        eventually("the consumer serves", async || {
            desk.post("settle", json!({})).await.status == 200
        })
        .await;
        desk
    }

    /// A person sends messages, in one delivery.
    async fn say(&self, person: &str, mids: &[&str]) {
        let said: Vec<_> = mids.iter().map(|mid| (*mid, "hello")).collect();
        let body = messages(person, ACCOUNT, &said);
        assert_eq!(self.server.deliver("/webhook", body).await.status, 200);
    }

    /// Sends a request to the consumer.
    async fn post(&self, verb: &str, body: Value) -> Answer {
        let path = format!("/v1/consumers/bot/{verb}");
        let call = ("POST", path.as_str());
        self.server.send_admin(call, &[], body.to_string()).await
    }

    /// Leases events, which must succeed.
    async fn lease(&self, body: Value) -> Vec<Leased> {
        leased(&self.post("lease", body).await)
    }

    /// Leases one event of a worker that waits for it.
    async fn next(&self) -> Leased {
        let mut events = self.lease(json!({"max": 1, "wait_s": 30})).await;
        events.pop().expect("an event in time")
    }

    /// Leases up to 10 events that are available now; their message ids.
    async fn available(&self) -> Vec<String> {
        let events = self.lease(json!({})).await;
        events.iter().map(|it| it.mid().to_owned()).collect()
    }

    /// Settles leases; the results in order.
    async fn settle(&self, body: Value) -> Vec<String> {
        let answer = self.post("settle", body).await;
        let body = json_of(&answer);
        assert_eq!(answer.status, 200, "{body}");
        let results = body["results"].as_array().unwrap().iter();
        let results = results.map(|it| it["result"].as_str().unwrap().to_owned());
        results.collect()
    }

    async fn ack(&self, event: &Leased) -> String {
        self.settle(json!({"acks": [event.lease()]}))
            .await
            .remove(0)
    }

    /// A worker acks events until there are none for a second; their message ids.
    async fn work(&self, worker: &str) -> Vec<String> {
        let mut done = Vec::new();
        loop {
            let body = json!({"max": 2, "wait_s": 1, "worker": worker});
            let events = self.lease(body).await;
            if events.is_empty() {
                return done;
            }
            let leases: Vec<_> = events.iter().map(Leased::lease).collect();
            let results = self.settle(json!({"acks": leases})).await;
            assert!(results.iter().all(|it| it == "acked"), "{results:?}");
            done.extend(events.iter().map(|it| it.mid().to_owned()));
        }
    }

    /// State of the consumer.
    async fn state(&self) -> Value {
        let answer = self.server.ask_admin("/v1/consumers/bot").await;
        let state = json_of(&answer);
        assert_eq!(answer.status, 200, "{state}");
        state
    }
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

/// Events of an answer.
fn leased(answer: &Answer) -> Vec<Leased> {
    let body = json_of(answer);
    assert_eq!(answer.status, 200, "{body}");
    let events = body["events"].as_array().unwrap().iter();
    events.cloned().map(Leased).collect()
}

/// An event that was handed out.
#[derive(Clone, Debug)]
struct Leased(Value);

impl Leased {
    fn lease(&self) -> &str {
        self.0["lease"].as_str().unwrap()
    }

    fn mid(&self) -> &str {
        self.0["event"]["message_id"].as_str().unwrap()
    }

    /// Attempt, and if the event was handed out before.
    fn tried(&self) -> (i64, bool) {
        let (attempt, again) = (&self.0["attempt"], &self.0["redelivered"]);
        (attempt.as_i64().unwrap(), again.as_bool().unwrap())
    }
}

fn mids(events: &[Leased]) -> Vec<&str> {
    events.iter().map(Leased::mid).collect()
}

#[tokio::test]
async fn an_event_is_handed_out_once_and_never_again_after_its_ack() {
    let desk = Desk::open().await;
    desk.say("1", &["a"]).await;
    let event = desk.next().await;
    assert_eq!((event.mid(), event.tried()), ("a", (1, false)));
    assert_eq!(event.0["replay"], Value::Null);
    let listed = json_of(&desk.server.ask_admin("/v1/events?after=0").await);
    assert_eq!(event.0["event"], listed["events"][0]);
    assert_eq!(desk.available().await, [""; 0], "it is out");
    assert_eq!(desk.ack(&event).await, "acked");
    assert_eq!(desk.available().await, [""; 0]);
    let (_, directory, place) = desk.server.stop();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    desk.say("1", &["b"]).await;
    assert_eq!(desk.next().await.mid(), "b", "the ack outlives a restart");
}

#[tokio::test]
async fn events_of_a_lane_come_one_after_the_other() {
    let desk = Desk::open().await;
    desk.say("1", &["a", "b"]).await;
    desk.say("2", &["x"]).await;
    eventually("both lanes are read", async || {
        desk.state().await["lag"]["positions"] == 0
    })
    .await;
    let first = desk.lease(json!({"max": 100})).await;
    assert_eq!(mids(&first), ["a", "x"]);
    let result = desk
        .settle(json!({"acks": [{"lease": first[0].lease()}]}))
        .await;
    assert_eq!(result, ["acked"]);
    assert_eq!(desk.next().await.mid(), "b");
}

#[tokio::test]
async fn two_workers_share_the_lanes() {
    let desk = Desk::open().await;
    for person in 0..6 {
        desk.say(
            &person.to_string(),
            &[&format!("{person}-1"), &format!("{person}-2")],
        )
        .await;
    }
    let (first, second) = tokio::join!(desk.work("w1"), desk.work("w2"));
    let all: BTreeSet<_> = first.iter().chain(&second).collect();
    assert_eq!(all.len(), 12, "{first:?} {second:?}");
    for done in [first, second] {
        for person in 0..6 {
            let place = |number| {
                done.iter()
                    .position(|mid| *mid == format!("{person}-{number}"))
            };
            let (head, next) = (place(1), place(2));
            assert!(head.is_none() || next.is_none() || head < next, "{done:?}");
        }
    }
}
