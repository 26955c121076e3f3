//! A consumer with its log, its workers and its database, checked against a model: a map of
//! queues.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::super::{
    Answer, Counts, DeadLetter, Item, LaneIds, LaneKey, Lanes, Lease, Limits, MOST_LATER, Saved,
    SkipReason, Stored, Waiting, Wish, index::Index,
};
use super::code;

/// Unsettled items of each lane, in order.
type Queues = BTreeMap<LaneKey, VecDeque<i64>>;

pub(super) struct World {
    /// Positions with their items; events without an item do not pass the filters.
    log: BTreeMap<i64, Option<Item>>,
    limits: Limits,
    lanes: Lanes,
    queues: Queues,
    database: Database,
    /// The save that has begun, with the queues at that time.
    begun: Option<(Saved, Queues)>,
    /// All leases that were ever given.
    given: Vec<Given>,
    /// Lease of each lane whose item is out.
    out: HashMap<LaneKey, usize>,
    /// Leases that a crash forgot: their items may go out beside them.
    forgotten: HashSet<usize>,
    /// Last lease of each position that the present process gave.
    last: HashMap<i64, usize>,
    process: u64,
    now: Instant,
    /// Limits hold until a crash: heads are then held back in addition.
    is_strict: bool,
    /// Heads are few until lanes are parked, or an item is skipped before its turn.
    has_few_heads: bool,
    /// Lookups under way.
    wishes: Vec<Wish>,
    is_partial: bool,
    /// Number of settlements of items that were not out.
    late: usize,
    /// Times before which items must not go out.
    not_before: HashMap<i64, Instant>,
    /// Last settled items of each lane: those of one settlement.
    settled: HashMap<LaneKey, Vec<i64>>,
}

struct Given {
    lease: Lease,
    worker: u8,
    until: Instant,
    process: u64,
    /// True if the hand-out was undone.
    is_undone: bool,
}

/// Stands for the ids of the item's lane: other ids in each lane.
fn ids_of(item: &Item) -> LaneIds {
    LaneIds::new(&item.lane.to_bits().to_string(), None, None)
}

/// State that a crash does not lose, with the queues at that time.
struct Database {
    position: i64,
    heads: Vec<i64>,
    rows: BTreeMap<i64, Waiting>,
    queues: Queues,
    dead: BTreeMap<i64, DeadLetter>,
    counts: Counts,
}

impl World {
    pub(super) fn new(log: BTreeMap<i64, Option<Item>>, limits: Limits) -> Self {
        let mut queues = Queues::new();
        for item in log.values().flatten() {
            queues
                .entry(item.lane)
                .or_default()
                .push_back(item.position);
        }
        Self {
            log,
            lanes: Lanes::new(0, 0, limits.clone()),
            limits,
            database: Database {
                position: 0,
                heads: Vec::new(),
                rows: BTreeMap::new(),
                queues: queues.clone(),
                dead: BTreeMap::new(),
                counts: Counts::default(),
            },
            queues,
            begun: None,
            given: Vec::new(),
            out: HashMap::new(),
            forgotten: HashSet::new(),
            last: HashMap::new(),
            process: 0,
            now: Instant::now(),
            is_strict: true,
            has_few_heads: true,
            wishes: Vec::new(),
            is_partial: false,
            late: 0,
            not_before: HashMap::new(),
            settled: HashMap::new(),
        }
    }

    pub(super) fn wait(&mut self, time: Duration) {
        self.now += time;
    }

    pub(super) fn read(&mut self, count: usize) {
        let ahead: Vec<_> = self.log.range(self.lanes.read() + 1..).collect();
        for (position, item) in ahead.into_iter().take(count) {
            if !self.lanes.has_room() {
                return;
            }
            match item {
                Some(item) => self.lanes.offer(*item, || ids_of(item)),
                None => self.lanes.pass(*position),
            }
        }
    }

    /// Answers the lookups under way and begins those that are wanted now.
    pub(super) fn look_up(&mut self) {
        for wish in std::mem::take(&mut self.wishes) {
            self.answer(&wish);
        }
        self.wishes = self.lanes.wanted();
    }

    /// Answers a lookup; each second one only for the first half of its positions.
    fn answer(&mut self, wish: &Wish) {
        assert!(wish.after < wish.through && wish.through <= self.lanes.read());
        let mut wish = wish.clone();
        self.is_partial = !self.is_partial;
        if self.is_partial {
            wish.through -= (wish.through - wish.after) / 2;
        }
        let among = self.log.range(wish.after + 1..=wish.through);
        let items = among.filter_map(|(_, item)| *item);
        let items = items.filter(|item| ids_of(item) == wish.ids);
        let first: Vec<_> = items.take(MOST_LATER).collect();
        self.lanes.found(&wish, &first);
    }

