//! Replays: stored events that are read again and go out as extras, at the rate of the replay.
//!
//! The first running replay goes on. The others that are in memory were paused: their extras stay,
//! and those that are out may still be settled.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::Desk;
use crate::{
    config::Rate,
    forward::{
        Bucket,
        consumer::ReplayStatus,
        lanes::{Ended, EndedExtra, Item, Lanes, MOST_REPLAYED, Origin, Saved, SkipReason},
    },
    store::{
        consumers::EventRow,
        replays::{Replay, ReplayChoice, ReplayProgress, ReplayState},
    },
};

/// Number of events in a page, and of those in memory at which the next page is read.
const PAGE: u32 = 256;
const FEW: usize = 64;

/// Replays in memory.
#[derive(Debug, Default)]
pub(super) struct Replays {
    all: BTreeMap<i32, Replaying>,
    /// The one that goes on.
    active: Option<i32>,
}

/// A replay with its progress.
#[derive(Debug)]
struct Replaying {
    choice: Arc<ReplayChoice>,
    rate: Option<Rate>,
    bucket: Bucket,
    /// Number of events of the plan.
    events: i64,
    /// Position up to which events were read, and the last position.
    read: i64,
    through: i64,
    /// Events that were read, and are not offered.
    ahead: VecDeque<Ahead>,
    /// Number of next events whose hand-out a crash may have forgotten.
    unsure: usize,
    settled: i64,
    skipped: i64,
    dead: i64,
    is_cancelled: bool,
    /// Progress of the last write.
    written: Option<ReplayProgress>,
}

/// Event of a replay at its turn: it goes out, or is skipped.
#[derive(Clone, Copy, Debug)]
struct Ahead {
    item: Item,
    skipped: Option<SkipReason>,
}

/// Question for the next events of a replay.
#[derive(Clone, Debug)]
pub struct ReplayWish {
    /// Number of the replay.
    pub replay: i32,
    /// The events.
    pub choice: Arc<ReplayChoice>,
    /// Position after which they lie.
    pub after: i64,
    /// Last position at which they lie.
    pub through: i64,
    /// Maximum number of events.
    pub limit: u32,
}

impl Desk {
    /// Takes the replays of an earlier owner, each with the events at its heads, and the events of
    /// retried letters. Those in `leases` are out; without `leases`, all of them may be out.
    pub fn restore_extras(
        &mut self,
        replays: &[(Replay, Vec<Item>)],
        retried: &[Item],
        leases: Option<&BTreeMap<i64, Duration>>,
        now: Instant,
    ) {
        let is_running = |it: &&Replay| it.state == ReplayState::Running;
        let first = replays.iter().map(|(replay, _)| replay).find(is_running);
        self.replays.active = first.map(|replay| replay.id);
        self.lanes.play(self.replays.active);
        for (replay, heads) in replays {
            let replaying = self.replays.add(replay);
            replaying.unsure = leases.map_or(MOST_REPLAYED, |_| 0);
            for item in heads {
                let origin = Origin::Replay(replay.id);
                self.lanes.restore_extra(*item, origin, leases, now);
            }
            if replay.state.has_ended() {
                replaying.cancel();
                self.lanes.drop_replay(replay.id);
            }
        }
        for item in retried {
            if !self.lanes.is_live(item) {
                self.lanes.restore_extra(*item, Origin::Retry, leases, now);
            }
        }
    }

    /// Numbers of the replays in memory.
    pub fn replays(&self) -> Vec<i32> {
        self.replays.all.keys().copied().collect()
    }

    /// Takes the stored states of the replays in memory, and of the first running one.
    pub fn set_replays(&mut self, stored: &[Replay]) {
        let is_running = |it: &&Replay| it.state == ReplayState::Running;
        let first = stored.iter().find(is_running);
        if let Some(replay) = first {
            self.replays.add(replay);
        }
        self.replays.active = first.map(|replay| replay.id);
        self.lanes.play(self.replays.active);
        for (id, replay) in &mut self.replays.all {
            let has_ended = |it: &Replay| it.state.has_ended();
            if stored.iter().find(|it| it.id == *id).is_none_or(has_ended) {
                replay.cancel();
                self.lanes.drop_replay(*id);
            }
        }
        self.replays.forget_cancelled(&self.lanes);
    }

