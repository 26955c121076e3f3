//! Alert line of an open page: it asks for itself again, and tells during an outage of Postgres that
//! the page is older.

use askama::{Template, filters::Safe};
use axum::{
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::{
    Page,
    answer::{Render, page},
    faults::Fault,
    frame::{Frame, OVERVIEW},
    times::TimeTag,
    visit::Visit,
};
use crate::http::{
    access::Viewer,
    api::Asked,
    parameter::{Form, Parameter},
    problem::Problem,
};

const LOADED: Parameter = Parameter::of(
    "loaded",
    "Time at which the open page was loaded.",
    Form::Moment,
);

pub(super) const PAGE: Page = Page {
    path: "/alert",
    handler: || get(show),
    parameters: &[&[LOADED]],
};

#[derive(Template)]
#[template(path = "alert.html")]
struct Alert {
    frame: Frame,
}

/// The answer has no frame, and the line in a main part: scripts refuse other answers.
impl Render for Alert {
    fn whole(&self) -> askama::Result<String> {
        Ok(format!("<main id=\"main\">{}</main>", self.render()?))
    }

    fn part(&self) -> askama::Result<String> {
        self.whole()
    }
}

impl Frame {
    /// True if the reader is known: nobody else learns the faults of the server.
    pub(super) fn is_known(&self) -> bool {
        self.scope.is_some()
    }

    /// Address of the alert line of this page.
    pub(super) fn alert(&self) -> String {
        format!("{}{}?{}={}", self.base, PAGE.path, LOADED.name, self.loaded)
    }

    /// Time at which the page was loaded, if an outage of Postgres began later.
    pub(super) fn age(&self) -> Option<Safe<TimeTag>> {
        let is_later = |fault: &Fault| fault.since.is_some_and(|since| self.loaded < since);
        let is_older = self.faults.list.iter().any(is_later);
        is_older.then(|| self.time(&self.loaded))
    }
}

async fn show(Viewer(scope): Viewer, visit: Visit, asked: Asked) -> Result<Response, Problem> {
    let loaded = asked.parameters.moment(LOADED.name)?;
    let (Some(loaded), Some(_)) = (loaded, visit.piece) else {
        return Ok(Redirect::to(&visit.base.join(OVERVIEW.path)).into_response());
    };
    let mut frame = Frame::new(&visit, Some(&scope), "", None);
    frame.loaded = loaded;
    Ok(page(&visit, &Alert { frame }))
}
