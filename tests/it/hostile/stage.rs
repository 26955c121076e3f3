//! A server under attack, and a sender of valid deliveries.

use std::{cell::Cell, future::Future, time::Duration};

use hookshelf::meta::signature::sign;
use secrecy::SecretString;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{
    eventually,
    message::message,
    server::{SECRET, Server, apps},
    wire::{Wire, post},
};

/// Documented limit for the answer to a valid delivery.
const IN_TIME: Duration = Duration::from_secs(4);

/// Documented maximum memory of a connection, without its body.
const CONNECTION: u64 = 48 << 10;

/// Memory for ordinary work: prepared statements, caches, fragmentation.
const WORK: u64 = 8 << 20;

/// A server under attack.
pub(super) struct Stage {
    pub(super) server: Server,
    limits: Limits,
    memory_at_first: u64,
    delivered: Cell<usize>,
}

/// Keys of `[http]` that bound memory and time.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: u64,
    pub(super) body_budget: u64,
    pub(super) header_timeout: u64,
    pub(super) body_timeout: u64,
    /// Limit of open files of the server, if lower than usual.
    pub(super) files: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1000,
            body_budget: 8 << 20,
            header_timeout: 2,
            body_timeout: 2,
            files: None,
        }
    }
}

impl Limits {
    fn configuration(self) -> String {
        let Self {
            connections,
            body_budget,
            header_timeout,
            body_timeout,
            ..
        } = self;
        format!(
            "[http]\nmax_connections = {connections}\nbody_budget_bytes = {body_budget}\n\
             header_timeout_seconds = {header_timeout}\nbody_timeout_seconds = {body_timeout}\n"
        )
    }
}

/// A signed delivery of one message.
pub(super) fn good(mid: &str) -> Vec<u8> {
    let body = message(mid, "Still open?");
    let signature = signature(body.as_bytes());
    let headers = [("x-hub-signature-256", &*signature)];
    post("/webhook", &headers, body.as_bytes())
}

/// Valid signature of a body.
pub(super) fn signature(body: &[u8]) -> String {
    sign(&SecretString::from(SECRET), body)
}

impl Stage {
    pub(super) async fn open() -> Self {
        Self::with(Limits::default()).await
    }

    pub(super) async fn with(limits: Limits) -> Self {
        let configuration = limits.configuration() + apps(["default"]).as_str();
        let server = match limits.files {
            None => Server::start_with(&configuration).await,
            Some(files) => Server::start_with_files(&configuration, files).await,
        };
        let mut stage = Self {
            server,
            limits,
            memory_at_first: 0,
            delivered: Cell::new(0),
        };
        for _ in 0..20 {
            stage.deliver(&mut stage.wire().await).await;
        }
        stage.memory_at_first = stage.server.memory().now;
        stage
    }

    /// Memory in bytes before the attack.
    pub(super) fn memory_at_first(&self) -> u64 {
        self.memory_at_first
    }

    pub(super) async fn wire(&self) -> Wire {
        Wire::to(self.server.public).await
    }

    /// Sends valid deliveries while `attack` runs, on a kept connection and on new ones. Each must
    /// be acked in time.
    pub(super) async fn endures<T>(&self, attack: impl Future<Output = T>) -> T {
        let mut kept = self.wire().await;
        self.deliver(&mut kept).await;
        let over = Cell::new(false);
        let delivering = async {
            while !over.get() {
                self.deliver(&mut self.wire().await).await;
            }
        };
        // Runs concurrently, because the kept connection must not idle too long while a new
        // connection takes its time.
        let delivering_again = async {
            while !over.get() {
                self.deliver(&mut kept).await;
            }
        };
        let attacking = async {
            let outcome = attack.await;
            over.set(true);
            outcome
        };
        tokio::join!(attacking, delivering, delivering_again).0
    }

    async fn deliver(&self, wire: &mut Wire) {
        let number = self.delivered.get();
        self.delivered.set(number + 1);
        let delivery = good(&format!("mid.good.{number}"));
        let answer = timeout(IN_TIME, wire.ask(delivery)).await;
        let answer = answer.unwrap_or_else(|_| panic!("delivery {number} is not acked in time"));
        assert_eq!(answer.bare(), 200, "delivery {number}");
    }

    /// Runs `count` attacking clients at once while valid deliveries continue.
    pub(super) async fn endures_many<F>(&self, count: usize, client: impl Fn(Wire) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let attack = async {
            let mut clients = JoinSet::new();
            for _ in 0..count {
                clients.spawn(client(self.wire().await));
            }
            clients.join_all().await
        };
        self.endures(attack).await;
    }

    /// Waits until `count` connections were closed for `reason`.
    pub(super) async fn closed(&self, reason: &str, count: usize) {
        let labels = format!(r#"{{listener="public",reason="{reason}"}}"#);
        let metric = format!("hookshelf_connections_closed_total{labels}");
        self.counted(&metric, count).await;
    }

    /// Waits until `count` deliveries were rejected for `reason`.
    pub(super) async fn rejected(&self, reason: &str, count: usize) {
        let labels = [
            r#"app="default""#,
            r#"outcome="rejected""#,
            &format!(r#"reason="{reason}""#),
            r#"source="live""#,
        ]
        .join(",");
        self.counted(&format!("hookshelf_deliveries_total{{{labels}}}"), count)
            .await;
    }

    /// Waits until `metric` is exactly `count`; panics if it is larger.
    async fn counted(&self, metric: &str, count: usize) {
        eventually(&format!("{metric} {count}"), async || {
            let counted = self.metric(metric).await;
            assert!(counted <= count, "{metric} is {counted} already");
            counted == count
        })
        .await;
    }

    /// Value of a metric on the admin listener.
    pub(super) async fn metric(&self, metric: &str) -> usize {
        let shown = self.server.ask_admin("/metrics").await.body;
        let shown = String::from_utf8(shown.to_vec()).unwrap();
        let mut lines = shown.lines().filter_map(|line| line.strip_prefix(metric));
        lines
            .next()
            .map_or(0, |value| value.trim().parse().unwrap())
    }

    /// Checks that memory stayed within the configured limits and that each valid delivery is
    /// stored.
    pub(super) async fn close(self) {
        let most = self.server.memory().most;
        let Limits {
            connections,
            body_budget,
            ..
        } = self.limits;
        let bound = self.memory_at_first + WORK + body_budget + connections * CONNECTION;
        println!(
            "memory: {} at first, {most} at most, bound {bound}",
            self.memory_at_first
        );
        assert!(most < bound, "{most} bytes of memory, more than {bound}");
        let count = "SELECT count(*) FROM events WHERE message_id LIKE 'mid.good.%'";
        let stored: i64 = sqlx::query_scalar(count)
            .fetch_one(&mut self.server.database().await)
            .await
            .unwrap();
        let stored = usize::try_from(stored).unwrap();
        assert_eq!(stored, self.delivered.get(), "each was stored once");
    }
}
