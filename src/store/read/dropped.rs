//! Days that were dropped: counts by hour stay then, so a day with counts and without a partition
//! was stored once. `kept_days` knows when a day was dropped, if a server has noted it.

use jiff::{Timestamp, civil::Date};
use jiff_sqlx::ToSqlx as _;

use super::{
    super::{names::day_name, partitions},
    Error, Reader, answer,
};

/// Position of a dropped day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedPosition {
    /// Oldest stored position.
    pub oldest: i64,
    /// Time at which the day was gone; `None` if unknown.
    pub gone_at: Option<Timestamp>,
}

/// Day (UTC) whose deliveries were dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedDay {
    /// The day.
    pub day: Date,
    /// Time at which the day was gone; `None` if unknown.
    pub gone_at: Option<Timestamp>,
}

impl Reader {
    /// Finds the oldest stored position, if `position` is before it and an older day was dropped.
    pub async fn dropped_position(
        &mut self,
        position: i64,
    ) -> Result<Option<DroppedPosition>, Error> {
        let days = partitions::days(&mut self.conn).await?;
        let Some(first) = days.first() else {
            return Ok(None);
        };
        let query = sqlx::query_as(
            "SELECT position,
                    (SELECT dropped_at FROM kept_days WHERE last_position >= $1
                     ORDER BY last_position LIMIT 1)
             FROM (
                 SELECT least((SELECT min(position) FROM stored_events),
                              (SELECT min(position) FROM stored_repeats)) AS position
             ) AS oldest
             WHERE position > $1
               AND EXISTS (SELECT FROM stats_hourly
                           WHERE hour < $2::date::timestamp AT TIME ZONE 'UTC')",
        );
        let query = query.bind(position).bind(first.to_sqlx());
        let found: Option<(i64, Option<jiff_sqlx::Timestamp>)> =
            answer(query.fetch_optional(&mut *self.conn)).await?;
        Ok(found.map(|(oldest, gone_at)| DroppedPosition {
            oldest,
            gone_at: gone_at.map(jiff_sqlx::Timestamp::to_jiff),
        }))
    }

    /// Finds the drop of a day (UTC), if its deliveries were dropped.
    pub async fn dropped_day(&mut self, day: Date) -> Result<Option<DroppedDay>, Error> {
        let query = sqlx::query_scalar(
            "SELECT (SELECT dropped_at FROM kept_days WHERE day = $1)
             WHERE EXISTS (SELECT FROM stats_hourly
                           WHERE hour >= $1::date::timestamp AT TIME ZONE 'UTC'
                             AND hour < ($1::date + 1)::timestamp AT TIME ZONE 'UTC')
               AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                               WHERE inhparent = 'stored_deliveries'::regclass
                                 AND relname = $2 AND NOT inhdetachpending)",
        );
        let query = query.bind(day.to_sqlx()).bind(day_name("deliveries", day));
        let found: Option<Option<jiff_sqlx::Timestamp>> =
            answer(query.fetch_optional(&mut *self.conn)).await?;
        Ok(found.map(|gone_at| DroppedDay {
            day,
            gone_at: gone_at.map(jiff_sqlx::Timestamp::to_jiff),
        }))
    }
}
