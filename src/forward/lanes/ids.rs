//! Ids of a lane, kept in memory to look up its next items.

use std::{fmt, sync::Arc};

/// App, account and person of the events of a lane. `Debug` prints none of them.
///
/// They do not depend on an event: the event at the head may have been purged.
#[derive(Clone, PartialEq, Eq)]
pub struct LaneIds(
    /// One allocation, separated by a NUL character: Postgres stores no text with one.
    Arc<str>,
);

impl LaneIds {
    /// Ids of the lane of a person, of an account (no person), or of one event. An empty id is
    /// none.
    pub fn new(app: &str, account: Option<&str>, person: Option<&str>) -> Self {
        let parts = [app, account.unwrap_or_default(), person.unwrap_or_default()];
        Self(parts.join("\0").into())
    }

    /// Ids of the account of the lane.
    #[must_use]
    pub fn of_account(&self) -> Self {
        Self::new(self.app(), self.account(), None)
    }

    /// Name of the app.
    pub fn app(&self) -> &str {
        self.part(0).unwrap_or_default()
    }

    /// Id of the account.
    pub fn account(&self) -> Option<&str> {
        self.part(1)
    }

    /// Id of the person.
    pub fn person(&self) -> Option<&str> {
        self.part(2)
    }

    fn part(&self, at: usize) -> Option<&str> {
        self.0.split('\0').nth(at).filter(|part| !part.is_empty())
    }
}

impl fmt::Debug for LaneIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LaneIds").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_out_as_they_went_in() {
        for (account, person) in [(None, None), (Some("17"), None), (Some("17"), Some("23"))] {
            let ids = LaneIds::new("shop", account, person);
            assert_eq!(
                (ids.app(), ids.account(), ids.person()),
                ("shop", account, person)
            );
        }
    }

    #[test]
    fn ids_are_not_printed() {
        let ids = LaneIds::new("shop", Some("17"), Some("23"));
        assert_eq!(format!("{ids:?}"), "LaneIds { .. }");
    }
}
