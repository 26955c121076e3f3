//! Survey of simulated data: one pass over the tables, a partition at a time.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::civil::Date;
use jiff_sqlx::ToSqlx;
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use super::{
    DayPlan, Plan,
    accounts::{self, Traces},
    new_rows::FirstRepeat,
};
use crate::store::{
    Error, commit, epoch,
    follow::{day_range, ranges, within},
    partitions,
};

/// Result of the survey.
#[derive(Debug, Default)]
pub(super) struct Survey {
    days: BTreeMap<Date, DayPlan>,
    /// Accounts to delete, with the arrival of the first simulated delivery for each.
    pub accounts: Vec<accounts::Made>,
    stats: i64,
    /// First repeat from a delivery that is not simulated, by key of the simulated event.
    pub repeated: HashMap<Uuid, FirstRepeat>,
    /// Keys that now belong to another event, stored after the key of the simulated event had
    /// expired.
    pub held: HashSet<Uuid>,
    /// True if the keys of some simulated events may have expired.
    pub has_old: bool,
}

impl Survey {
    /// Surveys every day.
    pub(super) async fn take(conn: &mut PgConnection) -> Result<Self, Error> {
        let mut survey = Self::default();
        let mut traces = Traces::new();
        let (mut repeated, mut events) = (Vec::new(), Vec::new());
        for day in partitions::days(conn).await? {
            let found = Day::look(conn, day, &mut traces).await?;
            if !found.is_empty() {
                survey.days.insert(day, found.plan);
            }
            repeated.extend((found.other_repeats > 0).then_some(day));
            events.extend((found.other_events > 0).then_some(day));
        }
        survey.stats = accounts::known_by_counts(conn, &mut traces).await?;
        survey.accounts = accounts::made_by_simulation(conn, &traces).await?;
        survey.find_repeated(conn, &repeated).await?;
        survey.find_held(conn, &events).await?;
        Ok(survey)
    }

    /// Numbers of rows to delete.
    pub(super) fn plan(&self) -> Plan {
        Plan {
            days: self.days.values().copied().collect(),
            accounts: self.accounts.len(),
            stats: self.stats,
            turned: self
                .repeated
                .keys()
                .filter(|key| !self.held.contains(*key))
                .count(),
        }
    }

    fn with_events(&self) -> Vec<Date> {
        let with = self.days.values().filter(|plan| plan.events > 0);
        with.map(|plan| plan.day).collect()
    }

    /// Finds, among the repeats of `days`, those of simulated events by deliveries that are not
    /// simulated.
    async fn find_repeated(&mut self, conn: &mut PgConnection, days: &[Date]) -> Result<(), Error> {
        let simulated = self.with_events();
        if simulated.is_empty() || days.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new(
            "SELECT DISTINCT ON (dedupe_key) dedupe_key, position, received_at FROM stored_repeats
             WHERE source <> 'simulated'",
        );
        within(&mut query, &ranges(days));
        query.push(
            " AND dedupe_key IN (SELECT dedupe_key FROM stored_events
                                                WHERE source = 'simulated'",
        );
        within(&mut query, &ranges(&simulated));
        query.push(") ORDER BY dedupe_key, position");
        let rows: Vec<(Uuid, i64, jiff_sqlx::Timestamp)> =
            query.build_query_as().fetch_all(conn).await?;
        self.repeated = rows
            .into_iter()
            .map(|(key, position, at)| (key, FirstRepeat::new(position, at.to_jiff())))
            .collect();
        Ok(())
    }

    /// Finds keys that now belong to another event among those of `days`: a key stored before the
    /// current epoch may have expired and been stored again.
    async fn find_held(&mut self, conn: &mut PgConnection, days: &[Date]) -> Result<(), Error> {
        let since = commit::day(epoch::current(conn).await?.since);
        let mut old = self.with_events();
        old.retain(|day| *day <= since);
        self.has_old = !old.is_empty();
        if old.is_empty() || days.is_empty() {
            return Ok(());
        }
        let mut query = QueryBuilder::new(
            "SELECT DISTINCT dedupe_key FROM stored_events WHERE source <> 'simulated'",
        );
        within(&mut query, &ranges(days));
        query.push(
            " AND dedupe_key IN (SELECT dedupe_key FROM stored_events
                                                WHERE source = 'simulated'",
        );
        within(&mut query, &ranges(&old));
        query.push(")");
        let keys: Vec<Uuid> = query.build_query_scalar().fetch_all(conn).await?;
        self.held = keys.into_iter().collect();
        Ok(())
    }
}

/// Numbers of rows of one day.
struct Day {
    plan: DayPlan,
    other_events: i64,
    other_repeats: i64,
}

/// App, account, number of simulated rows, arrival of the first, number of other rows.
type PerAccount = (
    String,
    Option<String>,
    i64,
    Option<jiff_sqlx::Timestamp>,
    i64,
);

impl Day {
    async fn look(conn: &mut PgConnection, day: Date, traces: &mut Traces) -> Result<Self, Error> {
        let (events, other_events) = per_account(conn, "stored_events", day, traces).await?;
        let (repeats, other_repeats) = per_account(conn, "stored_repeats", day, traces).await?;
        let (from, to) = day_range(day);
        let deliveries = sqlx::query_scalar(
            "SELECT count(*) FROM stored_deliveries
             WHERE received_at >= $1 AND received_at < $2 AND source = 'simulated'",
        );
        let deliveries = deliveries.bind(from.to_sqlx()).bind(to.to_sqlx());
        let plan = DayPlan {
            day,
            deliveries: deliveries.fetch_one(conn).await?,
            events,
            repeats,
        };
        Ok(Self {
            plan,
            other_events,
            other_repeats,
        })
    }

    fn is_empty(&self) -> bool {
        let DayPlan {
            deliveries,
            events,
            repeats,
            ..
        } = self.plan;
        deliveries + events + repeats == 0
    }
}

/// Number of simulated rows of `table` on `day`, and number of other rows; adds their accounts to
/// `traces`.
async fn per_account(
    conn: &mut PgConnection,
    table: &'static str,
    day: Date,
    traces: &mut Traces,
) -> Result<(i64, i64), Error> {
    let mut query = QueryBuilder::new(
        "SELECT app, account_id, count(*) FILTER (WHERE source = 'simulated'),
                min(received_at) FILTER (WHERE source = 'simulated'),
                count(*) FILTER (WHERE source <> 'simulated')
         FROM ",
    );
    query.push(table).push(" WHERE true");
    within(&mut query, &[day_range(day)]);
    query.push(" GROUP BY app, account_id");
    let rows: Vec<PerAccount> = query.build_query_as().fetch_all(conn).await?;
    let mut sums = (0, 0);
    for (app, account, simulated, since, other) in rows {
        sums = (sums.0 + simulated, sums.1 + other);
        let Some(account) = account else { continue };
        let trace = traces.entry((app, account)).or_default();
        let since = since.map(jiff_sqlx::Timestamp::to_jiff);
        trace.simulated = trace.simulated.into_iter().chain(since).min();
        trace.other |= other > 0;
    }
    Ok(sums)
}
