//! Search for the type and the target of an id.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use super::Session;
use crate::store::{
    Error,
    read::{Digits, EventFilter},
};

/// Time in which a user name is searched.
const USERNAMES: SignedDuration = SignedDuration::from_hours(24 * 7);

/// Types of ids.
const TYPES: [&str; 9] = [
    "event", "repeat", "delivery", "message", "comment", "media", "person", "account", "username",
];

/// Target of an id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Target {
    /// Type of the id.
    #[serde(rename = "type")]
    #[schemars(extend("enum" = TYPES))]
    pub kind: &'static str,
    /// The id, or the account of a label or user name.
    pub id: String,
    /// Position of the newest event with the id.
    #[serde(
        serialize_with = "super::as_text",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<Digits>")]
    pub position: Option<i64>,
}

impl Session {
    /// Finds everything that `id` names: a position, delivery, message, comment, media, person,
    /// account, label, or a user name of the last week.
    pub async fn find(&mut self, id: &str, now: Timestamp) -> Result<Vec<Target>, Error> {
        let mut targets = Vec::new();
        targets.extend(self.find_position(id).await?);
        targets.extend(self.find_delivery(id).await?);
        for account in self.account_ids(id).await? {
            let filter = EventFilter {
                account_ids: vec![account.clone()],
                ..EventFilter::default()
            };
            let position = self.reader.newest_event(&filter).await?;
            targets.push(Target {
                kind: "account",
                id: account,
                position,
            });
        }
        for (kind, filter) in by_id(id) {
            targets.extend(self.find_newest(kind, id, &filter).await?);
        }
        if targets.is_empty() && self.scope.shows_content() {
            let filter = EventFilter {
                username: Some(id.trim_start_matches('@').to_owned()),
                since: now.checked_sub(USERNAMES).ok(),
                ..EventFilter::default()
            };
            targets.extend(self.find_newest("username", id, &filter).await?);
        }
        Ok(targets)
    }

    async fn find_newest(
        &mut self,
        kind: &'static str,
        id: &str,
        filter: &EventFilter,
    ) -> Result<Option<Target>, Error> {
        let position = self.reader.newest_event(filter).await?;
        Ok(position.map(|position| Target {
            kind,
            id: id.to_owned(),
            position: Some(position),
        }))
    }

    async fn find_position(&mut self, id: &str) -> Result<Option<Target>, Error> {
        let Ok(position) = id.parse() else {
            return Ok(None);
        };
        let kind = if self.reader.event(position).await?.is_some() {
            "event"
        } else if self.reader.repeat(position).await?.is_some() {
            "repeat"
        } else {
            return Ok(None);
        };
        Ok(Some(Target {
            kind,
            id: id.to_owned(),
            position: Some(position),
        }))
    }

    async fn find_delivery(&mut self, id: &str) -> Result<Option<Target>, Error> {
        let Ok(delivery) = id.parse::<Uuid>() else {
            return Ok(None);
        };
        let found = self.reader.delivery(delivery).await?;
        Ok(found.map(|delivery| Target {
            kind: "delivery",
            id: delivery.id.to_string(),
            position: delivery.first_position,
        }))
    }
}

/// Filters for each column with an index that may have the id.
fn by_id(id: &str) -> [(&'static str, EventFilter); 4] {
    let none = EventFilter::default;
    let id = || Some(id.to_owned());
    [
        (
            "message",
            EventFilter {
                message_id: id(),
                ..none()
            },
        ),
        (
            "comment",
            EventFilter {
                comment_id: id(),
                ..none()
            },
        ),
        (
            "media",
            EventFilter {
                media_id: id(),
                ..none()
            },
        ),
        (
            "person",
            EventFilter {
                person_id: id(),
                ..none()
            },
        ),
    ]
}