    fn item(&self, position: i64) -> Item {
        self.log[&position].unwrap()
    }

    pub(super) fn lease(&mut self, worker: u8, max: usize, time: Duration) {
        self.expire();
        let name = Arc::from(worker.to_string());
        let leases = self.lanes.lease(max, time, &name, self.now);
        self.has_few_heads &= !self.lanes.is_blocked();
        for lease in leases {
            let token = lease.token;
            let first = self.queues[&token.lane].front();
            assert_eq!(first, Some(&token.position), "settled, or out of order");
            let first = self.database.queues[&token.lane].front();
            assert_eq!(
                first,
                Some(&token.position),
                "the item before it is not saved"
            );
            let number = self.given.len();
            let out = self.out.insert(token.lane, number);
            let is_same = |it| self.forgotten.contains(&it) && self.position(it) == token.position;
            assert!(out.is_none_or(is_same), "two items of a lane are out");
            self.last.insert(token.position, number);
            let not_before = self.not_before.get(&token.position);
            assert!(not_before.is_none_or(|time| *time <= self.now));
            let mut sent = self.given.iter().filter(|it| !it.is_undone);
            let is_first = sent.all(|it| it.lease.token.position != token.position);
            assert!(lease.redelivered || is_first);
            self.given.push(Given {
                lease,
                worker,
                until: self.now + time,
                process: self.process,
                is_undone: false,
            });
        }
    }

    pub(super) fn expire(&mut self) {
        self.lanes.expire(self.now);
        let now = self.now;
        for number in self.take_out(|given| given.until <= now) {
            self.count_failure(number);
        }
    }

    pub(super) fn release(&mut self, worker: u8) {
        self.lanes.release(&worker.to_string(), self.now);
        let process = self.process;
        let is_its = |given: &Given| given.worker == worker && given.process == process;
        for number in self.take_out(is_its) {
            if self.given[number].lease.redelivered {
                self.count_failure(number);
            }
        }
    }

    fn position(&self, number: usize) -> i64 {
        self.given[number].lease.token.position
    }

    /// Removes and returns the leases that are out and meet the condition.
    fn take_out(&mut self, condition: impl Fn(&Given) -> bool) -> Vec<usize> {
        let numbers = self.out.values().copied();
        let taken: Vec<_> = numbers.filter(|it| condition(&self.given[*it])).collect();
        self.out.retain(|_, number| !taken.contains(number));
        taken
    }

    /// Settles the item as a dead letter if this was its last attempt.
    fn count_failure(&mut self, number: usize) {
        let Given { lease, process, .. } = &self.given[number];
        let token = lease.token;
        if *process == self.process && token.attempt >= self.limits.max_attempts {
            self.pop(token.lane, token.position);
        }
    }

    fn settle(&mut self, lane: LaneKey, position: i64) {
        self.pop(lane, position);
        self.late += usize::from(self.out.remove(&lane).is_none());
    }

    fn pop(&mut self, lane: LaneKey, position: i64) {
        let first = self.queues.get_mut(&lane).unwrap().pop_front();
        assert_eq!(first, Some(position), "settled before its turn");
        self.settled.insert(lane, vec![position]);
    }

    /// Number of one of the latest leases, if any.
    pub(super) fn lease_before(&self, back: usize) -> Option<usize> {
        self.given.len().checked_sub(1 + back)
    }

    pub(super) fn ack(&mut self, number: usize) {
        let token = self.given[number].lease.token;
        let answer = self.lanes.ack(&token);
        if self.check(number, answer, &[Answer::Acked]) {
            self.settle(token.lane, token.position);
        }
    }

    /// Acks a lease and items behind it: up to `behind` positions after it.
    pub(super) fn ack_through(&mut self, number: usize, behind: i64) {
        let token = self.given[number].lease.token;
        let last = token.position + behind;
        let lane = self.lanes.by_key.get(&token.lane);
        let later = lane.into_iter().flat_map(|lane| &lane.later);
        let later = later.map(|item| item.position).filter(|it| *it <= last);
        let mut all = vec![token.position];
        all.extend(later);
        let is_out = self.is_out(number) && self.given[number].process == self.process;
        let through = self.given[number].lease.through;
        let answer = self.lanes.ack_through(&token, last);
        if self.check(number, answer, &[Answer::Acked]) {
            let mut sent = self.queues[&token.lane].iter();
            let is_known = |it: &&i64| **it <= last.min(through);
            assert!(!is_out || sent.all(|it| !is_known(&it) || all.contains(it)));
            self.has_few_heads &= all.len() == 1;
            self.settle(token.lane, token.position);
            all[1..].iter().for_each(|it| self.pop(token.lane, *it));
            self.settled.insert(token.lane, all);
        }
    }

