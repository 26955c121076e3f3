//! Deliveries in quarantine: the number of those that verify, one question, and the result of storing
//! them.

use askama::Template;
use axum::{
    extract::{State, rejection::BytesRejection},
    response::{Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use jiff::Timestamp;

use super::{
    Page,
    answer::{page, rendered},
    digits::{counted, grouped},
    frame::{Frame, REJECTIONS},
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Operator,
        api::{
            Api, Shared,
            rejections::{self, AppSurvey, RECHECK, Rescued, counted_unless_busy},
        },
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::Scope,
};

pub(super) const PAGE: Page = Page {
    path: "/rejections/recheck",
    handler: || get(async || Redirect::to("../rejections")).post(store),
    parameters: &[],
};

/// Fields of a form with names and values.
pub(super) type Fields = Vec<(&'static str, String)>;

#[derive(Template)]
#[template(path = "recheck_ask.html", blocks = ["main"])]
struct AskPage {
    frame: Frame,
    /// `None` while another recheck runs.
    verified: Option<Verified>,
    /// Fields of the form, with fixed times.
    fields: Fields,
}

rendered!(AskPage);

/// Verified deliveries in quarantine.
struct Verified {
    /// Number of all that meet the choice.
    held: u64,
    /// Number of those that pass with the present secrets.
    passing: u64,
    /// Events that storing them adds.
    events: u64,
    /// False if Postgres did not tell how many of the events are stored already.
    is_exact: bool,
}

#[derive(Template)]
#[template(path = "recheck.html", blocks = ["main"])]
struct RecheckPage {
    frame: Frame,
    /// Number of stored deliveries in words.
    stored: String,
    apps: Vec<AppResult>,
}

rendered!(RecheckPage);

/// Result for an app.
struct AppResult {
    result: Rescued,
    /// Query of the lists with the stored deliveries.
    query: String,
}

/// Stores the chosen deliveries if the form was confirmed, else verifies them and asks.
async fn store(
    State(api): Shared,
    Operator(scope): Operator,
    visit: Visit,
    form: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let wrong = || Problem::new(problem::BODY, "send the form of the page of rejections");
    let form = form.map_err(|_| wrong())?;
    let form = std::str::from_utf8(&form).map_err(|_| wrong())?;
    let parameters = Parameters::of(Some(form), &[RECHECK])?;
    if parameters.flag("yes")? != Some(true) {
        return ask(&api, &scope, &visit, &parameters).await;
    }
    let found = rejections::counted(&api, &scope, &parameters).await?;
    let results = rejections::stored(&api, &scope, &parameters).await?;
    let stored: u64 = results.iter().map(|result| result.deliveries).sum();
    let result = |result: Rescued| AppResult {
        query: query(&result.app, found.iter().find(|it| it.app == result.app)),
        result,
    };
    let recheck = RecheckPage {
        frame: Frame::new(
            &visit,
            Some(&scope),
            "Stored from quarantine",
            Some(&REJECTIONS),
        ),
        stored: counted(stored, "delivery was", "deliveries were"),
        apps: results.into_iter().map(result).collect(),
    };
    Ok(page(&visit, &recheck))
}

async fn ask(
    api: &Api,
    scope: &Scope,
    visit: &Visit,
    parameters: &Parameters,
) -> Result<Response, Problem> {
    let apps = counted_unless_busy(api, scope, parameters).await?;
    let ask = AskPage {
        frame: Frame::new(visit, Some(scope), "Verified quarantine", Some(&REJECTIONS)),
        verified: apps.map(|apps| Verified::of(&apps)),
        fields: fields(parameters)?,
    };
    Ok(page(visit, &ask))
}

/// The choice of deliveries as fields of a form, with fixed times.
pub(super) fn fields(parameters: &Parameters) -> Result<Fields, Problem> {
    let mut fields = Vec::new();
    fields.extend(parameters.text("app")?.map(|app| ("app", app)));
    for name in ["since", "until"] {
        let at = parameters.moment(name)?;
        fields.extend(at.map(|at| (name, at.to_string())));
    }
    Ok(fields)
}

impl Verified {
    fn of(apps: &[AppSurvey]) -> Self {
        let sum = |of: fn(&AppSurvey) -> u64| apps.iter().map(of).sum::<u64>();
        Self {
            held: sum(|app| app.held),
            passing: sum(|app| app.passing),
            events: sum(|app| app.events.saturating_sub(app.stored.unwrap_or(0))),
            is_exact: apps.iter().all(|app| app.stored.is_some()),
        }
    }

    fn quarantined(&self) -> String {
        counted(self.held, "delivery is", "deliveries are")
    }

    fn passed(&self) -> String {
        grouped(self.passing)
    }

    fn offered(&self) -> String {
        counted(self.passing, "delivery", "deliveries")
    }

    fn added(&self) -> String {
        counted(self.events, "event", "events")
    }
}

/// Query of the lists with the deliveries of an app: the app and the times of arrival.
fn query(app: &str, found: Option<&AppSurvey>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("app", app);
    let times = found.and_then(|found| found.first.zip(found.last));
    if let Some((first, last)) = times {
        query.append_pair("since", &first.to_string());
        query.append_pair("until", &behind(last).to_string());
    }
    query.finish()
}

/// Start of the second behind a time.
fn behind(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second() + 1).unwrap_or(at)
}

impl AppResult {
    /// Numbers of the table: stored, new events, repeats, stored before, and left in quarantine.
    fn numbers(&self) -> [String; 5] {
        let result = &self.result;
        [
            result.deliveries,
            result.events,
            result.repeated,
            result.stored_before,
            result.unopened,
        ]
        .map(grouped)
    }
}
