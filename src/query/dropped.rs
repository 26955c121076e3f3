//! Items whose day was dropped. A restricted scope learns nothing about them: they may have been
//! outside of it.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use uuid::Uuid;

use super::Session;
use crate::store::Error;

impl Session {
    /// Finds the oldest stored position, if the day of `position` was dropped.
    pub async fn oldest_behind(&mut self, position: i64) -> Result<Option<i64>, Error> {
        if self.scope.is_restricted() || position < 1 {
            return Ok(None);
        }
        self.reader.oldest_behind(position).await
    }

    /// Day (UTC) of a delivery, if it was dropped.
    pub async fn dropped_day(&mut self, delivery: Uuid) -> Result<Option<Date>, Error> {
        let Some(day) = day(delivery).filter(|_| !self.scope.is_restricted()) else {
            return Ok(None);
        };
        Ok(self.reader.is_dropped(day).await?.then_some(day))
    }
}

/// Day (UTC) in the id of a delivery.
fn day(delivery: Uuid) -> Option<Date> {
    let (seconds, _) = delivery.get_timestamp()?.to_unix();
    let at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.to_zoned(TimeZone::UTC).date())
}
