//! Overview: *is everything OK, and was it OK overnight?* One sentence, at most three things to act
//! on, and the figures. Without data, the setup guide.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    account_line::AccountLine,
    accounts,
    acts::{Act, acts},
    answer::{page, rendered},
    chart::Chart,
    delivery_path::ack_times,
    faults::{Answer, Faults},
    frame::{Frame, OVERVIEW},
    gap_strip::GapStrip,
    overview_data::{Stored, Today, stored},
    setup::{Setup, setup},
    text,
    visit::Visit,
};
use crate::{
    amounts::{count, size},
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            filters::{ACCOUNT, APP, CLIENT, since, until},
        },
        parameter::Parameter,
        problem::{self, Problem},
    },
    query::Scope,
    spool::DiskSpace,
};

const TIME: &[Parameter] = &[
    APP,
    CLIENT,
    ACCOUNT,
    since("Start of the chart."),
    until("End of the chart."),
];

pub(super) const PAGE: Page = Page {
    path: "/",
    handler: || get(show),
    parameters: &[TIME],
};

#[derive(Template)]
#[template(path = "overview.html", blocks = ["main"])]
struct OverviewPage {
    frame: Frame,
    answer: Answer,
    faults: Faults,
    acts: Vec<Act>,
    /// `None` while Postgres is unavailable.
    stored: Option<Shown>,
    figures: Vec<Figure>,
}

rendered!(OverviewPage);

/// Parts that need Postgres.
struct Shown {
    today: Today,
    chart: Chart,
    gaps: GapStrip,
    accounts: Vec<AccountLine>,
    has_more_accounts: bool,
}

/// A figure with its name and a remark.
struct Figure {
    name: String,
    value: String,
    remark: String,
}

/// The answer: faults of the server come first, then urgent things to act on.
fn answer_of(faults: &Faults, acts: &[Act]) -> Answer {
    let of_acts = if acts.iter().any(|act| act.is_urgent) {
        Answer::warning("Something needs you.")
    } else {
        Answer::good("All good.")
    };
    faults.answer().unwrap_or(of_acts)
}

impl Shown {
    fn chart(&self) -> &Chart {
        &self.chart
    }

    /// Accounts without the usual events, in words.
    fn silent(&self) -> String {
        let silent = self.today.silent;
        match silent {
            0 => String::new(),
            1 => "1 account is quieter than usual.".to_owned(),
            more => format!("{more} accounts are quieter than usual."),
        }
    }

    fn events(&self) -> String {
        count(self.today.events, "event", "events")
    }
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let faults = Faults::seen_by(Some(&scope), &api);
    let stored = if faults.is_away() {
        None
    } else {
        match stored(&api, &scope, &asked, &visit).await {
            Ok(stored) => Some(stored),
            Err(problem) if problem.is_of(problem::DATABASE) => None,
            Err(problem) => return Err(problem),
        }
    };
    if stored.as_ref().is_some_and(|it| it.is_unused) && faults.list.is_empty() {
        return Ok(page(&visit, &guide(&api, &scope, &visit)));
    }
    let acts = acts(&api, &scope, &faults, stored.as_ref());
    let overview = OverviewPage {
        answer: answer_of(&faults, &acts),
        frame: Frame::new(&visit, Some(&scope), OVERVIEW.name, Some(&OVERVIEW)),
        acts,
        figures: figures(&api, &scope, stored.as_ref()),
        stored: stored.map(Shown::from),
        faults,
    };
    Ok(page(&visit, &overview))
}

impl From<Stored> for Shown {
    fn from(stored: Stored) -> Self {
        Self {
            today: stored.today,
            chart: stored.chart,
            gaps: stored.gaps,
            accounts: stored.accounts,
            has_more_accounts: stored.has_more_accounts,
        }
    }
}

#[derive(Template)]
#[template(path = "setup.html", blocks = ["main"])]
struct SetupPage {
    frame: Frame,
    setup: Setup,
}

rendered!(SetupPage);

fn guide(api: &Api, scope: &Scope, visit: &Visit) -> SetupPage {
    SetupPage {
        frame: Frame::new(visit, Some(scope), OVERVIEW.name, Some(&OVERVIEW)),
        setup: setup(api, scope, visit.now),
    }
}

/// Figures of the whole server, for readers who see all of it.
fn figures(api: &Api, scope: &Scope, stored: Option<&Stored>) -> Vec<Figure> {
    if scope.is_restricted() {
        return Vec::new();
    }
    let (recent, spool) = (api.metrics.recent(), api.spool.report());
    let [p50, p99] = ack_times(&recent);
    let figure = |name: &str, value: String, remark: String| Figure {
        name: name.to_owned(),
        value,
        remark,
    };
    let waiting = match spool.oldest_received_at {
        _ if !spool.on => "off".to_owned(),
        Some(_) => format!("draining {:.1} a second", spool.drain_rate),
        None => "empty".to_owned(),
    };
    let mut figures = vec![
        figure("Ack p50", p50, format!("p99 {p99}")),
        figure("Spool", spool.records.to_string(), waiting),
    ];
    if let Some(lag) = stored.and_then(|stored| stored.lag.as_ref()) {
        let remark = format!("positions, {:.1} s, {}", lag.seconds, lag.name);
        figures.push(figure("Follower lag", lag.positions.to_string(), remark));
    }
    if let Some(space) = DiskSpace::of(&spool.dir) {
        let of = format!("of {}, disk of the spool", size(space.total));
        figures.push(figure("Disk free", size(space.free), of));
    }
    figures.extend(stored.iter().flat_map(|it| secret_uses(it)));
    figures
}

/// Last use of each secret.
fn secret_uses(stored: &Stored) -> impl Iterator<Item = Figure> {
    stored.secrets.iter().map(|secret| {
        let last = secret.last_delivery_at.max(secret.last_simulated_at);
        let used = last.map(|at| stored.times.ago(at));
        let is_simulated = secret.last_delivery_at < secret.last_simulated_at;
        let by = if is_simulated { "simulated" } else { "by Meta" };
        Figure {
            name: format!("Secret {} of {}", secret.secret, secret.app),
            remark: used.as_ref().map_or("never used", |_| by).to_owned(),
            value: used.unwrap_or_else(|| "–".to_owned()),
        }
    })
}
