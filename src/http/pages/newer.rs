//! Number of events that came since a list was shown: a part of its page, which asks again.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::{
    Page,
    answer::{Render, page},
    digits::counted,
    frame::EVENTS,
    visit::Visit,
};
use crate::http::{
    access::Viewer,
    api::{
        Asked, Shared,
        events::{Listed, listed},
        filters::{FILTERS, PAGE as PART},
        shown,
    },
    parameters::Parameters,
    problem::Problem,
};

pub(super) const PAGE: Page = Page {
    path: "/events/newer",
    handler: || get(show),
    parameters: &[FILTERS, PART],
};

/// Link to the newer events of a list.
#[derive(Template)]
#[template(path = "newer.html")]
pub(super) struct Newer {
    /// Address of this part.
    address: String,
    /// Address of the list with the newer events.
    list: String,
    /// Number of newer events in words; `None` if there are none.
    words: Option<String>,
}

/// The answer has no frame, and the part in a main part: scripts refuse other answers.
impl Render for Newer {
    fn whole(&self) -> askama::Result<String> {
        Ok(format!("<main id=\"main\">{}</main>", self.render()?))
    }

    fn part(&self) -> askama::Result<String> {
        self.whole()
    }
}

impl Newer {
    /// No newer events yet behind the position `end`.
    pub(super) fn behind(parameters: &Parameters, end: i64) -> Self {
        let address = |path: &str, after: String| {
            let view = ["before", "limit", "open", "order"].map(|name| (name, String::new()));
            let changes = [&view[..], &[("after", after)][..]].concat();
            let address = shown::url(path, parameters, &changes);
            address.trim_end_matches('?').to_owned()
        };
        Self {
            address: address(PAGE.path, end.to_string()),
            list: address(EVENTS.path, String::new()),
            words: None,
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
    let end = parameters.position("after")?;
    let newer = Newer::behind(parameters, end.unwrap_or_default());
    let is_asked = visit.is_part || visit.piece.is_some();
    if !is_asked || end.is_none() {
        return Ok(Redirect::to(&newer.list).into_response());
    }
    // A problem would replace the whole frame. The next request may succeed.
    let count = match listed(&api, &scope, &asked).await {
        Ok(Listed::Page(list)) => list.events.len(),
        _ => 0,
    };
    let words = if count >= parameters.number::<u32>("limit")? as usize {
        format!("{count} or more newer events")
    } else {
        counted(count, "newer event", "newer events")
    };
    let newer = Newer {
        words: (count > 0).then_some(words),
        ..newer
    };
    Ok(page(&visit, &newer))
}
