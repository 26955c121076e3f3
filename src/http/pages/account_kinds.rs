//! Kinds of an account: the events of a week, and the silence of each kind, compared with its usual
//! gap.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::value::RawValue;

use super::{
    account_list::Account,
    event_line::duration,
    heat::{Week, value},
    kinds::{Look, look_of},
};
use crate::{
    http::{api::Api, problem::Problem},
    meta::event::Kind,
    query::{Dimension, Session, StatsFilter},
};

/// Seconds of an hour, and hours of a week.
const HOUR: i64 = 3_600;
const WEEK: i64 = 168;

/// Number of weeks whose gaps are usual.
const WEEKS: i64 = 4;

/// Kinds per read of counts: their hours of five weeks are fewer than the rows of an answer.
const AT_ONCE: usize = 10;

/// Number of hours with events from which a kind without a usual gap is no rare one.
const FREQUENT: usize = 8;

/// Silence from which a frequent kind without a usual gap has stopped.
const LONG: SignedDuration = SignedDuration::from_hours(48);

/// Kind of an account.
pub(super) struct KindOfAccount {
    pub(super) name: String,
    pub(super) look: Look,
    pub(super) week: Week,
    /// Time without events, in words; `None` if it is as usual, and of this week.
    pub(super) silence: Option<String>,
    /// True if the silence is longer than three times the usual gap.
    pub(super) has_stopped: bool,
    /// Usual time between two events, in words.
    pub(super) usual: Option<String>,
}

/// Events by the hour, counted from the epoch.
type Hours = BTreeMap<i64, i64>;

/// Reads the kinds that an account ever had, those that stopped first, and its week.
pub(super) async fn kinds(
    api: &Api,
    session: &mut Session,
    accounts: &[Account],
    now: Timestamp,
) -> Result<(Week, Vec<KindOfAccount>), Problem> {
    let mut all = Week::until(now);
    let mut kinds: BTreeMap<String, (Week, Hours)> = BTreeMap::new();
    for filter in accounts.iter().flat_map(|it| filters(it, now)) {
        let stats = session.stats(&filter, &[Dimension::Kind, Dimension::Hour]);
        for count in &api.read(stats).await?.counts.rows {
            let name = value(count, Dimension::Kind).unwrap_or_default();
            let hour =
                value(count, Dimension::Hour).and_then(|hour| hour.parse::<Timestamp>().ok());
            let kind = kinds.entry(name.to_owned());
            let (week, hours) = kind.or_insert_with(|| (Week::until(now), Hours::new()));
            all.add(count);
            week.add(count);
            if let Some(hour) = hour.map(number).filter(|_| count.events > 0) {
                *hours.entry(hour).or_default() += count.events;
            }
        }
    }
    let kinds = kinds.into_iter();
    let kinds = kinds.filter_map(|(name, (week, hours))| of(name, week, &hours, now));
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by_key(|kind| (!kind.has_stopped, std::cmp::Reverse(kind.week.events())));
    Ok((all, kinds))
}

/// Number of an hour.
fn number(hour: Timestamp) -> i64 {
    hour.as_second().div_euclid(HOUR)
}

/// Filters for the hours of each kind of an account: five weeks up to now, or up to the week of its
/// last event.
fn filters(account: &Account, now: Timestamp) -> Vec<StatsFilter> {
    let row = &account.row;
    let last = row.last_by_kind.as_deref().map(RawValue::get);
    let last: BTreeMap<String, Timestamp> = last
        .and_then(|last| serde_json::from_str(last).ok())
        .unwrap_or_default();
    let mut by_end: BTreeMap<i64, BTreeSet<&str>> = BTreeMap::new();
    for (kind, at) in &last {
        let end = end_of(number(*at), number(now));
        by_end.entry(end).or_default().insert(kind);
    }
    let mut filters = Vec::new();
    for (end, kinds) in by_end {
        let kinds = kinds.into_iter().filter_map(Kind::of_name);
        let kinds: Vec<_> = kinds.collect();
        let at = |hour: i64| Timestamp::from_second(hour * HOUR).ok();
        filters.extend(kinds.chunks(AT_ONCE).map(|kinds| StatsFilter {
            kinds: kinds.to_vec(),
            app: Some(row.app.clone()),
            account_ids: vec![row.account_id.clone()],
            since: at(end - (WEEKS + 1) * WEEK),
            until: at(end + 1),
            ..StatsFilter::default()
        }));
    }
    filters
}

