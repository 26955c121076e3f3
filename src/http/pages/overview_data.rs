//! Data of the overview from Postgres, under the scope of the reader.

use jiff::{SignedDuration, Timestamp};

use super::{
    account_line::{AccountLine, account_lines},
    chart::{Chart, Size},
    gap_strip::GapStrip,
    period::Period,
    times::Times,
    visit::Visit,
};
use crate::{
    http::{
        api::{Api, Asked, filters::accounts, shown},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        AccountFilter, AccountRow, Dimension, FollowerLag, GapFilter, MOST_GAPS, RejectionFilter,
        RejectionTotal, Scope, SecretUse, Session, StatsFilter,
    },
};

/// Maximum number of accounts that are looked through.
const MOST_ACCOUNTS: u32 = 1_000;

/// Number of shown accounts.
const SHOWN_ACCOUNTS: usize = 10;

/// Maximum number of counts of rejections.
const MOST_REJECTIONS: u32 = 10_000;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Data of the overview.
pub(super) struct Stored {
    /// True if nothing was ever stored.
    pub(super) is_unused: bool,
    pub(super) today: Today,
    pub(super) chart: Chart,
    pub(super) gaps: GapStrip,
    /// Rejections of the last hour by reason.
    pub(super) rejected: Vec<RejectionTotal>,
    pub(super) accounts: Vec<AccountLine>,
    pub(super) has_more_accounts: bool,
    pub(super) secrets: Vec<SecretUse>,
    /// The follower that is behind most; `None` for a restricted reader.
    pub(super) lag: Option<FollowerLag>,
    pub(super) times: Times,
}

/// Counts of today.
#[derive(Debug)]
pub(super) struct Today {
    pub(super) events: u64,
    pub(super) last_event: Option<Timestamp>,
    /// Number of accounts that are quieter than usual.
    pub(super) silent: usize,
}

/// Reads the data of the overview.
pub(super) async fn stored(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    visit: &Visit,
) -> Result<Stored, Problem> {
    let mut session = api.session(scope).await?;
    let session = &mut session;
    let parameters = &asked.parameters;
    let filter = filter(api, session, parameters).await?;
    let end = api.read(session.end_of_log()).await?;
    let rows = account_rows(api, session, &filter).await?;
    let times = Times::new(&visit.preferences, visit.now);
    let period = Period::of(filter.since, filter.until, visit.now);
    let (chart, gaps) = traffic(api, session, (&filter, parameters), (&period, &times)).await?;
    let shown = shown_rows(&rows);
    let followers = api.read(session.followers()).await?.unwrap_or_default();
    let apps = api.apps.configured_apps();
    Ok(Stored {
        is_unused: end == 0 && rows.is_empty() && !scope.is_restricted(),
        today: today(api, session, &filter, (&rows, visit)).await?,
        rejected: rejected(api, session, &filter, visit.now).await?,
        has_more_accounts: rows.len() > shown.len(),
        accounts: account_lines(api, session, &shown, visit.now).await?,
        secrets: api.read(session.secret_uses(apps.values())).await?,
        lag: followers.into_iter().max_by_key(|lag| lag.positions),
        chart,
        gaps,
        times,
    })
}

async fn filter(
    api: &Api,
    session: &mut Session,
    parameters: &Parameters,
) -> Result<StatsFilter, Problem> {
    Ok(StatsFilter {
        app: parameters.text("app")?,
        account_ids: accounts(api, session, parameters).await?,
        client: parameters.text("client")?,
        since: parameters.moment("since")?,
        until: parameters.moment("until")?,
        ..StatsFilter::default()
    })
}

/// Accounts that meet the filter, the newest events last.
async fn account_rows(
    api: &Api,
    session: &mut Session,
    filter: &StatsFilter,
) -> Result<Vec<AccountRow>, Problem> {
    let of = AccountFilter {
        app: filter.app.clone(),
        client: filter.client.clone(),
        account_ids: filter.account_ids.clone(),
        silent_since: None,
    };
    Ok(api.read(session.accounts(&of, MOST_ACCOUNTS)).await?.rows)
}

/// The silent accounts first, then those with the newest events.
fn shown_rows(rows: &[AccountRow]) -> Vec<&AccountRow> {
    let (silent, others): (Vec<_>, Vec<_>) = rows.iter().rev().partition(|row| row.silent);
    let all = silent.into_iter().chain(others);
    all.take(SHOWN_ACCOUNTS).collect()
}

/// The chart, and the gaps below it.
async fn traffic(
    api: &Api,
    session: &mut Session,
    (filter, parameters): (&StatsFilter, &Parameters),
    (period, times): (&Period, &Times),
) -> Result<(Chart, GapStrip), Problem> {
    let (start, end) = (period.start(0), period.start(period.len()));
    let mut buckets = period.count(api, session, filter).await?;
    // Rejections and gaps belong to apps: they are not those of an account or client.
    if filter.account_ids.is_empty() && filter.client.is_none() {
        let of = RejectionFilter {
            app: filter.app.clone(),
            since: Some(start),
            until: Some(end),
        };
        let rows = api.read(session.rejections(&of, MOST_REJECTIONS)).await?;
        period.add_rejections(&mut buckets, &rows);
    }
    let of = GapFilter {
        app: filter.app.clone(),
        since: Some(start),
        until: Some(end),
        ..GapFilter::default()
    };
    let gaps = api.read(session.gaps(&of, MOST_GAPS)).await?;
    let link = |since: Timestamp, until: Timestamp| {
        let time = [("since", since.to_string()), ("until", until.to_string())];
        shown::url("/", parameters, &time)
    };
    let chart = Chart::draw((period, buckets), Size::Tall, times, link);
    Ok((chart, GapStrip::draw(gaps, period, times)))
}

async fn today(
    api: &Api,
    session: &mut Session,
    filter: &StatsFilter,
    (rows, visit): (&[AccountRow], &Visit),
) -> Result<Today, Problem> {
    let now = visit.now.to_zoned(visit.preferences.zone.clone());
    let midnight = now.start_of_day().map(|it| it.timestamp()).ok();
    let of = StatsFilter {
        since: midnight,
        until: None,
        ..filter.clone()
    };
    let counts = api
        .read(session.stats(&of, &[Dimension::Kind]))
        .await?
        .counts;
    Ok(Today {
        events: u64::try_from(counts.events).unwrap_or_default(),
        last_event: rows.iter().filter_map(|row| row.last_event_at).max(),
        silent: rows.iter().filter(|row| row.silent).count(),
    })
}

async fn rejected(
    api: &Api,
    session: &mut Session,
    filter: &StatsFilter,
    now: Timestamp,
) -> Result<Vec<RejectionTotal>, Problem> {
    let of = RejectionFilter {
        app: filter.app.clone(),
        since: now.checked_sub(HOUR).ok(),
        until: None,
    };
    api.read(session.rejection_totals(&of)).await
}
