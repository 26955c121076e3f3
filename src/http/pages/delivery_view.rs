//! A delivery as its page shows it: summary, headers and items.

use jiff::Timestamp;

use super::{
    accounts::AccountNames,
    body_view::{BodyView, Chosen},
    delivery_items::{ItemView, Items},
    digits::counted,
    sender::Sender,
};
use crate::query::{DeliveryDetail, DeliveryRow};

/// Name of the header with the signature.
const SIGNATURE: &str = "x-hub-signature-256";

/// A delivery with everything that belongs to it.
pub(super) struct DeliveryView {
    pub(super) id: String,
    pub(super) row: DeliveryRow,
    /// Heading in words.
    pub(super) words: String,
    pub(super) sender: Sender,
    pub(super) headers: Vec<(String, String)>,
    /// The header with the signature as received.
    pub(super) signature: Option<String>,
    pub(super) items: Items,
    /// Links to the pages of items before and after the shown one.
    pub(super) earlier: Option<String>,
    pub(super) later: Option<String>,
    pub(super) body: BodyView,
    /// True if the app has a secret with the name of the one that matched.
    pub(super) has_secret: bool,
}

impl DeliveryView {
    /// View of a delivery with the chosen items. `body` makes the view of its bytes.
    pub(super) fn of(
        detail: DeliveryDetail,
        names: &AccountNames,
        chosen: &Chosen,
        body: impl FnOnce(&[ItemView]) -> BodyView,
    ) -> Self {
        let row = detail.delivery;
        let events = detail.events.iter().map(|it| ItemView::of(it, names));
        let repeats = detail.repeats.iter().map(|it| ItemView::again(it, names));
        let items = Items::of(events.chain(repeats).collect(), |all| chosen.first(all));
        let link = |item| chosen.link_to_items(item);
        let (headers, signature) = headers(&row);
        let sender = Sender::of(row.remote_addr.as_deref());
        Self {
            id: row.id.to_string(),
            words: words(&row, sender),
            sender,
            headers,
            signature,
            earlier: items.earlier.map(link),
            later: items.later.map(link),
            body: body(&items.shown),
            items,
            row,
            has_secret: false,
        }
    }

    /// Value of a kept header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(it, _)| it == name);
        header.map(|(_, value)| value.as_str())
    }

    /// Time of receipt.
    pub(super) fn received_at(&self) -> &Timestamp {
        &self.row.received_at
    }

    /// Commands that verify the signature.
    pub(super) fn commands(&self) -> [String; 2] {
        [
            format!("hookshelf deliveries show {} --body > body", self.id),
            "openssl dgst -sha256 -hmac \"$APP_SECRET\" body".to_owned(),
        ]
    }

    /// The secret by its name, for readers without the bytes.
    pub(super) fn secret_now(&self) -> &'static str {
        if self.has_secret {
            "A secret of this name is configured now."
        } else {
            "No secret of this name is configured now."
        }
    }

    /// Size of the body.
    pub(super) fn size(&self) -> String {
        let size = self.row.body_bytes;
        size.map_or_else(
            || "erased".to_owned(),
            |size| counted(size, "byte", "bytes"),
        )
    }

    /// Number of items and their outcomes.
    pub(super) fn outcome(&self) -> String {
        outcome(&self.row)
    }
}

/// The kept headers by name, and the one with the signature.
fn headers(row: &DeliveryRow) -> (Vec<(String, String)>, Option<String>) {
    let all = row.headers.as_ref().map(|headers| headers.get());
    let all = all.and_then(|json| serde_json::from_str(json).ok());
    let all: serde_json::Map<String, serde_json::Value> = all.unwrap_or_default();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    let headers: Vec<_> = all
        .into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect();
    let signature = headers.iter().find(|(name, _)| name == SIGNATURE);
    let signature = signature.map(|(_, value)| value.clone());
    (headers, signature)
}

/// The delivery in a sentence.
fn words(row: &DeliveryRow, sender: Sender) -> String {
    let items = counted(row.event_count, "item", "items");
    let from = sender.words();
    let secret = &row.secret;
    let outcome = match (&row.problem, row.event_count) {
        (Some(problem), _) => format!("Problem: {}.", problem.replace('_', " ")),
        (None, 0) => "Nothing to store as an event.".to_owned(),
        (None, _) => format!("{}.", outcome(row)),
    };
    format!("{items} from {from}, signed with the secret {secret}. {outcome}")
}

fn outcome(row: &DeliveryRow) -> String {
    let events = counted(row.new, "new event", "new events");
    match row.repeated {
        0 => events,
        repeated => format!("{events}, {}", counted(repeated, "repeat", "repeats")),
    }
}
