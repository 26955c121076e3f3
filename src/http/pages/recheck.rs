//! Deliveries in quarantine: the number of those that verify, one question, and storing them in parts,
//! each with a page of the progress, until the last one has the results.

use askama::Template;
use axum::{
    extract::{State, rejection::BytesRejection},
    response::{Redirect, Response},
    routing::get,
};
use bytes::Bytes;
use jiff::Timestamp;
use uuid::Uuid;

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
            rejections::{AppSurvey, RECHECK, Rescued, counted_unless_busy, stored_part},
        },
        parameter::{Form, Parameter},
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

/// Place of the next part, and the results until there. A page carries them, so that the server has
/// nothing to remember, and storing can be left and begun anew.
const PARTS: &[Parameter] = &[
    Parameter::of("after", "Last delivery of the part before.", Form::Delivery),
    Parameter::of("done", "Results of the parts before, as JSON.", Form::Any),
];

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
pub(super) struct Verified {
    /// Number of all that meet the choice.
    pub(super) held: u64,
    /// Number of those that pass with the present secrets.
    pub(super) passing: u64,
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
    /// `None` behind the last part.
    rest: Option<Rest>,
}

rendered!(RecheckPage);

/// Deliveries behind a part.
struct Rest {
    /// Number of tried deliveries, and of all.
    tried: u64,
    all: u64,
    /// Fields of the form for the next part.
    fields: Fields,
}

/// Result for an app.
struct AppResult {
    result: Rescued,
    /// Query of the lists with the stored deliveries.
    query: String,
}

/// Stores a part of the chosen deliveries if the form was confirmed, else verifies them and asks.
async fn store(
    State(api): Shared,
    Operator(scope): Operator,
    visit: Visit,
    form: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let wrong = || Problem::new(problem::BODY, "send the form of the page of rejections");
    let form = form.map_err(|_| wrong())?;
    let form = std::str::from_utf8(&form).map_err(|_| wrong())?;
    let parameters = Parameters::of(Some(form), &[RECHECK, PARTS])?;
    if parameters.flag("yes")? != Some(true) {
        return ask(&api, &scope, &visit, &parameters).await;
    }
    let done = parameters.parse("done", |text| serde_json::from_str(text).ok())?;
    let after = parameters.delivery("after")?;
    let part = stored_part(&api, &scope, &parameters, after).await?;
    let results = together(done.unwrap_or_default(), part.results);
    let rest = match part.end.filter(|_| part.left > 0) {
        Some(end) => Some(Rest::of(&parameters, &results, (end, part.left))?),
        None => None,
    };
    let title = match rest {
        Some(_) => "Storing from quarantine",
        None => "Stored from quarantine",
    };
    let stored = sum(&results, |result| result.deliveries);
    let recheck = RecheckPage {
        frame: Frame::new(&visit, Some(&scope), title, Some(&REJECTIONS)),
        stored: counted(stored, "delivery was", "deliveries were"),
        apps: results.into_iter().map(AppResult::of).collect(),
        rest,
    };
    Ok(page(&visit, &recheck))
}

/// Adds the results of a part to those of the parts before.
fn together(mut done: Vec<Rescued>, part: Vec<Rescued>) -> Vec<Rescued> {
    for later in part {
        match done.iter_mut().find(|it| it.app == later.app) {
            Some(result) => result.add(&later),
            None => done.push(later),
        }
    }
    done
}

fn sum(results: &[Rescued], number: fn(&Rescued) -> u64) -> u64 {
    results.iter().map(number).fold(0, u64::saturating_add)
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
    pub(super) fn of(apps: &[AppSurvey]) -> Self {
        let sum = |of: fn(&AppSurvey) -> u64| apps.iter().map(of).sum::<u64>();
        Self {
            held: sum(|app| app.held),
            passing: sum(|app| app.passing),
            events: sum(|app| app.events.saturating_sub(app.stored.unwrap_or(0))),
            is_exact: apps.iter().all(|app| app.stored.is_some()),
        }
    }

    pub(super) fn quarantined(&self) -> String {
        counted(self.held, "delivery is", "deliveries are")
    }

    pub(super) fn passed(&self) -> String {
        grouped(self.passing)
    }

    fn offered(&self) -> String {
        counted(self.passing, "delivery", "deliveries")
    }

    fn added(&self) -> String {
        counted(self.events, "event", "events")
    }
}

impl Rest {
    fn of(
        parameters: &Parameters,
        results: &[Rescued],
        (end, left): (Uuid, usize),
    ) -> Result<Self, Problem> {
        let failed = |_| Problem::new(problem::DEFECT, "the results cannot be written");
        let done = serde_json::to_string(results).map_err(failed)?;
        let mut fields = fields(parameters)?;
        fields.push(("yes", "true".to_owned()));
        fields.push(("after", end.to_string()));
        fields.push(("done", done));
        let tried = sum(results, Rescued::tried);
        Ok(Self {
            tried,
            all: tried.saturating_add(left as u64),
            fields,
        })
    }

    fn words(&self) -> String {
        format!("{} of {}", grouped(self.tried), grouped(self.all))
    }
}

/// Query of the lists with the stored deliveries of an app: the app and the times of arrival.
fn query(result: &Rescued) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("app", &result.app);
    if let Some((first, last)) = result.first.zip(result.last) {
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
    fn of(result: Rescued) -> Self {
        Self {
            query: query(&result),
            result,
        }
    }

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
