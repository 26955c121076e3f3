//! State that survives a restart: position, heads, rows of waiting lanes, dead letters.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

use super::{Code, Counts, DeadLetter, EndedExtra, Item, LaneKey, Lanes, settlement::Settlement};
use crate::store::consumers::Backlog;

/// State of a consumer, and its changes since the last save. All of it is written at once.
///
/// Writing it again changes nothing: after an unknown result, the caller writes it once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Number of the save, for [`Lanes::saved`].
    pub number: u64,
    /// An event up to this position is settled, unless its lane has a head at or before it, here
    /// or in a row, or its account a backlog before it.
    pub position: i64,
    /// Heads of the lanes that do not wait, ascending.
    pub heads: Vec<i64>,
    /// Accounts whose events after a position are unsettled as well.
    pub backlogs: Vec<Backlog>,
    /// Rows to write, by the position of the head.
    pub waiting: Vec<Waiting>,
    /// Positions of rows to remove, if there are such rows.
    pub removed: Vec<i64>,
    /// New dead letters.
    pub dead: Vec<DeadLetter>,
    /// All items settled so far.
    pub counts: Counts,
    /// Extras settled since the last save.
    pub ended: Vec<EndedExtra>,
    /// Number of the replay and position of each unsettled extra of a replay, ascending. Together
    /// with the position up to which the replay was offered, they are its state.
    pub replayed: Vec<(i32, i64)>,
}

/// Row of a lane whose head has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The head.
    pub item: Item,
    /// Number of failed attempts.
    pub attempts: u32,
    /// Time of the first failed attempt.
    pub first_at: Instant,
    /// Time of the next attempt. It may be over: the head may be out.
    pub due_at: Instant,
    /// Code of the last failed attempt.
    pub code: Code,
}

/// Changes since the last save.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    /// Positions of heads whose row may have changed.
    pub(super) rows: BTreeSet<i64>,
    pub(super) dead: Vec<DeadLetter>,
    pub(super) ended: Vec<EndedExtra>,
    /// Settlements that no save contains before a lookup.
    pub(super) settlements: BTreeMap<LaneKey, Settlement>,
    /// All settlements that the next save contains.
    pub(super) counts: Counts,
    /// The same for the last save.
    pub(super) at_save: Counts,
}

impl Lanes {
    /// State to save, with the changes since the last save. They are returned once: the caller
    /// keeps them, and writes them again until it knows that they are written. Saves are written in
    /// the order of their numbers.
    ///
    /// A settlement whose lane has a [wish](Self::wanted) with `settled` is not part of it: the head
    /// is saved as unsettled, and not counted. The caller answers these wishes first; otherwise it
    /// answers settlements only after a later save without such a wish.
    pub fn save(&mut self) -> Saved {
        self.advance();
        self.saves += 1;
        self.at_save = self.cursor;
        let rows = std::mem::take(&mut self.unsaved.rows);
        self.unsaved.at_save = self.unsaved.counts;
        self.extras.save();
        let heads = self.index.open.range(..=self.cursor);
        let (changed, removed): (Vec<_>, Vec<_>) = rows
            .into_iter()
            .partition(|position| self.index.rows.contains_key(position));
        Saved {
            number: self.saves,
            position: self.cursor,
            heads: heads.map(|(position, _)| *position).collect(),
            backlogs: self.backlogs.save(self.cursor),
            waiting: changed.iter().filter_map(|it| self.row(*it)).collect(),
            removed,
            dead: std::mem::take(&mut self.unsaved.dead),
            counts: self.unsaved.counts,
            ended: std::mem::take(&mut self.unsaved.ended),
            replayed: self.extras.replayed(),
        }
    }

    /// True if there is something to save: a settlement, a failed attempt, or a hand-out after the
    /// position of the last save. After a crash before the save, the item goes out again.
    pub fn is_unsaved(&self) -> bool {
        let has_settled = |(save, _): &(u64, _)| *save > self.saves;
        self.cursor > self.at_save
            || !self.unsaved.rows.is_empty()
            || !self.unsaved.ended.is_empty()
            || self.extras.is_unsaved()
            || self.backlogs.is_unsaved()
            || self.unsaved.counts != self.unsaved.at_save
            || self.index.unsaved.last().is_some_and(has_settled)
    }

    /// Confirms that the save of this number, and all before it, are written. The items after those
    /// that are settled in them may go out.
    pub fn saved(&mut self, number: u64) {
        while let Some((save, key)) = self.index.unsaved.first().copied()
            && save <= number
        {
            let is_held = self.extras.hold(key);
            self.change(key, |lane| {
                lane.unsaved = None;
                if !is_held {
                    lane.go_on();
                }
            });
        }
        for key in self.extras.remove_saved(number) {
            self.go_on(key);
        }
    }

    /// Number of the next save.
    pub(super) fn next_save(&self) -> u64 {
        self.saves + 1
    }

    /// Moves the cursor over everything that is settled, or lies behind a head of its lane.
    fn advance(&mut self) {
        let next = self.index.open.range(self.cursor + 1..).next();
        let through = next.map_or(self.read, |(position, _)| position - 1);
        self.cursor = self.cursor.max(through);
    }

    /// Row of the lane with its failed head at `position`.
    pub(super) fn row(&self, position: i64) -> Option<Waiting> {
        let lane = self.by_key.get(self.index.rows.get(&position)?)?;
        let failures = lane.failures.as_deref()?.clone();
        Some(Waiting {
            item: lane.head,
            attempts: failures.attempts,
            first_at: failures.first_at,
            due_at: failures.due_at,
            code: failures.code,
        })
    }
}
