//! Line of an account: its events of a week as a curve, its last event, and if it is silent.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::{
    accounts::{AccountName, AccountNames},
    chart::curve,
};
use crate::{
    http::{api::Api, problem::Problem},
    query::{AccountRow, Dimension, Session, StatsFilter},
};

/// Number of points of a curve, each of six hours.
const POINTS: usize = 28;

/// Hours of a point.
const HOURS: i64 = 6;

/// Line of an account.
#[derive(Debug)]
pub(super) struct AccountLine {
    pub(super) account: AccountName,
    pub(super) client: Option<String>,
    pub(super) last_event: Option<Timestamp>,
    /// Events of the last day.
    pub(super) events: i64,
    pub(super) is_silent: bool,
    pub(super) usual_gap_seconds: Option<i64>,
    /// Events of a week, the oldest first.
    pub(super) week: Vec<i64>,
}

/// Makes the lines of accounts.
pub(super) async fn account_lines(
    api: &Api,
    session: &mut Session,
    rows: &[&AccountRow],
    now: Timestamp,
) -> Result<Vec<AccountLine>, Problem> {
    let ids: Vec<_> = rows.iter().map(|row| row.account_id.clone()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let names = AccountNames::of_ids(api, session, ids.clone()).await?;
    let weeks = weeks(api, session, ids, now).await?;
    let line = |row: &&AccountRow| AccountLine {
        account: names.get(&row.account_id),
        client: row.client.clone(),
        last_event: row.last_event_at,
        events: sum(row.events_last_day.as_deref()),
        is_silent: row.silent,
        usual_gap_seconds: row.usual_gap_seconds,
        week: weeks.get(&row.account_id).cloned().unwrap_or_default(),
    };
    Ok(rows.iter().map(line).collect())
}

/// Events of a week by account.
async fn weeks(
    api: &Api,
    session: &mut Session,
    account_ids: Vec<String>,
    now: Timestamp,
) -> Result<BTreeMap<String, Vec<i64>>, Problem> {
    let end = now.as_second().div_euclid(3_600) + 1;
    let start = end - HOURS * i64::try_from(POINTS).unwrap_or_default();
    let filter = StatsFilter {
        account_ids,
        since: now
            .checked_sub(SignedDuration::from_hours(end - start))
            .ok(),
        ..StatsFilter::default()
    };
    let by = [Dimension::Account, Dimension::Hour];
    let counts = api.read(session.stats(&filter, &by)).await?.counts;
    let mut weeks = BTreeMap::new();
    for count in counts.rows {
        let [(_, Some(account)), (_, Some(hour))] = &count.values[..] else {
            continue;
        };
        let hour: Option<Timestamp> = hour.parse().ok();
        let point = hour.map(|at| (at.as_second().div_euclid(3_600) - start).div_euclid(HOURS));
        let point = point.and_then(|point| usize::try_from(point).ok());
        let week = weeks
            .entry(account.clone())
            .or_insert_with(|| vec![0; POINTS]);
        if let Some(events) = point.and_then(|point| week.get_mut(point)) {
            *events += count.events;
        }
    }
    Ok(weeks)
}

/// Sum of counts by kind.
fn sum(counts: Option<&RawValue>) -> i64 {
    let counts = counts.and_then(|counts| serde_json::from_str(counts.get()).ok());
    let counts: BTreeMap<String, i64> = counts.unwrap_or_default();
    counts.values().sum()
}

impl AccountLine {
    /// Link to the events of the account.
    pub(super) fn link(&self) -> String {
        let id = form_urlencoded::byte_serialize(self.account.id.as_bytes());
        format!("/events?account={}", id.collect::<String>())
    }

    /// Points of the curve in a drawing of 100 by 20.
    pub(super) fn curve(&self) -> String {
        curve(&self.week)
    }

    /// Events of the week.
    pub(super) fn events_of_week(&self) -> i64 {
        self.week.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_kind_are_summed() {
        let counts = RawValue::from_string(r#"{"message":3,"comment":4}"#.to_owned()).unwrap();
        assert_eq!(sum(Some(&counts)), 7);
        assert_eq!(sum(None), 0);
    }
}
