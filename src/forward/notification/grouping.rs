//! Notifications of a delivery: the original body, or one body for each lane.

use std::{collections::HashMap, hash::Hash};

use bytes::Bytes;

use super::envelope;
use crate::config::Mask;
use crate::meta::split::{self, Place};

/// Item that a delivery brought first, and that passed the filter of the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewItem<L> {
    /// Position of its event.
    pub position: i64,
    /// Offset of the item in the body, in bytes: `item_start`.
    pub start: u32,
    /// Lane of its event.
    pub lane: L,
}

/// A body with items of one lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification<L> {
    /// The lane.
    pub lane: L,
    /// Positions of the events in the body, in order.
    pub positions: Vec<i64>,
    /// The body.
    pub body: Bytes,
}

/// Bodies for the new items of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifications<L> {
    /// One for each lane, in the order of the first items.
    pub notifications: Vec<Notification<L>>,
    /// Positions of items that the body does not contain, or no longer: they cannot be sent.
    pub gone: Vec<i64>,
}

/// Builds the notifications with `items` of the delivery `body`, in Meta's form.
///
/// `items` are in the order of their positions, without repeats and erased events. If they are all
/// items of the body, share a lane and are not masked, the notification is the original body.
/// Otherwise the items, with their own text, stand in their containers again, each with `id` and
/// `time` of its entry. An item that is nested too deep is sent as well: its text is JSON.
pub fn notifications<L: Copy + Eq + Hash>(
    body: &Bytes,
    items: &[NewItem<L>],
    mask: Mask,
) -> Notifications<L> {
    let places = split::places(body);
    let (lanes, gone) = lanes(&places, items);
    let is_whole = |lane: &Lane<'_, L>| mask.is_empty() && lane.places.len() == places.len();
    let notification = |lane: Lane<'_, L>| Notification {
        body: if is_whole(&lane) {
            body.clone()
        } else {
            envelope::body(&lane.places, mask).into()
        },
        lane: lane.key,
        positions: lane.positions,
    };
    Notifications {
        notifications: lanes.into_iter().map(notification).collect(),
        gone,
    }
}

/// Items of one lane.
struct Lane<'p, L> {
    key: L,
    positions: Vec<i64>,
    places: Vec<&'p Place<'p>>,
}

/// Groups items by their lanes; also returns the positions without a place.
fn lanes<'p, L: Copy + Eq + Hash>(
    places: &'p [Place<'p>],
    items: &[NewItem<L>],
) -> (Vec<Lane<'p, L>>, Vec<i64>) {
    let by_start: HashMap<_, _> = places.iter().map(|place| (place.start, place)).collect();
    let (mut lanes, mut gone) = (Vec::new(), Vec::new());
    let mut indexes = HashMap::new();
    for item in items {
        let Some(place) = by_start.get(&(item.start as usize)).copied() else {
            gone.push(item.position);
            continue;
        };
        let index = *indexes.entry(item.lane).or_insert(lanes.len());
        if index == lanes.len() {
            lanes.push(Lane {
                key: item.lane,
                positions: Vec::new(),
                places: Vec::new(),
            });
        }
        lanes[index].positions.push(item.position);
        lanes[index].places.push(place);
    }
    (lanes, gone)
}
