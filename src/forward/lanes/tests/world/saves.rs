//! Saves, crashes, and checks of the database of the model.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::{Database, World, ids_of};
use crate::forward::lanes::{Counts, Ended, EndedExtra, Lanes, Origin, Stored, Token, Wish};
use crate::store::consumers::Backlog;

impl World {
    /// Writes the save that has begun, or one of now, and confirms it.
    pub(in super::super) fn save(&mut self) {
        self.begin_save(true);
        let number = self.write();
        self.lanes.saved(number.unwrap());
        self.begun = None;
    }

    /// Begins a save, with or without the lookups that settlements wait for.
    pub(in super::super) fn begin_save(&mut self, is_complete: bool) {
        if self.begun.is_some() {
            return;
        }
        let is_settled = |wish: &Wish| wish.settled;
        while is_complete && let Some(wish) = self.lanes.wanted().into_iter().find(is_settled) {
            self.answer(&wish);
        }
        let saved = self.lanes.save();
        assert!(!self.lanes.is_unsaved());
        let mut ended = saved.ended.iter().filter(|it| has_ended(it));
        assert!(ended.all(|it| !self.extras.contains_key(&it.position)));
        let of_replay = |(position, origin): (&i64, &Origin)| Some((origin.replay()?, *position));
        let mut replayed: Vec<_> = self.extras.iter().filter_map(of_replay).collect();
        replayed.extend(self.others.iter().map(|(at, replay)| (*replay, *at)));
        replayed.sort_unstable();
        assert_eq!(saved.replayed, replayed);
        let few = 2 * self.limits.max_in_flight + self.late;
        assert!(saved.heads.len() <= few || !self.has_few_heads);
        let mut queues = self.queues.clone();
        for wish in self.lanes.wanted().into_iter().filter(is_settled) {
            let queue = queues.get_mut(&wish.lane).unwrap();
            let unknown = self.settled[&wish.lane].iter().rev();
            unknown.for_each(|position| queue.push_front(*position));
        }
        self.begun = Some((saved, queues));
    }

    /// Writes the save that has begun, if any, once more if it was written; returns its number.
    pub(in super::super) fn write(&mut self) -> Option<u64> {
        let (saved, queues) = self.begun.clone()?;
        let save = (self.process, saved.number);
        let database = &mut self.database;
        for position in saved.removed {
            database.rows.remove(&position);
        }
        for row in saved.waiting {
            database.rows.insert(row.item.position, row);
        }
        for letter in saved.dead {
            let key = (save, letter.item.position);
            database.dead.insert(key, letter);
        }
        for ended in saved.ended {
            let position = ended.position;
            database.extras.remove(&(position, ended.origin));
            if matches!(ended.outcome, Ended::Settled | Ended::Dead) {
                database.extras.remove(&(position, Origin::Retry));
            }
            if has_ended(&ended) {
                database.ended.insert((save, position));
                self.ended.remove(&position);
            }
        }
        database.position = saved.position;
        database.heads = saved.heads;
        database.backlogs = saved.backlogs;
        database.queues = queues;
        database.counts = saved.counts;
        database.replayed = saved.replayed;
        self.check_database();
        Some(saved.number)
    }

    /// Checks that position, heads and rows describe the queues, and that each item was settled
    /// once.
    fn check_database(&self) {
        let database = &self.database;
        assert!(database.heads.is_sorted());
        let positions = database.heads.iter().chain(database.rows.keys());
        let heads: Vec<_> = positions.map(|it| (self.item(*it).lane, *it)).collect();
        let by_lane: HashMap<_, _> = heads.iter().copied().collect();
        assert_eq!(by_lane.len(), heads.len(), "two heads of a lane");
        let mut settled = 0;
        for item in self.log.values().flatten() {
            let is_behind = |head: &i64| *head <= item.position;
            let has_head = by_lane.get(&item.lane).is_some_and(is_behind);
            let is_unsettled = database.queues[&item.lane].contains(&item.position);
            let is_read = item.position <= database.position;
            let is_passed = |it: &Backlog| {
                it.after < item.position && self.item(it.last).account == item.account
            };
            let is_passed = database.backlogs.iter().any(is_passed);
            assert_eq!(is_unsettled, has_head || is_passed || !is_read, "{item:?}");
            settled += u64::from(!is_unsettled);
        }
        let Counts { gone, dead, .. } = database.counts;
        settled += database.ended.len() as u64;
        assert_eq!(database.counts.settled + gone + dead, settled);
        assert_eq!(database.dead.len() as u64, dead);
    }

    /// Ends in order, and starts again. No lease is forgotten.
    pub(in super::super) fn restart(&mut self) {
        self.expire();
        // One of the two is a save of now.
        self.save();
        self.save();
        let leases = self.lanes.leases(self.now);
        let forgotten = self.forgotten.clone();
        self.start(leases.as_ref());
        assert_eq!(self.forgotten, forgotten);
    }

    /// Starts the consumer again from its database. A save that had begun is written or lost.
    pub(in super::super) fn crash(&mut self, is_written: bool) {
        if is_written {
            self.write();
        }
        self.begun = None;
        self.start(None);
    }

    /// Starts the consumer from its database, with these leases.
    fn start(&mut self, leases: Option<&BTreeMap<i64, Duration>>) {
        let (database, now) = (&self.database, self.now);
        let drawn = if leases.is_some() {
            database.position
        } else {
            self.last_position()
        };
        self.process += 1;
        let heads = database.heads.iter().map(|it| self.item(*it));
        let rows = database.rows.values();
        let backlog = |saved: Backlog| {
            let item = self.item(saved.last);
            (saved, item, ids_of(&item))
        };
        let stored = Stored {
            generation: self.process,
            position: database.position,
            drawn,
            counts: database.counts,
            heads: heads.map(|it| (it, ids_of(&it))).collect(),
            backlogs: database.backlogs.iter().map(|it| backlog(*it)).collect(),
            waiting: rows.map(|it| (it.clone(), ids_of(&it.item))).collect(),
            leases: leases.cloned(),
        };
        let limits = self.limits.clone();
        self.lanes = Lanes::restore(stored, limits, now);
        self.queues = database.queues.clone();
        self.last.clear();
        self.not_before.clear();
        self.ended.clear();
        self.wishes.clear();
        self.backlog_wishes.clear();
        (self.is_strict, self.has_few_heads) = (false, false);
        let is_row_due = |at: &i64| database.rows.get(at).is_some_and(|row| row.due_at <= now);
        let is_known = |at: &i64| database.heads.contains(at) || is_row_due(at);
        let is_known = |token: &Token| match self.extras.get(&token.position) {
            Some(origin) if token.is_extra() => {
                let others = self.others.iter().filter(|(at, _)| *at == token.position);
                let mut others = others.map(|(_, replay)| Origin::Replay(*replay));
                let knows = |origin| database.knows(token.position, origin);
                knows(*origin) || others.any(knows)
            }
            _ => is_known(&token.position),
        };
        let out = self.out.values().copied();
        let forgotten = out.filter(|it| !is_known(&self.given[*it].lease.token));
        let forgotten: Vec<_> = forgotten.collect();
        self.forgotten.extend(forgotten);
        self.restore_extras(leases);
    }
}

/// True if the event of the extra is settled.
fn has_ended(ended: &EndedExtra) -> bool {
    ended.outcome != Ended::TakenOver
}

impl Database {
    /// True if a restart knows that the extra may be out.
    pub(super) fn knows(&self, position: i64, origin: Origin) -> bool {
        match origin {
            Origin::Retry => true,
            Origin::Replay(number) => self.replayed.contains(&(number, position)),
        }
    }
}
