//! Stored events read again with the present parser, after an upgrade.
//!
//! The place of its item in the body identifies an event. Items are read from the stored bodies;
//! events whose kind or problem differs today are moved to the end of the log by
//! [`store::reparse`](crate::store::reparse).

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use uuid::Uuid;

use crate::{
    meta::{
        event::{Event, Problem},
        split::{self, Context},
    },
    store::{
        ConnectOptions, Error,
        read::{EventFilter, Reader},
        reparse::{Change, ItemRow, Moved, Session, differs},
    },
};

/// Maximum number of events of one transaction, which holds the fence for some 15 milliseconds.
const AT_ONCE: usize = 200;

/// Maximum number of items of one query.
const ITEMS: u32 = 1_000;

/// Reading of stored events with the present parser.
#[derive(Debug)]
pub struct Reparse {
    session: Session,
    filter: EventFilter,
    days: Vec<Date>,
}

/// Kind of an event with its problem, such as `unknown` or `message (unsafe_text)`.
pub type Reading = String;

/// Result of reading events again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Number of events read.
    pub events: u64,
    /// Numbers of events to change, by the stored reading and the present one.
    pub changes: BTreeMap<(Reading, Reading), u64>,
    /// Number of events that stay because the same occurrence is stored as another event.
    pub held: u64,
    /// Number of events that stay because the body or the item is gone.
    pub gone: u64,
    /// Positions of the events to change.
    days: Vec<(Date, Vec<i64>)>,
}

impl Plan {
    /// Number of events to change.
    pub fn changing(&self) -> u64 {
        self.changes.values().sum()
    }
}

/// State of a survey: the plan, and the keys of the changes so far.
#[derive(Default)]
struct Survey {
    plan: Plan,
    keys: HashSet<Uuid>,
}

/// Result of reading the item of one event.
enum Found {
    Same,
    Gone,
    Changed(Box<Change>, (Reading, Reading)),
}

