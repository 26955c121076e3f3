//! Who talks to whom, and when: what every messaging item may carry beside its own key.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{json::Object, time};

/// Sender, recipient and time of a messaging item. Each has been seen missing.
#[derive(Clone, Debug, Default)]
pub struct Parties<'a> {
    /// Who sent it: an IGSID, or the account itself for an echo.
    pub sender_id: Option<Cow<'a, str>>,
    /// The person of a Messenger checkbox, before they have an id.
    pub user_ref: Option<Cow<'a, str>>,
    /// The user name, seen in other senders' deliveries.
    pub username: Option<Cow<'a, str>>,
    /// To whom.
    pub recipient_id: Option<Cow<'a, str>>,
    /// The item's own time.
    pub timestamp: Option<Timestamp>,
    /// The account talks to itself; on a postback the flag stands on the item.
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