    /// Question for the next events, unless enough are in memory. A replay does not overtake the
    /// live events.
    pub fn replay_wish(&self) -> Option<ReplayWish> {
        let (id, replay) = self.replays.active()?;
        let through = replay.through.min(self.lanes.read());
        let is_due = replay.ahead.len() <= FEW && replay.read < through;
        is_due.then(|| ReplayWish {
            replay: id,
            choice: Arc::clone(&replay.choice),
            after: replay.read,
            through,
            limit: PAGE,
        })
    }

    /// True if a replay goes on.
    pub fn is_replaying(&self) -> bool {
        self.replays.active.is_some()
    }

    /// Takes the events that answer a question, all of them up to `through`.
    pub fn replay_found<'c>(
        &mut self,
        wish: &ReplayWish,
        (events, through): (&[EventRow], i64),
        client: impl Fn(&EventRow) -> Option<&'c str>,
    ) {
        let ahead = events.iter().map(|event| Ahead {
            item: self.settings.item(event),
            skipped: self.skip_of(event, client(event), &wish.choice),
        });
        let ahead: Vec<_> = ahead.collect();
        let Some(replay) = self.replays.all.get_mut(&wish.replay) else {
            return;
        };
        if replay.read == wish.after && !replay.is_cancelled {
            replay.read = through;
            replay.ahead.extend(ahead);
        }
    }

    /// Reason for skipping an event of a replay.
    fn skip_of(
        &mut self,
        event: &EventRow,
        client: Option<&str>,
        choice: &ReplayChoice,
    ) -> Option<SkipReason> {
        if !self.settings.chooses(event, client) {
            return Some(SkipReason::Filtered);
        }
        let is_too_old = !choice.ignore_max_age && self.is_too_old(event);
        is_too_old.then_some(SkipReason::TooOld)
    }

    /// Offers events of the replay, as many as have room and as its rate allows. Events that the
    /// consumer has not settled are skipped: they come live.
    pub fn offer_replayed(&mut self, now: Instant) {
        while let Some((id, replay)) = self.replays.active_mut()
            && let Some(Ahead { item, skipped }) = replay.ahead.front().copied()
        {
            if skipped.is_some() || self.lanes.is_live(&item) {
                replay.skipped += 1;
            } else {
                let is_due = replay.next_offer(now) <= now;
                if !is_due || !self.lanes.offer_extra(item, Origin::Replay(id)) {
                    return;
                }
                replay.take_token(now);
                if replay.unsure > 0 {
                    replay.unsure -= 1;
                    self.lanes.remember_extra(item.position);
                }
            }
            replay.ahead.pop_front();
            if skipped == Some(SkipReason::TooOld) {
                self.lanes.count_skipped(SkipReason::TooOld);
                self.note_skip(SkipReason::TooOld);
            }
        }
    }

    /// Time at which the rate of the replay allows its next event, if one is waiting for that.
    pub(super) fn next_replayed(&self, now: Instant) -> Option<Instant> {
        let (_, replay) = self.replays.active()?;
        let next = (!replay.ahead.is_empty()).then(|| replay.next_offer(now));
        next.filter(|next| *next > now)
    }

    /// True if the event goes out whatever its age.
    pub(super) fn ignores_age(&self, origin: Origin) -> bool {
        match origin {
            Origin::Retry => true,
            Origin::Replay(id) => {
                let replay = self.replays.all.get(&id);
                replay.is_some_and(|replay| replay.choice.ignore_max_age)
            }
        }
    }

    /// True if a replay has come to its end, and this is not part of a write.
    pub(super) fn is_replay_ending(&self) -> bool {
        let mut replays = self.replays.all.iter();
        replays.any(|(id, replay)| {
            let is_written = replay.written.as_ref().is_some_and(|it| it.is_done);
            replay.is_read() && !is_written && !self.lanes.has_replayed(*id)
        })
    }

    /// State of the replay that goes on.
    pub(super) fn replay_status(&self) -> Option<ReplayStatus> {
        let (id, replay) = self.replays.active()?;
        Some(ReplayStatus {
            id,
            events: replay.events,
            position: replay.position(),
            through: replay.through,
            settled: replay.settled,
            skipped: replay.skipped,
            dead: replay.dead,
        })
    }
}

