//! A worker of the consumer `bot`, over plain HTTP.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    ledger::{Leased, Ledger, Note, Verb},
    random::Random,
};
use crate::support::{eventually, server::try_ask};

/// Address of the admin listener that workers ask. A restart and a redirect change it.
pub(super) type Address = Arc<Mutex<SocketAddr>>;

/// A worker.
#[derive(Clone, Debug)]
pub(super) struct Worker {
    pub(super) name: String,
    pub(super) address: Address,
    pub(super) ledger: Ledger,
    /// Seconds of its leases.
    pub(super) lease_s: f64,
}

/// An answer: status and body.
pub(super) type Answer = (u16, Value);

impl Worker {
    /// The worker with leases of this many seconds.
    pub(super) fn with_leases(mut self, seconds: f64) -> Self {
        self.lease_s = seconds;
        self
    }

    /// Sends a request, and follows redirects; `None` without an answer.
    pub(super) async fn post(&self, verb: &str, body: &Value) -> Option<Answer> {
        loop {
            let answer = self.post_once(verb, body).await?;
            if answer.0 != 307 {
                return Some(answer);
            }
            *self.address.lock().unwrap() = answer.1.as_str().unwrap().parse().unwrap();
        }
    }

    /// Sends a request. The body of a redirect is its address.
    pub(super) async fn post_once(&self, verb: &str, body: &Value) -> Option<Answer> {
        let path = format!("/v1/consumers/bot/{verb}");
        let address = *self.address.lock().unwrap();
        let request = Request::post(&path).header("Host", "localhost");
        let request = request.body(Full::new(body.to_string().into())).unwrap();
        let answer = try_ask(address, request).await.ok()?;
        let body = match answer.headers.get("Location") {
            Some(there) => {
                let there = there.to_str().unwrap().strip_prefix("http://").unwrap();
                there.strip_suffix(&path).unwrap().into()
            }
            None => serde_json::from_slice(&answer.body).unwrap_or_default(),
        };
        Some((answer.status, body))
    }

    /// Leases up to `max` events; none without an answer of the consumer.
    pub(super) async fn lease(&self, max: usize, wait_s: f64) -> Vec<Leased> {
        let (asked, losses) = (Instant::now(), self.ledger.losses());
        let body = json!({
            "max": max, "wait_s": wait_s, "lease_s": self.lease_s, "worker": self.name,
        });
        let Some((200, answer)) = self.post("lease", &body).await else {
            return Vec::new();
        };
        // The server may have been killed after this answer: its leases are lost, as are those of an
        // answer that did not arrive.
        if self.ledger.losses() != losses {
            return Vec::new();
        }
        let events = answer["events"].as_array().unwrap().iter();
        let events: Vec<_> = events.map(Leased::of).collect();
        for event in &events {
            let until = asked + Duration::from_secs_f64(self.lease_s);
            self.ledger.note(Note::HandedOut(event.clone(), until));
        }
        events
    }

    /// Leases one event, and waits until there is one.
    pub(super) async fn next(&self) -> Leased {
        let mut next = None;
        eventually("an event is handed out", async || {
            next = self.lease(1, 1.0).await.pop();
            next.is_some()
        })
        .await;
        next.unwrap()
    }

    /// The effect of an event happens.
    pub(super) fn effect(&self, event: &Leased) {
        self.ledger.note(Note::Effect(event.key()));
    }

    /// Settles an event, without repeating the request; `None` without an answer.
    pub(super) async fn settle(&self, verb: Verb, event: &Leased) -> Option<String> {
        self.settle_all(verb, std::slice::from_ref(event))
            .await?
            .pop()
    }

    /// Settles events in this order, without repeating the request.
    pub(super) async fn settle_all(&self, verb: Verb, events: &[Leased]) -> Option<Vec<String>> {
        let leases: Vec<_> = events.iter().map(|it| it.lease.clone()).collect();
        for lease in &leases {
            self.ledger.note(Note::Settles(lease.clone(), verb));
        }
        let body = match verb {
            Verb::Ack => json!({"acks": leases}),
            Verb::Nack => json!({"nacks": leases}),
            Verb::Release => panic!("all events of a worker are released together"),
        };
        let (status, answer) = self.post("settle", &body).await?;
        let results = answer["results"].as_array().filter(|_| status == 200)?;
        let results = results
            .iter()
            .map(|it| it["result"].as_str().unwrap().to_owned());
        let results: Vec<_> = results.collect();
        for (lease, result) in leases.into_iter().zip(&results) {
            self.ledger.note(Note::Answered(lease, result.clone()));
        }
        Some(results)
    }

    /// Acks an event, and repeats the request until it is answered.
    pub(super) async fn ack(&self, event: &Leased) -> String {
        let end = Instant::now() + Duration::from_mins(1);
        while Instant::now() < end {
            if let Some(result) = self.settle(Verb::Ack, event).await {
                return result;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("an ack is not answered within a minute: {event:?}");
    }

    /// Does the work of an event: effect and ack.
    pub(super) async fn do_work(&self, event: &Leased) -> String {
        self.effect(event);
        self.ack(event).await
    }

    /// Extends a lease by its time.
    pub(super) async fn extend(&self, event: &Leased) -> Option<String> {
        let asked = Instant::now();
        let body = json!({"extends": [{"lease": event.lease, "lease_s": self.lease_s}]});
        let (_, answer) = self.post("settle", &body).await?;
        let result = answer["results"][0]["result"].as_str()?.to_owned();
        if result == "extended" {
            let until = asked + Duration::from_secs_f64(self.lease_s);
            let note = Note::Extended(event.lease.clone(), until);
            self.ledger.note(note);
        }
        Some(result)
    }

    /// Gives back all events of a worker of this name.
    pub(super) async fn release(&self, held: &[Leased]) {
        for event in held {
            let note = Note::Settles(event.lease.clone(), Verb::Release);
            self.ledger.note(note);
        }
        let answer = self.post("release", &json!({"worker": self.name})).await;
        assert_eq!(answer.unwrap().0, 200);
    }

    /// Works until the end, without faults.
    pub(super) async fn work(self, end: CancellationToken) {
        while !end.is_cancelled() {
            for event in self.lease(20, 0.5).await {
                self.do_work(&event).await;
            }
        }
    }

    /// Works until the end, with faults: failed attempts, restarts before and after the effect,
    /// and settlements that are repeated, in another order, or late.
    pub(super) async fn work_badly(self, mut random: Random, end: CancellationToken) {
        let mut late = Vec::new();
        while !end.is_cancelled() {
            let max = 1 + usize::try_from(random.below(20)).unwrap();
            let mut events = self.lease(max, 0.5).await;
            random.shuffle(&mut events);
            for event in events {
                match random.below(20) {
                    0 => drop(self.settle(Verb::Nack, &event).await),
                    1 => {}
                    2 => self.effect(&event),
                    3 => {
                        self.effect(&event);
                        late.push(event);
                    }
                    4 => {
                        self.extend(&event).await;
                        self.do_work(&event).await;
                        self.ack(&event).await;
                        self.settle(Verb::Nack, &event).await;
                    }
                    _ => drop(self.do_work(&event).await),
                }
            }
            if random.below(4) == 0 {
                random.shuffle(&mut late);
                self.settle_all(Verb::Ack, &late).await;
                late.clear();
            }
        }
    }
}
