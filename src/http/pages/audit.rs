//! Page of the audit: *who opened which content?*

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use uuid::Uuid;

use super::{
    Page,
    answer::{page, rendered},
    digits::grouped,
    elsewhere,
    filters::Filters,
    frame::Frame,
    frame_tools::AUDIT,
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Privacy,
        api::{
            Asked, Shared,
            audit::{AUDIT as PARAMETERS, Listed, listed},
            shown,
        },
        problem::Problem,
    },
    query::AuditRow,
};

pub(super) const PAGE: Page = Page {
    path: "/audit",
    handler: || get(show),
    parameters: &[PARAMETERS],
};

#[derive(Template)]
#[template(path = "audit.html", blocks = ["main"])]
struct AuditPage {
    frame: Frame,
    filters: Filters,
    lines: Vec<Line>,
    newer: Option<String>,
    older: Option<String>,
    /// True for a part of the list.
    is_part: bool,
    /// Call of the API and command with the same entries.
    call: String,
    command: String,
}

rendered!(AuditPage);

/// Entry of the audit.
struct Line {
    row: AuditRow,
    /// The action in words.
    words: String,
    /// Page of the subject, below the base; `None` for a person, an account, or a name.
    link: Option<String>,
    rows: String,
}

async fn show(
    State(api): Shared,
    Privacy(scope): Privacy,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let Listed::Page(list) = listed(&api, &scope, &asked).await? else {
        return Err(Problem::not_found());
    };
    let newest = |changes: &[(&str, String)]| {
        let places = ["before", "after"].map(|name| (name, String::new()));
        shown::url(AUDIT.path, parameters, &[changes, &places].concat())
    };
    let page_of = |url: String| url.replacen("/v1/", "/", 1);
    let audit = AuditPage {
        frame: Frame::new(&visit, Some(&scope), AUDIT.name, Some(&AUDIT)),
        filters: Filters::of(AUDIT.path, ["token", "subject"], parameters, newest),
        lines: list.audit.into_iter().map(Line::of).collect(),
        newer: list.previous.map(page_of),
        older: list.next.map(page_of),
        is_part: parameters
            .get("before")
            .or(parameters.get("after"))
            .is_some(),
        call: elsewhere::call("/v1/audit", parameters),
        command: elsewhere::command("audit list", parameters),
    };
    Ok(page(&visit, &audit))
}

impl Line {
    fn of(row: AuditRow) -> Self {
        Self {
            words: words(&row.verb),
            link: row.subject.as_deref().and_then(|it| link(&row.verb, it)),
            rows: row.rows.map_or_else(String::new, grouped),
            row,
        }
    }
}

/// The action in words.
fn words(verb: &str) -> String {
    let words = match verb {
        "body" => "Opened a body",
        "signature" => "Verified a signature",
        "delivery" => "Opened a delivery",
        "event" => "Opened an event",
        "conversation" => "Opened a conversation",
        "comments" => "Opened comments",
        "search" => "Searched texts",
        "export" => "Began an export",
        "exported" => "Ended an export",
        "login_failed" => "Failed to sign in",
        other => return other.replace('_', " "),
    };
    words.to_owned()
}

/// Page of the subject of an action.
fn link(verb: &str, subject: &str) -> Option<String> {
    let position = || subject.parse().ok().filter(|position: &i64| *position > 0);
    match verb {
        "event" => position().map(|position| format!("/events/{position}")),
        "body" | "signature" | "delivery" => {
            let id: Uuid = subject.parse().ok()?;
            Some(format!("/deliveries/{id}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_subject_with_a_page_is_a_link() {
        let id = "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a";
        assert_eq!(link("event", "42").as_deref(), Some("/events/42"));
        assert_eq!(link("body", id), Some(format!("/deliveries/{id}")));
        for (verb, subject) in [("event", "//x"), ("conversation", "42"), ("body", "42")] {
            assert_eq!(link(verb, subject), None, "{verb} {subject}");
        }
        assert_eq!(words("consumer_pause"), "consumer pause");
    }
}
