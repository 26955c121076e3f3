//! Days (UTC): days with possible rows behind a cursor, and days as conditions on `received_at`.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    super::{Error, partitions},
    cursor::Cursor,
};

/// Days with possible rows behind the cursor: the late days, and the days from `since` on that have
/// partitions.
pub(super) async fn candidates(
    conn: &mut PgConnection,
    cursor: &Cursor,
    since: Option<Date>,
) -> Result<Vec<Date>, Error> {
    let made = partitions::days(conn).await?;
    let late: Vec<jiff_sqlx::Date> =
        sqlx::query_scalar("SELECT day FROM late_days WHERE last_position > $1")
            .bind(cursor.position)
            .fetch_all(conn)
            .await?;
    let recent = made.into_iter().filter(|day| Some(*day) >= since).collect();
    Ok(with(recent, late.into_iter().map(jiff_sqlx::Date::to_jiff)))
}

/// Merges two lists of days, in order and without duplicates.
pub(super) fn with(mut days: Vec<Date>, others: impl IntoIterator<Item = Date>) -> Vec<Date> {
    days.extend(others);
    days.sort_unstable();
    days.dedup();
    days
}

/// Restricts a query to rows received in one of `ranges`. The times are parameters of the
/// statement. With custom plans the planner knows the times and does not even lock other
/// partitions.
pub(in crate::store) fn within(
    query: &mut QueryBuilder<Postgres>,
    ranges: &[(Timestamp, Timestamp)],
) {
    query.push(" AND (false");
    for (from, to) in ranges {
        query.push(" OR received_at >= ").push_bind(from.to_sqlx());
        query.push(" AND received_at < ").push_bind(to.to_sqlx());
    }
    query.push(")");
}

/// Same as [`within`], with the ranges in the text of the statement: a session that keeps plans then
/// opens only the partitions of these days. For days that many statements share.
pub(in crate::store) fn within_fixed(
    query: &mut QueryBuilder<Postgres>,
    ranges: &[(Timestamp, Timestamp)],
) {
    query.push(" AND (false");
    for (from, to) in ranges {
        let [from, to] = [from, to].map(|at| at.as_second());
        query.push(format_args!(" OR received_at >= to_timestamp({from})"));
        query.push(format_args!(" AND received_at < to_timestamp({to})"));
    }
    query.push(")");
}

/// Converts days to time ranges. Adjacent days share a range.
pub(in crate::store) fn ranges(days: &[Date]) -> Vec<(Timestamp, Timestamp)> {
    let mut days = days.to_vec();
    days.sort_unstable();
    days.dedup();
    let mut ranges: Vec<(Timestamp, Timestamp)> = Vec::new();
    for day in days {
        let (from, to) = day_range(day);
        match ranges.last_mut() {
            Some(last) if last.1 == from => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    ranges
}

/// Start of a day (UTC) and start of the next day.
pub(in crate::store) fn day_range(day: Date) -> (Timestamp, Timestamp) {
    (midnight(day), midnight(day.saturating_add(1.day())))
}

fn midnight(day: Date) -> Timestamp {
    TimeZone::UTC
        .to_timestamp(day.at(0, 0, 0, 0))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn neighbouring_days_are_one_range() {
        let days = [
            date(2026, 11, 21),
            date(2026, 3, 1),
            date(2026, 11, 20),
            date(2026, 3, 1),
        ];
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            ranges(&days),
            [
                (at("2026-03-01T00:00:00Z"), at("2026-03-02T00:00:00Z")),
                (at("2026-11-20T00:00:00Z"), at("2026-11-22T00:00:00Z")),
            ]
        );
    }
}
