//! Bytes of an event in a stream.

use bytes::Bytes;

use crate::{
    query::{event, line},
    store::read::EventRow,
};

/// The event in its JSON form, without line breaks.
pub fn json(row: EventRow, content: bool) -> Bytes {
    // An event consists of text, numbers and valid JSON.
    line(&event(row, content)).unwrap_or_default().into()
}