    pub(super) fn bury(&mut self, number: usize) {
        let token = self.given[number].lease.token;
        let answer = self.lanes.dead(&token, code(), self.now);
        if self.check(number, answer, &[Answer::Dead]) {
            self.settle(token.lane, token.position);
        }
    }

    pub(super) fn nack(&mut self, number: usize, delay: Option<Duration>) {
        let token = self.given[number].lease.token;
        let is_out = self.is_out(number);
        let is_last = token.attempt >= self.limits.max_attempts;
        let answer = self.lanes.nack(&token, delay, code(), self.now);
        let accepted = [Answer::Waiting, Answer::Dead];
        if !self.check(number, answer, &accepted) {
            return;
        }
        if is_out && self.given[number].process == self.process {
            assert_eq!(answer == Answer::Dead, is_last);
        }
        if answer == Answer::Dead {
            assert!(is_last);
            self.settle(token.lane, token.position);
        } else {
            self.out.remove(&token.lane);
        }
    }

    pub(super) fn give_back(&mut self, number: usize, delay: Option<Duration>) {
        let Given { lease, process, .. } = &self.given[number];
        let (token, is_ours) = (lease.token, *process == self.process);
        let answer = self.lanes.give_back(&token, delay, self.now);
        if !self.check(number, answer, &[Answer::Waiting]) {
            return;
        }
        if let Some(delay) = delay.filter(|_| is_ours && self.is_out(number)) {
            self.not_before.insert(token.position, self.now + delay);
            self.late += 1;
        }
        self.out.remove(&token.lane);
    }

    /// Undoes a hand-out of this process.
    pub(super) fn undo(&mut self, number: usize) {
        let Given { lease, process, .. } = &self.given[number];
        let token = lease.token;
        if *process == self.process {
            let answer = self.lanes.undo(&token, self.now);
            self.check(number, answer, &[Answer::Waiting]);
            self.given[number].is_undone |= self.is_out(number);
            self.take_out(|given| given.lease.token == token);
        }
    }

    fn is_out(&self, number: usize) -> bool {
        let token = self.given[number].lease.token;
        self.out.get(&token.lane) == Some(&number)
    }

    pub(super) fn extend(&mut self, number: usize, time: Duration) {
        let token = self.given[number].lease.token;
        let is_out = self.is_out(number);
        let answer = self.lanes.extend(&token, time, self.now);
        let over = [Answer::Waiting, Answer::Lost];
        let accepted: &[_] = if is_out { &[Answer::Extended] } else { &over };
        if self.given[number].process == self.process {
            self.check(number, answer, accepted);
        }
        if answer == Answer::Extended {
            let until = &mut self.given[number].until;
            *until = (self.now + time).max(*until);
        }
    }

    pub(super) fn skip(&mut self, position: i64, reason: SkipReason) {
        if self.lanes.skip(position, reason) {
            let lane = self.item(position).lane;
            self.has_few_heads &= self.out.contains_key(&lane);
            self.settle(lane, position);
        }
    }

    /// Checks an answer; true if the settlement was accepted.
    fn check(&self, number: usize, answer: Answer, accepted: &[Answer]) -> bool {
        let Given { lease, process, .. } = &self.given[number];
        let (position, is_ours) = (lease.token.position, *process == self.process);
        let last = self.last.get(&position);
        if !self.queues[&lease.token.lane].contains(&position) {
            assert_eq!(answer, Answer::Already);
            return false;
        }
        match last {
            Some(last) if *last == number => assert!(accepted.contains(&answer), "{answer:?}"),
            Some(_) => assert_eq!(answer, Answer::Lost),
            None => {
                assert!(!is_ours);
                let refused = matches!(answer, Answer::Lost | Answer::Unknown);
                assert!(refused || accepted.contains(&answer), "{answer:?}");
            }
        }
        accepted.contains(&answer)
    }

    /// Writes the save that has begun, or one of now, and confirms it.
    pub(super) fn save(&mut self) {
        self.begin_save(true);
        let number = self.write();
        self.lanes.saved(number.unwrap());
        self.begun = None;
    }