/// The present hour of the week in the week of the last event: the gaps before it are usual.
fn end_of(last: i64, now: i64) -> i64 {
    now - (now - last).max(0) / WEEK * WEEK
}

/// The kind, if it has events.
fn of(name: String, week: Week, hours: &Hours, now: Timestamp) -> Option<KindOfAccount> {
    let (last, _) = hours.last_key_value()?;
    // The last event came at an unknown minute of its hour.
    let silence = SignedDuration::from_secs(now.as_second() - (last + 1) * HOUR);
    let usual = usual(hours, end_of(*last, number(now)));
    let bearable = match usual {
        Some(usual) => (usual * 3).max(SignedDuration::from_secs(HOUR)),
        None if hours.len() >= FREQUENT => LONG,
        None => SignedDuration::MAX,
    };
    let has_stopped = silence > bearable;
    let is_told = has_stopped || week.events() == 0;
    Some(KindOfAccount {
        look: look_of(&name),
        silence: is_told.then(|| duration(silence)),
        has_stopped,
        usual: usual.filter(|_| has_stopped).map(duration),
        name,
        week,
    })
}

/// Usual gap: the median of those around the same hour in each of the weeks before `end`, as of an
/// account; `None` with less than two.
fn usual(hours: &Hours, end: i64) -> Option<SignedDuration> {
    let gap = |week: i64| {
        let hour = end - week * WEEK;
        let (before, _) = hours.range(..hour).next_back()?;
        let (next, events) = hours.range(hour..).next()?;
        let gap = (next - before) * HOUR;
        Some(if gap > HOUR { gap } else { HOUR / events })
    };
    let mut gaps: Vec<i64> = (1..=WEEKS).filter_map(gap).collect();
    gaps.sort_unstable();
    let high = gaps.len() / 2;
    let low = gaps.len().saturating_sub(1) / 2;
    let median = (gaps.get(low)? + gaps.get(high)?) / 2;
    (gaps.len() > 1).then(|| SignedDuration::from_secs(median.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five weeks before the hour 10,000, with an event in each of these hours ago.
    fn kind(ago: impl Iterator<Item = i64>) -> Option<KindOfAccount> {
        let now = Timestamp::from_second(10_000 * HOUR + 1_800).unwrap();
        let hours = ago.map(|ago| (10_000 - ago, 1)).collect();
        of("comment".to_owned(), Week::until(now), &hours, now)
    }

    fn stopped(ago: impl Iterator<Item = i64>) -> bool {
        kind(ago).unwrap().has_stopped
    }

    #[test]
    fn a_kind_has_stopped_after_three_times_its_own_gap() {
        assert!(!stopped(3..840));
        assert!(stopped(5..840));
        assert!(!stopped((17..840).step_by(6)));
        assert!(stopped((20..840).step_by(6)));
        let kind = kind(400..1_240).unwrap();
        assert!(kind.has_stopped);
        assert_eq!(kind.silence.as_deref(), Some("16 days"));
        assert_eq!(kind.usual.as_deref(), Some("60 min"));
    }

    #[test]
    fn a_new_kind_has_stopped_after_two_days_and_a_rare_one_never() {
        assert!(!stopped(40..60));
        assert!(stopped(50..70));
        assert!(!stopped([300, 310].into_iter()));
        assert!(kind(std::iter::empty()).is_none());
    }
}
