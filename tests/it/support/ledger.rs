//! Ledger of hand-outs and settlements, as workers see them, and its checker.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use serde_json::Value;

/// Number of a replay, 0 for live, and position of an event.
pub(crate) type Key = (u64, i64);

/// Notes of all workers of a test, in order. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    notes: Arc<Mutex<Vec<(Instant, Note)>>>,
    losses: Arc<AtomicUsize>,
}

/// An event that was handed out.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) lease: String,
    pub(crate) position: i64,
    /// Account and person of the event.
    pub(crate) lane: String,
    pub(crate) attempt: u64,
    pub(crate) redelivered: bool,
    /// Number of the replay that handed the event out, 0 for none.
    pub(crate) replay: u64,
}

/// Part of the ledger.
#[derive(Clone, Debug)]
pub(crate) enum Note {
    /// A worker got an event. Its lease was valid at least until this time.
    HandedOut(Leased, Instant),
    /// The effect of an event happened.
    Effect(Key),
    /// A worker sends a settlement.
    Settles(String, Verb),
    /// The server answered a settlement.
    Answered(String, String),
    /// The server extended a lease, until this time at least.
    Extended(String, Instant),
    /// All leases may be lost from now on: a server was killed.
    LeasesLost,
    /// Events may be handed out once more, although they are settled: a head was purged.
    Rewound,
}

/// Settlement of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Ack,
    Nack,
    /// The worker gives all its events back.
    Release,
}

/// Result of a check.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Number of hand-outs.
    pub(crate) hand_outs: usize,
    /// Number of hand-outs of an event that was handed out before.
    pub(crate) repeats: usize,
    /// Number of effects of an event after its first one.
    pub(crate) double_effects: usize,
    /// Number of events that replays handed out.
    pub(crate) replayed: usize,
}

impl Leased {
    /// The event as the server shows it.
    pub(crate) fn of(shown: &Value) -> Self {
        let event = &shown["event"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            lease: text(&shown["lease"]),
            position: text(&event["position"]).parse().unwrap(),
            lane: format!(
                "{}/{}",
                text(&event["account_id"]),
                text(&event["person_id"])
            ),
            attempt: shown["attempt"].as_u64().unwrap(),
            redelivered: shown["redelivered"].as_bool().unwrap(),
            replay: shown["replay"].as_u64().unwrap_or_default(),
        }
    }

    pub(crate) fn key(&self) -> Key {
        (self.replay, self.position)
    }
}

impl Ledger {
    pub(crate) fn note(&self, note: Note) {
        if matches!(note, Note::LeasesLost) {
            self.losses.fetch_add(1, Ordering::SeqCst);
        }
        self.notes.lock().unwrap().push((Instant::now(), note));
    }

    /// Number of times that leases were lost.
    pub(crate) fn losses(&self) -> usize {
        self.losses.load(Ordering::SeqCst)
    }

    /// Number of events whose effect happened.
    pub(crate) fn effects(&self) -> usize {
        let notes = self.notes.lock().unwrap();
        let effects = notes.iter().filter_map(|(_, note)| match note {
            Note::Effect(event) => Some(*event),
            _ => None,
        });
        effects.collect::<HashSet<_>>().len()
    }

    /// Checks the whole ledger of a consumer that has settled all. `events` are all events that the
    /// consumer wants, each with its lane, except those that it may skip. Events that a replay hands
    /// out count on their own, but share their lanes with the live ones.
    pub(crate) fn check(&self, events: &[(i64, String)]) -> Summary {
        let notes = self.notes.lock().unwrap();
        let mut audit = Audit::default();
        for (number, (at, note)) in notes.iter().enumerate() {
            if let Err(fault) = audit.take(*at, note) {
                let same_lane = notes[..=number].iter().filter(|(_, it)| {
                    matches!((it, note), (Note::HandedOut(a, _), Note::HandedOut(b, _)) if a.lane == b.lane)
                });
                panic!("{fault}: {note:?}\n{:#?}", same_lane.collect::<Vec<_>>());
            }
        }
        for (position, lane) in events {
            let event = audit.events.get(&(0, *position));
            let is_done = event.is_some_and(Event::is_complete);
            assert!(is_done, "{position} of {lane} is lost: {event:?}");
        }
        let replayed = audit.events.iter().filter(|((replay, _), _)| *replay > 0);
        for (key, event) in replayed {
            assert!(event.is_complete(), "{key:?} is lost: {event:?}");
            audit.summary.replayed += 1;
        }
        audit.summary
    }
}

/// State of the checker.
#[derive(Debug, Default)]
struct Audit {
    lanes: HashMap<String, Lane>,
    events: HashMap<Key, Event>,
    leases: HashMap<String, Lease>,
    summary: Summary,
}

#[derive(Debug, Default)]
struct Lane {
    /// Last position by replay.
    last: HashMap<u64, i64>,
    /// Last lease of the lane.
    out: Option<String>,
}

