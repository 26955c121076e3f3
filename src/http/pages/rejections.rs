//! Page of rejections: *which deliveries were rejected: my mistake, or a stranger?* A card for each
//! cause, and the deliveries in quarantine.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    answer::{page, rendered},
    causes::{Cause, causes},
    chips::Chips,
    digits::{counted, grouped},
    elsewhere,
    frame::{Frame, REJECTIONS},
    text,
    visit::Visit,
};
use crate::{
    config::Role,
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            filters::{APP, since, until},
            rejections::{self, Listed, listed},
            shown,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::Scope,
};

/// Maximum number of counts.
const MOST: u32 = 10_000;

const FILTERS: &[Parameter] = &[
    APP,
    since("Last request at this time or later."),
    until("Start of the hour before this time."),
    Parameter::of(
        "limit",
        "Maximum number of counts.",
        Form::Number(1, MOST, MOST),
    ),
];

pub(super) const PAGE: Page = Page {
    path: "/rejections",
    handler: || get(show),
    parameters: &[FILTERS],
};

#[derive(Template)]
#[template(path = "rejections.html", blocks = ["main"])]
struct RejectionsPage {
    frame: Frame,
    chips: Chips,
    causes: Vec<Cause>,
    /// Number of rejected requests.
    total: String,
    /// True if there are older counts.
    is_cut: bool,
    quarantine: Option<Quarantine>,
    call: String,
    command: String,
}

rendered!(RejectionsPage);

/// Deliveries in quarantine that meet the filter.
struct Quarantine {
    held: String,
    /// Result of their verification; `None` if the reader is no operator.
    passing: Option<Passing>,
}

/// Deliveries in quarantine that pass with the present secrets.
struct Passing {
    count: u64,
    /// Events that storing them adds; at most so many if the database did not tell.
    events: String,
    /// Filter of the form, with fixed times.
    hidden: Vec<(&'static str, String)>,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let Listed::Page(list) = listed(&api, &scope, &asked).await? else {
        return Err(Problem::not_found());
    };
    let quarantine = quarantine(&api, &scope, parameters, list.quarantined).await?;
    let address = |changes: &[(&str, String)]| shown::url(REJECTIONS.path, parameters, changes);
    let total: i64 = list.totals.iter().map(|total| total.count).sum();
    let limit: u32 = parameters.number("limit")?;
    let chip = ("app", "App", "Name of the configured app", None);
    let rejections = RejectionsPage {
        frame: Frame::new(&visit, Some(&scope), REJECTIONS.name, Some(&REJECTIONS)),
        chips: Chips::of(REJECTIONS.path, [chip], parameters, address),
        is_cut: u32::try_from(list.rejections.len()).is_ok_and(|count| count >= limit),
        causes: causes(list.rejections),
        total: counted(total, "request", "requests"),
        quarantine,
        call: elsewhere::call("/v1/rejections", parameters),
        command: elsewhere::command("rejections list", parameters),
    };
    Ok(page(&visit, &rejections))
}

/// Deliveries in quarantine that meet the filter; `None` if there are none. An operator also learns
/// how many pass.
async fn quarantine(
    api: &Api,
    scope: &Scope,
    parameters: &Parameters,
    quarantined: Option<usize>,
) -> Result<Option<Quarantine>, Problem> {
    let Some(held) = quarantined.filter(|held| *held > 0) else {
        return Ok(None);
    };
    if !scope.role().covers(Role::Operator) {
        let held = counted(held, "delivery is", "deliveries are");
        return Ok(Some(Quarantine {
            held,
            passing: None,
        }));
    }
    let apps = rejections::counted(api, scope, parameters).await?;
    let sum = |of: fn(&rejections::AppSurvey) -> u64| apps.iter().map(of).sum::<u64>();
    let held = sum(|app| app.held);
    let events = sum(|app| app.events.saturating_sub(app.stored.unwrap_or(0)));
    let mut hidden = Vec::new();
    hidden.extend(parameters.text("app")?.map(|app| ("app", app)));
    for name in ["since", "until"] {
        let at = parameters.moment(name)?;
        hidden.extend(at.map(|at| (name, at.to_string())));
    }
    let passing = Passing {
        count: sum(|app| app.passing),
        events: counted(events, "event", "events"),
        hidden,
    };
    Ok((held > 0).then(|| Quarantine {
        held: counted(held, "delivery is", "deliveries are"),
        passing: Some(passing),
    }))
}

impl Passing {
    fn total(&self) -> String {
        grouped(self.count)
    }
}