impl Reparse {
    /// Opens a session for the events of a filter, with the account by id, label or user name.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn open(
        options: &ConnectOptions,
        mut filter: EventFilter,
        delivery: Option<Uuid>,
    ) -> Result<Self, Error> {
        let mut reader = Reader::open(options).await?;
        if let [name] = &filter.account_ids[..] {
            let found = reader.account_ids(name, true).await?;
            if !found.is_empty() {
                filter.account_ids = found;
            }
        }
        if let Some(id) = delivery {
            match reader.items_of(id).await? {
                Some(items) => filter.delivery = Some(items),
                None => filter = EventFilter::nothing(),
            }
        }
        let mut session = Session::open(options).await?;
        let days = session.days(&filter).await?;
        Ok(Self {
            session,
            filter,
            days,
        })
    }

    /// Reads the events again. Changes nothing.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn plan(&mut self) -> Result<Plan, Error> {
        let mut survey = Survey::default();
        for day in self.days.clone() {
            self.survey(day, &mut survey).await?;
        }
        Ok(survey.plan)
    }

    async fn survey(&mut self, day: Date, survey: &mut Survey) -> Result<(), Error> {
        let (mut after, mut changes) = (0, Vec::new());
        loop {
            let filter = &self.filter;
            let items = self.session.items(filter, day, after, ITEMS).await?;
            let Some(last) = items.last() else { break };
            after = last.position;
            survey.plan.events += items.len() as u64;
            for found in self.read(items).await? {
                match found {
                    Found::Same => {}
                    Found::Gone => survey.plan.gone += 1,
                    Found::Changed(change, readings) => {
                        changes.push((change.position(), change.later_key, readings));
                    }
                }
            }
        }
        let keys: Vec<Uuid> = changes.iter().filter_map(|(_, key, _)| *key).collect();
        let holders = self.session.holders(day, &keys).await?;
        survey.add(day, changes, &holders);
        Ok(())
    }

    /// Moves the events of the plan in transactions of a bounded number of events.
    ///
    /// # Errors
    /// If Postgres is unavailable, or a purge or another reparse is at work. The events moved until
    /// then stay moved, and the next run goes on.
    pub async fn run(&mut self, plan: &Plan) -> Result<Moved, Error> {
        self.session.begin().await?;
        let mut done = Moved::default();
        for (day, positions) in &plan.days {
            for some in positions.chunks(AT_ONCE) {
                self.change(*day, some, &mut done).await?;
            }
        }
        // An interrupted run may have left counts of other days.
        for day in &self.days {
            self.session.end_of_day(*day).await?;
        }
        Ok(done)
    }

    /// Changes the events of one transaction. Reads their items again if they change meanwhile. If
    /// Postgres rejects the columns, changes each half alone, down to the single event that stays.
    async fn change(
        &mut self,
        day: Date,
        positions: &[i64],
        done: &mut Moved,
    ) -> Result<(), Error> {
        let mut parts = vec![positions];
        while let Some(part) = parts.pop() {
            let changes = self.changes(day, part).await?;
            match (self.session.move_events(&changes).await, part) {
                (Ok(None), _) => parts.push(part),
                (Ok(Some(moved)), _) => {
                    done.moved += moved.moved;
                    done.held += moved.held;
                }
                (Err(error), _) if !error.may_be_the_values() => return Err(error),
                (Err(_), [position]) => done.refused.push(*position),
                (Err(_), _) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
        Ok(())
    }

    /// Reads the changes of the events at `positions`, in order of position.
    async fn changes(&mut self, day: Date, positions: &[i64]) -> Result<Vec<Change>, Error> {
        let filter = EventFilter {
            positions: positions.to_vec(),
            ..EventFilter::default()
        };
        let items = self.session.items(&filter, day, 0, ITEMS).await?;
        let mut changes = Vec::new();
        for found in self.read(items).await? {
            if let Found::Changed(change, _) = found {
                changes.push(*change);
            }
        }
        changes.sort_unstable_by_key(Change::position);
        Ok(changes)
    }

    /// Reads the items again, one body after the other.
    async fn read(&mut self, items: Vec<ItemRow>) -> Result<Vec<Found>, Error> {
        let mut deliveries: BTreeMap<_, Vec<ItemRow>> = BTreeMap::new();
        for item in items {
            let delivery = (item.received_at, item.delivery_id);
            deliveries.entry(delivery).or_default().push(item);
        }
        let mut found = Vec::new();
        for items in deliveries.into_values() {
            let body = match items.first() {
                Some(item) => self.session.body(item).await?,
                None => None,
            };
            let mut events = events(&items, body);
            found.extend(items.into_iter().map(|item| compare(item, &mut events)));
        }
        Ok(found)
    }
}

impl Survey {
    /// Adds the changes of a day, with the events that have their keys.
    fn add(
        &mut self,
        day: Date,
        changes: Vec<(i64, Option<Uuid>, (Reading, Reading))>,
        holders: &[(Uuid, i64)],
    ) {
        let mut held_by: HashMap<Uuid, Vec<i64>> = HashMap::new();
        for (key, position) in holders {
            held_by.entry(*key).or_default().push(*position);
        }
        let mut positions = Vec::new();
        for (position, key, readings) in changes {
            let is_held = |key| {
                let mut holders = held_by.get(&key).into_iter().flatten();
                holders.any(|by| *by != position) || !self.keys.insert(key)
            };
            if key.is_some_and(is_held) {
                self.plan.held += 1;
                continue;
            }
            positions.push(position);
            *self.plan.changes.entry(readings).or_default() += 1;
        }
        if !positions.is_empty() {
            positions.sort_unstable();
            self.plan.days.push((day, positions));
        }
    }
}

/// Events by the place of their items.
type ByPlace = HashMap<(i32, i32), Event>;

/// Splits the body of the delivery of `items`.
fn events(items: &[ItemRow], body: Option<Vec<u8>>) -> ByPlace {
    let Some((body, item)) = body.zip(items.first()) else {
        return ByPlace::new();
    };
    let context = Context {
        app: &item.app,
        received_at: item.received_at,
    };
    let events = split::split(&body.into(), context).events;
    let place = |event: Event| {
        let start = event.item_start.try_into().ok()?;
        Some(((start, event.item_length.try_into().ok()?), event))
    };
    events.into_iter().filter_map(place).collect()
}

fn compare(item: ItemRow, events: &mut ByPlace) -> Found {
    let Some(event) = events.remove(&(item.item_start, item.item_length)) else {
        return Found::Gone;
    };
    if !differs(&item, &event) {
        return Found::Same;
    }
    let before = reading(&item.kind, item.problem.as_deref());
    let now = reading(event.kind.as_str(), event.problem.map(Problem::as_str));
    Found::Changed(Box::new(Change::new(item, &event)), (before, now))
}

fn reading(kind: &str, problem: Option<&str>) -> Reading {
    match problem {
        Some(problem) => format!("{kind} ({problem})"),
        None => kind.to_owned(),
    }
}
