//! Days that were dropped: counts by hour stay then, so a day with counts and without a partition
//! was stored once.

use jiff::civil::Date;
use jiff_sqlx::ToSqlx as _;

use super::{
    super::{names::day_name, partitions},
    Error, Reader, answer,
};

impl Reader {
    /// Finds the oldest stored position, if `position` is before it and an older day was dropped.
    pub async fn oldest_behind(&mut self, position: i64) -> Result<Option<i64>, Error> {
        let days = partitions::days(&mut self.conn).await?;
        let Some(first) = days.first() else {
            return Ok(None);
        };
        let query = sqlx::query_scalar(
            "SELECT position FROM (
                 SELECT least((SELECT min(position) FROM stored_events),
                              (SELECT min(position) FROM stored_repeats)) AS position
             ) AS oldest
             WHERE position > $1
               AND EXISTS (SELECT FROM stats_hourly
                           WHERE hour < $2::date::timestamp AT TIME ZONE 'UTC')",
        );
        let query = query.bind(position).bind(first.to_sqlx());
        answer(query.fetch_optional(&mut *self.conn)).await
    }

    /// True if the deliveries of a day (UTC) were dropped.
    pub async fn is_dropped(&mut self, day: Date) -> Result<bool, Error> {
        let query = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM stats_hourly
                            WHERE hour >= $1::date::timestamp AT TIME ZONE 'UTC'
                              AND hour < ($1::date + 1)::timestamp AT TIME ZONE 'UTC')
                AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
                                WHERE inhparent = 'stored_deliveries'::regclass
                                  AND relname = $2 AND NOT inhdetachpending)",
        );
        let query = query.bind(day.to_sqlx()).bind(day_name("deliveries", day));
        answer(query.fetch_one(&mut *self.conn)).await
    }
}
