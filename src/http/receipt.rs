//! State of a delivery in flight. Ensures exactly one outcome for each delivery.

use std::{net::IpAddr, sync::Arc, time::Instant};

use axum::http::HeaderMap;
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

use super::{AppKeys, AppState, ack::verdict, headers, in_flight::InFlightGuard};
use crate::{
    envelope::Envelope,
    ingest::{
        Failure, Outcome, Rejection,
        arrivals::{Arrival, Items},
        gaps::Sighting,
    },
    meta::{networks, signature::VerifiedBody},
    quarantine,
    store::Delivery,
    telemetry::{DeliverySettled, LogEvent, SignatureMatched},
};

/// A delivery in flight. Records the outcome when the delivery is settled, or on drop if it never
/// is: the sender hung up, a panic, or a hard stop.
#[derive(Debug)]
pub(super) struct Receipt {
    /// Without the headers, which go with the delivery.
    envelope: Envelope,
    began: Instant,
    keys: Arc<AppKeys>,
    state: AppState,
    bytes: usize,
    secret: Option<Arc<str>>,
    simulated: bool,
    handed_over: bool,
    settled: bool,
    /// Header that reveals a proxy, noted if the delivery is rejected.
    proxy_header: Option<&'static str>,
    in_flight: InFlightGuard,
    /// Noted only if a display follows.
    items: Option<Items>,
}

impl Receipt {
    /// Creates the id and notes the time.
    pub(super) fn open(state: &AppState, keys: Arc<AppKeys>, from: IpAddr) -> Self {
        let received_at = state.clock().now();
        Self {
            envelope: Envelope {
                id: mint(received_at),
                received_at,
                app: Arc::clone(&keys.name),
                headers: String::new(),
                remote_addr: Some(from),
            },
            began: Instant::now(),
            keys,
            state: state.clone(),
            bytes: 0,
            secret: None,
            simulated: false,
            handed_over: false,
            settled: false,
            proxy_header: None,
            in_flight: state.in_flight().enter(),
            items: None,
        }
    }

    /// The keys of its app at the time of arrival.
    pub(super) fn keys(&self) -> &AppKeys {
        &self.keys
    }

    pub(super) fn from(&self) -> Option<IpAddr> {
        self.envelope.remote_addr
    }

    /// Notes the size of the complete body.
    pub(super) fn read(&mut self, bytes: usize) {
        self.bytes = bytes;
    }

    /// Notes the header that reveals a proxy, for the rejection.
    pub(super) fn note_proxy(&mut self, headers: &HeaderMap) {
        self.proxy_header = headers::proxy(headers);
    }

    /// Notes the matching secret, and the mark of a simulation.
    pub(super) fn verified(&mut self, body: &VerifiedBody, simulated: bool) {
        self.simulated = simulated;
        self.secret = Some(Arc::clone(body.secret()));
        let signed = [body.secret(), body.fingerprint()];
        let (app, at) = (&self.envelope.app, self.envelope.received_at);
        self.state.callbacks().delivery(app, simulated, signed, at);
        let (meter, secret) = (&self.keys.meter, &**body.secret());
        SignatureMatched { meter, secret }.emit();
    }

    /// Notes the items of its body for a display.
    pub(super) fn look_at(&mut self, delivery: &Delivery) {
        if self.state.arrivals().are_followed() {
            self.items = Some(delivery.into());
        }
    }

    /// Returns the envelope with these headers, and true if the delivery is simulated. The caller
    /// hands both to the writer.
    pub(super) fn hand_over(&mut self, headers: String) -> (Envelope, bool) {
        self.handed_over = true;
        (self.envelope_with(headers), self.simulated)
    }

    fn envelope_with(&self, headers: String) -> Envelope {
        Envelope {
            headers,
            ..self.envelope.clone()
        }
    }

    /// Record for the quarantine, if no secret made its signature.
    pub(super) fn refused(&self, headers: &HeaderMap, body: &Bytes) -> quarantine::Record {
        quarantine::Record {
            envelope: self.envelope_with(headers::kept(headers)),
            signature: headers::copied(headers, &headers::SHA256),
            mark: headers::copied(headers, &headers::SIMULATED),
            body: Bytes::copy_from_slice(body),
        }
    }

    /// Records the outcome and returns it.
    pub(super) fn settle(mut self, outcome: Outcome) -> Outcome {
        self.record_outcome(outcome);
        outcome
    }

    fn note_gap(&self, outcome: Outcome) {
        let network = self.envelope.remote_addr.and_then(networks::network);
        let seen = Sighting {
            at: self.envelope.received_at,
            outcome,
            is_simulated: self.simulated,
            is_from_meta: network.as_ref().is_some_and(networks::is_metas),
        };
        self.state.gaps().note(&self.envelope.app, &seen);
    }

    fn record_outcome(&mut self, outcome: Outcome) {
        self.settled = true;
        self.in_flight.ended(outcome);
        self.note_gap(outcome);
        if let Some(reason) = outcome.refusal() {
            let envelope = &self.envelope;
            let (app, from) = (&envelope.app, envelope.remote_addr);
            let tally = self.state.tally();
            tally.count_behind(self.proxy_header, app, reason, from);
        }
        self.state.arrivals().show(|| Arrival {
            at: self.envelope.received_at,
            app: Arc::clone(&self.envelope.app),
            items: self.items.take(),
            outcome,
        });
        let (new, repeated) = match outcome {
            Outcome::Accepted { new, repeated } => (new, repeated),
            Outcome::Unreadable(_)
            | Outcome::Spooled
            | Outcome::Rejected(_)
            | Outcome::Failed(_) => (0, 0),
        };
        DeliverySettled {
            delivery: self.envelope.id,
            meter: &self.keys.meter,
            outcome: outcome.code(),
            reason: outcome.reason(),
            severity: verdict(outcome).1,
            new,
            repeated,
            bytes: self.bytes,
            took: self.began.elapsed(),
            secret: self.secret.as_deref(),
            source: if self.simulated { "simulated" } else { "live" },
        }
        .emit();
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        if !self.settled {
            self.record_outcome(match (std::thread::panicking(), self.handed_over) {
                (true, _) => Outcome::Failed(Failure::Internal),
                (false, true) => Outcome::Failed(Failure::Stopping),
                (false, false) => Outcome::Rejected(Rejection::BodyIncomplete),
            });
        }
    }
}

/// A UUID v7 of the moment the delivery was accepted, by the clock that everything else goes by.
fn mint(at: Timestamp) -> Uuid {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    let nanos = u32::try_from(at.subsec_nanosecond()).unwrap_or_default();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos))
}