#[derive(Debug, Default)]
struct Event {
    hand_outs: usize,
    effects: usize,
    /// An ack was sent: the event may be settled.
    is_done: bool,
    /// An answer said that it is settled.
    is_settled: bool,
}

impl Event {
    fn is_complete(&self) -> bool {
        self.effects > 0 && self.is_done
    }
}

#[derive(Debug)]
struct Lease {
    event: Key,
    until: Instant,
    /// Last settlement that was sent.
    settles: Option<Verb>,
    /// Number of settlements that were sent.
    sends: usize,
    is_lost: bool,
}

impl Lease {
    /// True if no other worker may have got the event or a later one of its lane.
    fn is_valid(&self, now: Instant) -> bool {
        now < self.until && !self.is_lost && self.settles.is_none()
    }

    /// True if the event may go out again.
    fn is_over(&self, now: Instant) -> bool {
        let is_back = matches!(self.settles, Some(Verb::Nack | Verb::Release));
        now >= self.until || self.is_lost || is_back
    }
}

impl Audit {
    fn take(&mut self, now: Instant, note: &Note) -> Result<(), &'static str> {
        match note {
            Note::HandedOut(event, until) => self.hand_out(event, now, *until),
            Note::Effect(event) => {
                let event = self.events.entry(*event).or_default();
                self.summary.double_effects += usize::from(event.effects > 0);
                event.effects += 1;
                Ok(())
            }
            Note::Settles(lease, verb) => self.settles(lease, *verb),
            Note::Answered(lease, answer) => self.answered(lease, answer, now),
            Note::Extended(lease, until) => {
                let lease = self
                    .leases
                    .get_mut(lease)
                    .ok_or("extended without a lease")?;
                lease.until = lease.until.max(*until);
                Ok(())
            }
            Note::LeasesLost => {
                self.leases.values_mut().for_each(|it| it.is_lost = true);
                Ok(())
            }
            Note::Rewound => {
                self.leases.values_mut().for_each(|it| it.is_lost = true);
                self.lanes.clear();
                self.events
                    .values_mut()
                    .for_each(|it| it.is_settled = false);
                Ok(())
            }
        }
    }

    fn hand_out(&mut self, new: &Leased, now: Instant, until: Instant) -> Result<(), &'static str> {
        let lane = self.lanes.entry(new.lane.clone()).or_default();
        let event = self.events.entry(new.key()).or_default();
        if event.is_settled {
            return Err("handed out after it was settled");
        }
        let last = lane.last.entry(new.replay).or_default();
        if new.position < *last {
            return Err("handed out after a later event of its lane");
        }
        if event.hand_outs > 0 && !new.redelivered {
            return Err("handed out again without a mark");
        }
        if let Some(out) = lane.out.as_ref().map(|lease| &self.leases[lease]) {
            if out.is_valid(now) {
                return Err("handed out while its lane has a valid lease");
            }
            if out.event == new.key() && !out.is_over(now) {
                return Err("handed out again although its settlement was sent in time");
            }
            let is_settled = matches!(out.settles, Some(Verb::Ack));
            let is_ahead = out.event.0 == new.replay && out.event.1 < new.position;
            if is_ahead && !is_settled && !self.events[&out.event].is_done {
                return Err("handed out before the event ahead of it was settled");
            }
        }
        let event = self.events.entry(new.key()).or_default();
        self.summary.hand_outs += 1;
        self.summary.repeats += usize::from(event.hand_outs > 0);
        event.hand_outs += 1;
        *last = new.position;
        lane.out = Some(new.lease.clone());
        let lease = Lease {
            event: new.key(),
            until,
            settles: None,
            sends: 0,
            is_lost: false,
        };
        self.leases.insert(new.lease.clone(), lease);
        Ok(())
    }

    fn settles(&mut self, lease: &str, verb: Verb) -> Result<(), &'static str> {
        let lease = self
            .leases
            .get_mut(lease)
            .ok_or("settled without a lease")?;
        if matches!(verb, Verb::Ack) {
            self.events.entry(lease.event).or_default().is_done = true;
        }
        lease.settles = Some(verb);
        lease.sends += 1;
        Ok(())
    }

    fn answered(&mut self, lease: &str, answer: &str, now: Instant) -> Result<(), &'static str> {
        let lease = &self.leases[lease];
        let event = self.events.entry(lease.event).or_default();
        match answer {
            "already" if !event.is_done => return Err("settled by nobody"),
            "acked" | "already" => event.is_settled = true,
            "lost" if now < lease.until && !lease.is_lost && lease.sends < 2 => {
                return Err("a valid lease is lost");
            }
            "unknown" if !lease.is_lost => return Err("a lease is unknown"),
            _ => {}
        }
        Ok(())
    }
}
