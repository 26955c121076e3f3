//! Limits of deliveries and of connections.

use std::{sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::config;

/// Limits of a delivery.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of one body: `http.max_body_bytes`.
    pub max_body_bytes: usize,
    /// Maximum time from the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// Bytes of all bodies in flight together.
    pub body_budget_bytes: usize,
    /// Most connections with a body in flight: `http.max_connections`.
    pub connections: usize,
    /// Time from the end of the body to the answer.
    pub answer_within: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Arc<[IpNet]>,
}

/// Meta wants an answer within 5 seconds; Hookshelf promises 4 and keeps a margin.
const ANSWER_WITHIN: Duration = Duration::from_millis(3_500);

impl From<&config::Http> for Limits {
    fn from(http: &config::Http) -> Self {
        Self {
            max_body_bytes: http.max_body_bytes,
            body_timeout: http.body_timeout,
            body_budget_bytes: http.body_budget_bytes,
            connections: http.max_connections,
            answer_within: ANSWER_WITHIN,
            trusted_proxies: http.trusted_proxies.as_slice().into(),
        }
    }
}

/// Limits of a connection.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// Most open connections.
    pub connections: usize,
    /// True if one more makes the oldest connection without a verified delivery leave; otherwise
    /// the new one is closed at once.
    pub make_room: bool,
    /// Longest time for a head, and of idling between two deliveries.
    pub header_timeout: Duration,
    /// Maximum time until a peer reads an answer.
    pub write_timeout: Duration,
}

/// Answers fit into any socket buffer, so a peer that reads none is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

impl ListenerLimits {
    /// Limits of the admin listener: few and slow clients.
    pub const ADMIN: Self = Self {
        connections: 64,
        make_room: false,
        header_timeout: Duration::from_secs(30),
        write_timeout: WRITE_TIMEOUT,
    };
}

impl From<&config::Http> for ListenerLimits {
    fn from(http: &config::Http) -> Self {
        Self {
            connections: http.max_connections,
            make_room: true,
            header_timeout: http.header_timeout,
            write_timeout: WRITE_TIMEOUT,
        }
    }
}
