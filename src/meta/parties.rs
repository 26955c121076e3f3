//! Parties and time of an item: fields that every messaging item may have beside its own key.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{json::Object, time};

/// Sender, recipient and time of a messaging item. Each of them may be missing.
#[derive(Clone, Debug, Default)]
pub struct Parties<'a> {
    /// Sender: an IGSID, or the account itself for an echo.
    pub sender_id: Option<Cow<'a, str>>,
    /// Person of a Messenger checkbox who has no id yet.
    pub user_ref: Option<Cow<'a, str>>,
    /// User name, observed in deliveries of other senders.
    pub username: Option<Cow<'a, str>>,
    /// Recipient of the item.
    pub recipient_id: Option<Cow<'a, str>>,
    /// The item's own time.
    pub timestamp: Option<Timestamp>,
    /// True if the account messages itself; on a postback the flag is on the item.
    pub is_self: bool,
}

impl<'a> Parties<'a> {
    /// Reads a messaging item.
    pub(crate) fn read(item: &Object<'_, 'a>) -> Self {
        let sender = item.object("sender").unwrap_or_default();
        Self {
            sender_id: sender.id("id"),
            user_ref: sender.id("user_ref"),
            username: sender.text("username"),
            recipient_id: item.id_of("recipient"),
            timestamp: item.id("timestamp").as_deref().and_then(time::read),
            is_self: item.flag("is_self"),
        }
    }
}