    /// Begins a save, with or without the lookups that settlements wait for.
    pub(super) fn begin_save(&mut self, is_complete: bool) {
        if self.begun.is_some() {
            return;
        }
        let is_settled = |wish: &Wish| wish.settled;
        while is_complete && let Some(wish) = self.lanes.wanted().into_iter().find(is_settled) {
            self.answer(&wish);
        }
        let saved = self.lanes.save();
        assert!(!self.lanes.is_unsaved());
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
    pub(super) fn write(&mut self) -> Option<u64> {
        let (saved, queues) = self.begun.clone()?;
        let database = &mut self.database;
        for position in saved.removed {
            database.rows.remove(&position);
        }
        for row in saved.waiting {
            database.rows.insert(row.item.position, row);
        }
        for letter in saved.dead {
            database.dead.insert(letter.item.position, letter);
        }
        database.position = saved.position;
        database.heads = saved.heads;
        database.queues = queues;
        database.counts = saved.counts;
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
            assert_eq!(is_unsettled, has_head || !is_read, "{item:?}");
            settled += u64::from(!is_unsettled);
        }
        let Counts { gone, dead, .. } = database.counts;
        assert_eq!(database.counts.settled + gone + dead, settled);
        assert_eq!(database.dead.len() as u64, dead);
    }

    /// Starts the consumer again from its database. A save that had begun is written or lost.
    pub(super) fn crash(&mut self, is_written: bool) {
        if is_written {
            self.write();
        }
        self.begun = None;
        let (database, now) = (&self.database, self.now);
        self.process += 1;
        let heads = database.heads.iter().map(|it| self.item(*it));
        let rows = database.rows.values();
        let stored = Stored {
            generation: self.process,
            position: database.position,
            drawn: self.end(),
            counts: database.counts,
            heads: heads.map(|it| (it, ids_of(&it))).collect(),
            waiting: rows.map(|it| (it.clone(), ids_of(&it.item))).collect(),
        };
        let limits = self.limits.clone();
        self.lanes = Lanes::restore(stored, limits, now);
        self.queues = database.queues.clone();
        self.last.clear();
        self.not_before.clear();
        self.wishes.clear();
        (self.is_strict, self.has_few_heads) = (false, false);
        let is_row_due = |at: &i64| database.rows.get(at).is_some_and(|row| row.due_at <= now);
        let is_known = |at: &i64| database.heads.contains(at) || is_row_due(at);
        let out = self.out.values().copied();
        let forgotten: Vec<_> = out.filter(|it| !is_known(&self.position(*it))).collect();
        self.forgotten.extend(forgotten);
    }

    pub(super) fn check_limits(&self) {
        let (lanes, limits) = (&self.lanes, &self.limits);
        let mut index = Index::new(limits.max_blocked);
        for (key, lane) in &lanes.by_key {
            index.add(*key, lane);
            assert!(lane.later.len() <= MOST_LATER);
            assert!(!lane.is_done() || lane.unsaved.is_some());
        }
        assert_eq!(index, lanes.index);
        let is_settling = lanes.wanted().iter().any(|wish| wish.settled);
        assert_eq!(lanes.is_settling(), is_settling);
        let most = limits.window + MOST_LATER * (limits.max_in_flight + limits.max_blocked);
        assert!(lanes.index.items <= most || !self.is_strict);
        assert!(lanes.in_flight() <= limits.max_in_flight);
        assert!(lanes.waiting() <= limits.max_blocked || !self.is_strict);
    }

    /// Acks everything; nothing may be left.
    pub(super) fn drain(&mut self) {
        for _ in 0..10_000 {
            self.read(usize::MAX);
            self.look_up();
            self.lease(0, usize::MAX, Duration::from_secs(1));
            let out: BTreeSet<_> = self.out.values().copied().collect();
            for number in out {
                self.ack(number);
            }
            self.save();
            self.check_limits();
            if self.is_drained() {
                break;
            }
            let next = self.lanes.next_due(self.now);
            self.now = next.map_or(self.now, |next| next.max(self.now));
        }
        assert!(self.is_drained(), "an item was lost: {:?}", self.lanes);
        assert!(self.database.heads.is_empty() && self.database.rows.is_empty());
    }

    fn is_drained(&self) -> bool {
        let mut queues = self.database.queues.values();
        queues.all(VecDeque::is_empty) && self.database.position == self.end()
    }

    /// Last position of the log.
    fn end(&self) -> i64 {
        self.log.keys().next_back().copied().unwrap_or_default()
    }
}
