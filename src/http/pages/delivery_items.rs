//! Items of a delivery: its events and repeats.

use super::{
    accounts::{AccountName, AccountNames},
    digits::grouped,
    event_line::{EventLine, Said},
    kinds::{Look, look_of},
};
use crate::query::{EventForm, RepeatRow};

/// Number of items on a page.
const MOST: usize = 100;

/// Items of a delivery on a page.
pub(super) struct Items {
    pub(super) shown: Vec<ItemView>,
    /// Number of all items.
    pub(super) count: usize,
    /// First items of the pages before and after this one.
    pub(super) earlier: Option<usize>,
    pub(super) later: Option<usize>,
}

/// An event or a repeat of a delivery.
pub(super) struct ItemView {
    pub(super) look: Look,
    pub(super) account: Option<AccountName>,
    /// Text of an event; `None` for a repeat.
    pub(super) said: Option<Said>,
    /// Position of the event; `None` if the event of a repeat is gone.
    pub(super) event: Option<i64>,
    pub(super) is_repeat: bool,
    /// Number in the order of the bytes.
    pub(super) number: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Items {
    /// The page of items that has the one chosen by `first`, in the order of their bytes.
    pub(super) fn of(mut all: Vec<ItemView>, first: impl Fn(&[ItemView]) -> usize) -> Self {
        all.sort_by_key(|item| (item.start, item.end));
        for (item, number) in all.iter_mut().zip(1..) {
            item.number = number;
        }
        let count = all.len();
        let start = first(&all).min(count.saturating_sub(1)) / MOST * MOST;
        Self {
            shown: all.into_iter().skip(start).take(MOST).collect(),
            count,
            earlier: start.checked_sub(MOST),
            later: Some(start + MOST).filter(|later| *later < count),
        }
    }

    /// The shown items in words.
    pub(super) fn words(&self) -> String {
        let number = |item: Option<&ItemView>| grouped(item.map_or(0, |item| item.number));
        let (first, last) = (number(self.shown.first()), number(self.shown.last()));
        format!("{first} to {last} of {}", grouped(self.count))
    }
}

impl ItemView {
    /// View of an event.
    pub(super) fn of(event: &EventForm, names: &AccountNames) -> Self {
        let row = event.columns();
        let line = EventLine::of(event, names);
        let [start, end] = ends(row.item_start, row.item_length);
        Self {
            look: line.look,
            account: line.account,
            said: Some(line.said),
            event: Some(line.position),
            is_repeat: false,
            number: 0,
            start,
            end,
        }
    }

    /// View of a repeat.
    pub(super) fn again(repeat: &RepeatRow, names: &AccountNames) -> Self {
        let [start, end] = ends(repeat.item_start, repeat.item_length);
        Self {
            look: look_of(&repeat.kind),
            account: repeat.account_id.as_deref().map(|id| names.get(id)),
            said: None,
            event: repeat.event_position,
            is_repeat: true,
            number: 0,
            start,
            end,
        }
    }

    /// Offsets of the first and the last byte.
    pub(super) fn range(&self) -> String {
        let last = self.end.saturating_sub(1);
        format!("{}–{}", grouped(self.start), grouped(last))
    }

    /// Page of the event, relative to that of the delivery.
    pub(super) fn link(&self) -> Option<String> {
        Some(format!("../events/{}", self.event?))
    }
}

/// Offsets of the first byte and behind the last one.
fn ends(start: i32, length: i32) -> [usize; 2] {
    let start = usize::try_from(start).unwrap_or_default();
    let length = usize::try_from(length).unwrap_or_default();
    [start, start + length]
}
