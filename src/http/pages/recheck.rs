//! Result of storing deliveries from the quarantine.

use askama::Template;
use axum::{
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Redirect, Response},
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
use crate::http::{
    access::Operator,
    api::{
        Shared,
        rejections::{self, AppSurvey, RECHECK, Rescued},
    },
    parameters::Parameters,
    problem::{self, Problem},
};

pub(super) const PAGE: Page = Page {
    path: "/rejections/recheck",
    handler: || get(async || Redirect::to("../rejections")).post(store),
    parameters: &[],
};

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

/// Stores the chosen deliveries if the form was confirmed.
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
        return Ok(Redirect::to("../rejections").into_response());
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