impl Replays {
    /// Adds a replay, unless it is in memory.
    fn add(&mut self, replay: &Replay) -> &mut Replaying {
        self.all
            .entry(replay.id)
            .or_insert_with(|| Replaying::new(replay))
    }

    fn active(&self) -> Option<(i32, &Replaying)> {
        let id = self.active?;
        Some((id, self.all.get(&id)?))
    }

    fn active_mut(&mut self) -> Option<(i32, &mut Replaying)> {
        let id = self.active?;
        Some((id, self.all.get_mut(&id)?))
    }

    /// Counts the extras that ended in a save. Returns the progress that has changed since the last
    /// one.
    pub(super) fn save(&mut self, saved: &Saved) -> Vec<ReplayProgress> {
        for ended in &saved.ended {
            if let Origin::Replay(id) = ended.origin
                && let Some(replay) = self.all.get_mut(&id)
            {
                replay.count(ended);
            }
        }
        let mut changed = Vec::new();
        for (id, replay) in &mut self.all {
            let heads = saved.replayed.iter().filter(|(of, _)| of == id);
            let progress = replay.progress(*id, heads.map(|(_, head)| *head).collect());
            if replay.written.as_ref() != Some(&progress) {
                changed.push(progress.clone());
                replay.written = Some(progress);
            }
        }
        changed
    }

    /// Forgets the replays whose end was written.
    pub(super) fn written(&mut self, written: &[ReplayProgress], lanes: &mut Lanes) {
        for progress in written.iter().filter(|it| it.is_done) {
            self.all.remove(&progress.id);
            if self.active == Some(progress.id) {
                self.active = None;
                lanes.play(None);
            }
        }
        self.forget_cancelled(lanes);
    }

    fn forget_cancelled(&mut self, lanes: &Lanes) {
        self.all
            .retain(|id, replay| !replay.is_cancelled || lanes.has_extras(*id));
    }
}

impl Replaying {
    fn new(replay: &Replay) -> Self {
        Self {
            choice: Arc::new(replay.choice.clone()),
            rate: replay.rate.map(|count| Rate {
                count,
                per: Duration::from_secs(1),
            }),
            bucket: Bucket::default(),
            events: replay.events,
            read: replay.position,
            through: replay.through,
            ahead: VecDeque::new(),
            unsure: 0,
            settled: replay.settled,
            skipped: replay.skipped,
            dead: replay.dead,
            is_cancelled: false,
            written: Some(ReplayProgress {
                id: replay.id,
                position: replay.position,
                is_done: false,
                heads: replay.heads.clone(),
                settled: replay.settled,
                skipped: replay.skipped,
                dead: replay.dead,
            }),
        }
    }

    /// Position up to which events were offered.
    fn position(&self) -> i64 {
        let next = self.ahead.front();
        next.map_or(self.read, |next| next.item.position - 1)
    }

    /// True if all events were offered.
    fn is_read(&self) -> bool {
        !self.is_cancelled && self.position() >= self.through
    }

    fn next_offer(&self, now: Instant) -> Instant {
        self.rate.map_or(now, |rate| self.bucket.next(rate, now))
    }

    fn take_token(&mut self, now: Instant) {
        if let Some(rate) = self.rate {
            self.bucket.take(rate, now);
        }
    }

    fn cancel(&mut self) {
        self.read = self.position();
        self.ahead.clear();
        self.is_cancelled = true;
    }

    fn count(&mut self, ended: &EndedExtra) {
        let count = match ended.outcome {
            Ended::Settled => &mut self.settled,
            Ended::Skipped | Ended::TakenOver => &mut self.skipped,
            Ended::Dead => &mut self.dead,
        };
        *count += 1;
    }

    fn progress(&self, id: i32, heads: Vec<i64>) -> ReplayProgress {
        ReplayProgress {
            id,
            position: self.position(),
            is_done: self.is_read() && heads.is_empty(),
            heads,
            settled: self.settled,
            skipped: self.skipped,
            dead: self.dead,
        }
    }
}

#[cfg(test)]
mod tests;
