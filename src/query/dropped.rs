//! Items whose day was dropped. A restricted scope learns nothing about them: they may have been
//! outside of it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::{DroppedDay, DroppedPosition, Session};
use crate::store::Error;

impl Session {
    /// Finds the oldest stored position, if the day of `position` was dropped.
    pub async fn dropped_position(
        &mut self,
        position: i64,
    ) -> Result<Option<DroppedPosition>, Error> {
        if self.scope.is_restricted() || position < 1 {
            return Ok(None);
        }
        self.reader.dropped_position(position).await
    }

    /// Finds the drop of the day of a delivery, if it was dropped.
    pub async fn dropped_day(&mut self, delivery: Uuid) -> Result<Option<DroppedDay>, Error> {
        match day(delivery).filter(|_| !self.scope.is_restricted()) {
            Some(day) => self.reader.dropped_day(day).await,
            None => Ok(None),
        }
    }
}

/// Day (UTC) in the id of a delivery.
fn day(delivery: Uuid) -> Option<Date> {
    let (seconds, _) = delivery.get_timestamp()?.to_unix();
    let at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}
