//! A consumer with its log, its workers and its database, checked against a model: a map of
//! queues.

mod extras;
mod saves;
mod settle;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::super::{
    BacklogWish, Counts, DeadLetter, Item, LaneIds, LaneKey, Lanes, Lease, Limits, MOST_LATER,
    Origin, Saved, Token, Waiting, Wish, index::Index,
};
use crate::store::consumers::Backlog;

/// Accounts in the log.
const ACCOUNTS: usize = 2;

/// Items in the answer to the lookup of a backlog.
const MOST_READ: usize = 3;

/// Unsettled items of each lane, in order.
type Queues = BTreeMap<LaneKey, VecDeque<i64>>;

pub(super) struct World {
    /// Positions with their items; events without an item do not pass the filters.
    log: BTreeMap<i64, Option<Item>>,
    limits: Limits,
    lanes: Lanes,
    queues: Queues,
    /// Unsettled extras, by position.
    extras: BTreeMap<i64, Origin>,
    /// Position and number of the other replays that have an extra.
    others: BTreeSet<(i64, i32)>,
    /// The replay that goes on.
    active: Option<i32>,
    /// Extras whose settlement is not written.
    ended: BTreeSet<i64>,
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
    backlog_wishes: Vec<BacklogWish>,
    is_partial: bool,
    /// Number of settlements of items that were not out.
    late: usize,
    /// Extras that were settled when they were not out: they hold nothing back.
    late_extras: BTreeSet<i64>,
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

/// Process and number of a save.
type SaveId = (u64, u64);

/// Stands for the ids of the item's lane: other ids in each lane.
fn ids_of(item: &Item) -> LaneIds {
    let (account, lane) = (format!("{:?}", item.account), item.lane.to_bits());
    LaneIds::new("shop", Some(&account), Some(&lane.to_string()))
}

/// State that a crash does not lose, with the queues at that time.
struct Database {
    position: i64,
    heads: Vec<i64>,
    backlogs: Vec<Backlog>,
    rows: BTreeMap<i64, Waiting>,
    queues: Queues,
    /// By save and position: an extra may become a dead letter once more.
    dead: BTreeMap<(SaveId, i64), DeadLetter>,
    counts: Counts,
    /// Extras to hand out: retried letters, and the rest of replays. An event may be both.
    extras: BTreeSet<(i64, Origin)>,
    /// Heads of replays.
    replayed: Vec<(i32, i64)>,
    /// Settled extras, by save and position.
    ended: BTreeSet<(SaveId, i64)>,
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
                backlogs: Vec::new(),
                rows: BTreeMap::new(),
                queues: queues.clone(),
                dead: BTreeMap::new(),
                counts: Counts::default(),
                extras: BTreeSet::new(),
                replayed: Vec::new(),
                ended: BTreeSet::new(),
            },
            queues,
            extras: BTreeMap::new(),
            others: BTreeSet::new(),
            active: None,
            ended: BTreeSet::new(),
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
            backlog_wishes: Vec::new(),
            is_partial: false,
            late: 0,
            late_extras: BTreeSet::new(),
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
            self.has_few_heads &= !self.lanes.is_blocked();
        }
    }

    /// Answers the lookups under way and begins those that are wanted now.
    pub(super) fn look_up(&mut self) {
        for wish in std::mem::take(&mut self.wishes) {
            self.answer(&wish);
        }
        self.wishes = self.lanes.wanted();
        for wish in std::mem::take(&mut self.backlog_wishes) {
            self.read_backlog(wish);
        }
        self.backlog_wishes = self.lanes.wanted_backlogs();
    }

    /// Answers the lookup of a backlog; each second one only for the first half of its positions.
    fn read_backlog(&mut self, mut wish: BacklogWish) {
        assert!(wish.after < wish.through && wish.through <= self.lanes.read());
        self.is_partial = !self.is_partial;
        if self.is_partial {
            wish.through -= (wish.through - wish.after) / 2;
        }
        let among = self.log.range(wish.after + 1..=wish.through);
        let items = among.filter_map(|(_, item)| *item);
        let items = items.filter(|item| ids_of(item).of_account() == wish.ids);
        let most = MOST_READ.min(wish.most);
        let items: Vec<_> = items.take(most).collect();
        if let Some(last) = items.get(most - 1) {
            wish.through = last.position;
        }
        for item in items {
            self.lanes.offer_passed(item, || ids_of(&item));
        }
        self.lanes.passed(&wish);
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
            if token.is_extra() {
                self.check_extra(&lease);
            } else {
                self.check_head(&lease);
            }
            self.check_saved_extras(&lease);
            let number = self.given.len();
            let out = self.out.insert(token.lane, number);
            let is_forgotten = |it| self.forgotten.contains(&it) && self.may_meet(it, &token);
            assert!(out.is_none_or(is_forgotten), "two items of a lane are out");
            self.last.insert(token.position, number);
            let not_before = self.not_before.get(&token.position);
            assert!(not_before.is_none_or(|time| *time <= self.now));
            let mut sent = self.given.iter().filter(|it| !it.is_undone);
            let is_first = sent.all(|it| it.lease.token.position != token.position);
            assert!(lease.redelivered || is_first || token.is_extra());
            self.given.push(Given {
                lease,
                worker,
                until: self.now + time,
                process: self.process,
                is_undone: false,
            });
        }
    }

    /// Checks the hand-out of a head.
    fn check_head(&self, lease: &Lease) {
        let token = lease.token;
        assert_eq!(lease.origin, None);
        let first = self.queues[&token.lane].front();
        assert_eq!(first, Some(&token.position), "settled, or out of order");
        let first = self.database.queues[&token.lane].front();
        assert_eq!(
            first,
            Some(&token.position),
            "the item before it is not saved"
        );
    }

    /// True if an item may go out beside a lease of its lane that a crash forgot.
    fn may_meet(&self, forgotten: usize, token: &Token) -> bool {
        let other = self.given[forgotten].lease.token;
        other.position == token.position || other.is_extra() || token.is_extra()
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
            self.end(&token);
        }
    }

    fn settle(&mut self, token: Token) {
        self.end(&token);
        let is_late = !self.remove_out(&token);
        self.late += usize::from(is_late && !token.is_extra());
        if is_late && token.is_extra() {
            self.late_extras.insert(token.position);
        }
    }

    fn end(&mut self, token: &Token) {
        if token.is_extra() {
            let origin = self.extras.remove(&token.position);
            assert!(origin.is_some(), "settled twice");
            self.others.retain(|(at, _)| *at != token.position);
            self.ended.insert(token.position);
        } else {
            self.pop(token.lane, token.position);
        }
    }

    /// Ends the hand-out of an item; false if it is not out.
    fn remove_out(&mut self, token: &Token) -> bool {
        let of = |it: &Token| (it.position, it.is_extra());
        let is_its = |given: &Given| of(&given.lease.token) == of(token);
        !self.take_out(is_its).is_empty()
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

    pub(super) fn check_limits(&self) {
        let (lanes, limits) = (&self.lanes, &self.limits);
        let mut index = Index::new(limits.max_blocked);
        for (key, lane) in &lanes.by_key {
            index.add(*key, lane);
            assert!(lane.later.len() <= MOST_LATER);
            assert!(!lane.is_done() || lane.unsaved.is_some());
        }
        assert_eq!(index, lanes.index);
        self.check_held();
        let is_settling = lanes.wanted().iter().any(|wish| wish.settled);
        assert_eq!(lanes.is_settling(), is_settling);
        let most = limits.window + MOST_LATER * (limits.max_in_flight + limits.max_blocked);
        let most = most + ACCOUNTS * (limits.max_in_flight + 1 + MOST_READ);
        assert!(lanes.index.items <= most || !self.is_strict);
        assert!(lanes.in_flight() <= limits.max_in_flight);
        assert!(lanes.waiting() <= limits.max_blocked || !self.is_strict);
    }

    /// Acks everything; nothing may be left.
    pub(super) fn drain(&mut self) {
        for turn in 0..10_000 {
            self.play(Some(turn % 3));
            self.offer_again();
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
        let is_empty = queues.all(VecDeque::is_empty) && self.database.extras.is_empty();
        is_empty && self.database.position == self.last_position()
    }

    /// Last position of the log.
    fn last_position(&self) -> i64 {
        self.log.keys().next_back().copied().unwrap_or_default()
    }
}
