//! Page of deliveries: a list with filters.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use jiff::Timestamp;

use super::{
    Page,
    answer::{page, rendered},
    digits::{counted, grouped},
    elsewhere,
    event_line::Note,
    filters::Filters,
    frame::{DELIVERIES, Frame, SCOPE},
    sender::Sender,
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Asked, Shared,
            deliveries::{DELIVERIES as FILTERS, Listed, listed},
            filters::problem_names,
            shown,
        },
        parameters::Parameters,
        problem::Problem,
    },
    query::DeliveryRow,
};

pub(super) const PAGE: Page = Page {
    path: "/deliveries",
    handler: || get(show),
    parameters: &[FILTERS, SCOPE],
};

#[derive(Template)]
#[template(path = "deliveries.html", blocks = ["main"])]
struct DeliveriesPage {
    frame: Frame,
    filters: Filters,
    lines: Vec<Line>,
    newer: Option<String>,
    older: Option<String>,
    /// Call of the API and command with the same rows.
    call: String,
    command: String,
}

rendered!(DeliveriesPage);

/// Delivery in the list.
struct Line {
    id: String,
    received_at: Timestamp,
    app: String,
    object: Option<String>,
    sender: Sender,
    /// Size; `None` after the erasure of the body.
    size: Option<String>,
    items: String,
    secret: String,
    notes: Vec<Note>,
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
    let own = parameters.without(SCOPE);
    let address = |changes: &[(&str, String)]| shown::url(DELIVERIES.path, parameters, changes);
    let mut rows = list.deliveries;
    rows.reverse();
    let [newer, older] = neighbours(&rows, parameters)?
        .map(|changes| changes.map(|[after, before]| address(&[after, before])));
    let deliveries = DeliveriesPage {
        frame: Frame::new(&visit, Some(&scope), DELIVERIES.name, Some(&DELIVERIES)),
        filters: filters(parameters, address),
        lines: rows.into_iter().map(Line::of).collect(),
        newer,
        older,
        call: elsewhere::call("/v1/deliveries", &own),
        command: elsewhere::command("deliveries list", &own),
    };
    Ok(page(&visit, &deliveries))
}

/// Filters of the list. Any problem can be asked for, too.
fn filters(parameters: &Parameters, link: impl Fn(&[(&str, String)]) -> String) -> Filters {
    let names = ["app", "source", "problem"];
    let mut filters = Filters::of(DELIVERIES.path, names, parameters, link);
    for field in &mut filters.fields {
        if field.name == "problem" {
            field.choices = Some(problem_names());
        }
    }
    filters
}

/// Changed parameters of a neighboring page.
type Neighbour = Option<[(&'static str, String); 2]>;

/// Parameters of the newer and of the older page. `rows` are the newest first.
fn neighbours(rows: &[DeliveryRow], parameters: &Parameters) -> Result<[Neighbour; 2], Problem> {
    let limit: u32 = parameters.number("limit")?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|count| count >= limit);
    let is_after = parameters.get("after").is_some();
    let is_first = !is_after && parameters.get("before").is_none();
    let after = |row: &DeliveryRow| [("after", row.id.to_string()), ("before", String::new())];
    let before = |row: &DeliveryRow| [("before", row.id.to_string()), ("after", String::new())];
    let newer = rows.first().filter(|_| !is_first).map(after);
    let older = rows.last().filter(|_| is_full || is_after).map(before);
    Ok([newer, older])
}

impl Line {
    fn of(row: DeliveryRow) -> Self {
        let repeated = (row.repeated > 0).then(|| Note {
            icon: "repeat-2",
            text: counted(row.repeated, "repeat", "repeats"),
        });
        let problem = row.problem.as_ref().map(|problem| Note {
            icon: "triangle-alert",
            text: problem.replace('_', " "),
        });
        let source = (row.source != "live").then(|| Note {
            icon: "tag",
            text: row.source.clone(),
        });
        Self {
            id: row.id.to_string(),
            received_at: row.received_at,
            app: row.app,
            object: row.object,
            sender: Sender::of(row.remote_addr.as_deref()),
            size: row.body_bytes.map(grouped),
            items: grouped(row.event_count),
            secret: row.secret,
            notes: [repeated, problem, source].into_iter().flatten().collect(),
        }
    }
}
