//! Page of rejections: *which deliveries were rejected: my mistake, or a stranger?* A card for each
//! cause, and the deliveries in quarantine.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    answer::{page, rendered},
    causes::{Cause, causes},
    digits::counted,
    elsewhere,
    filters::Filters,
    frame::{Frame, REJECTIONS, SCOPE},
    recheck::{Fields, Verified, fields},
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
            rejections::{Listed, counted_if_few, listed},
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
    parameters: &[FILTERS, SCOPE],
};

#[derive(Template)]
#[template(path = "rejections.html", blocks = ["main"])]
struct RejectionsPage {
    frame: Frame,
    filters: Filters,
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

/// Deliveries in quarantine.
struct Quarantine {
    /// Number in words; `None` if the directory cannot be read.
    held: Option<String>,
    /// Verified deliveries of the filter; `None` if the reader is no operator, or if there are too
    /// many to verify for each look at the page.
    verified: Option<Verified>,
    /// Fields of the form that verifies deliveries of the filter; `None` if the reader is no operator.
    choice: Option<Fields>,
}

impl Quarantine {
    /// Word on the button; `None` if no delivery meets the filter.
    fn button(&self) -> Option<&'static str> {
        match &self.verified {
            Some(verified) if verified.held == 0 => None,
            Some(verified) if verified.passing > 0 => Some("Store them"),
            _ => Some("Verify them"),
        }
    }
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
    let quarantine = quarantine((&api, &scope), parameters, list.quarantined).await?;
    let own = parameters.without(SCOPE);
    let address = |changes: &[(&str, String)]| shown::url(REJECTIONS.path, parameters, changes);
    let total: i64 = list.totals.iter().map(|total| total.count).sum();
    let limit: u32 = parameters.number("limit")?;
    let rejections = RejectionsPage {
        frame: Frame::new(&visit, Some(&scope), REJECTIONS.name, Some(&REJECTIONS)),
        filters: Filters::of(REJECTIONS.path, ["app"], parameters, address),
        is_cut: u32::try_from(list.rejections.len()).is_ok_and(|count| count >= limit),
        causes: causes(list.rejections),
        total: counted(total, "request", "requests"),
        quarantine,
        call: elsewhere::call("/v1/rejections", &own),
        command: elsewhere::command("rejections list", &own),
    };
    Ok(page(&visit, &rejections))
}

/// Deliveries in quarantine; `None` if there are none.
async fn quarantine(
    (api, scope): (&Api, &Scope),
    parameters: &Parameters,
    quarantined: Option<usize>,
) -> Result<Option<Quarantine>, Problem> {
    if quarantined == Some(0) {
        return Ok(None);
    }
    let may_store = scope.role().covers(Role::Operator);
    let counted_now = match quarantined {
        Some(_) if may_store => counted_if_few(api, scope, parameters).await,
        _ => Ok(None),
    };
    Ok(Some(Quarantine {
        held: quarantined.map(|held| counted(held, "delivery is", "deliveries are")),
        // The causes are shown even if a file cannot be read.
        verified: counted_now.ok().flatten().map(|apps| Verified::of(&apps)),
        choice: may_store.then(|| fields(parameters)).transpose()?,
    }))
}
