//! Page around an event: *what came before and after it on its account?*

use askama::Template;
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    accounts::{AccountName, AccountNames},
    answer::{page, rendered},
    copies::quoted,
    event_line::{EventLine, Said},
    frame::{EVENTS, Frame},
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{Asked, InPath, Shared, events::neighbourhood},
        parameter::{Form, Parameter},
        problem::Problem,
    },
    query::{Around, Between, EventFilter, EventForm, EventPage, Order},
};

const PART: &[Parameter] = &[Parameter::of(
    "n",
    "Number of events around this one.",
    Form::Number(2, 200, 100),
)];

pub(super) const PAGE: Page = Page {
    path: "/events/{position}/around",
    handler: || get(show),
    parameters: &[PART],
};

#[derive(Template)]
#[template(path = "around.html", blocks = ["main"])]
struct AroundPage {
    frame: Frame,
    position: i64,
    account: Option<AccountName>,
    /// The events, the newest first.
    lines: Vec<EventLine>,
    /// Number of events before and after this one.
    before: usize,
    after: usize,
    count: u32,
    /// Links to the list of the account, below the base.
    newer: Option<String>,
    older: Option<String>,
    /// Command and statement with the same events, oldest first.
    command: String,
    statement: String,
}

rendered!(AroundPage);

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(position): InPath<String>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let count: u32 = asked.parameters.number("n")?;
    let around = neighbourhood(&api, (&scope, &asked), &position, count).await?;
    let mut session = api.session(&scope).await?;
    let names = AccountNames::of(&api, &mut session, std::iter::once(&around.event)).await?;
    let position = around.event.columns().position;
    let base = &visit.base;
    let line_of = |event: &EventForm| {
        let line = EventLine::of(event, &names);
        let is_open = line.position == position;
        let address = format!("{base}/events/{}", line.position);
        line.in_list(address, is_open)
    };
    let lines: Vec<_> = newest_first(&around).map(line_of).collect();
    let first = lines.last().map_or(position, |line| line.position);
    let last = lines.first().map_or(position, |line| line.position);
    let is_full = |side: &[EventForm]| side.len() >= count.div_ceil(2) as usize;
    let shown = u32::try_from(lines.len()).unwrap_or(count);
    let [command, statement] = elsewhere(&around, first - 1, shown);
    let title = format!("Around event {position}");
    let page_around = AroundPage {
        frame: Frame::new(&visit, Some(&scope), title, Some(&EVENTS)),
        account: around
            .event
            .columns()
            .account_id
            .as_deref()
            .map(|id| names.get(id)),
        newer: is_full(&around.after).then(|| list(&around, "after", last)),
        older: is_full(&around.before).then(|| list(&around, "before", first)),
        before: around.before.len(),
        after: around.after.len(),
        command,
        statement,
        position,
        lines,
        count,
    };
    Ok(page(&visit, &page_around))
}

/// All events, the newest first.
fn newest_first(around: &Around) -> impl Iterator<Item = &EventForm> {
    let after = around.after.iter().rev();
    after
        .chain([&around.event])
        .chain(around.before.iter().rev())
}

/// Command and statement with the first `count` events of the account behind a position.
fn elsewhere(around: &Around, start: i64, count: u32) -> [String; 2] {
    let row = around.event.columns();
    let mut command = format!("hookshelf events list --app {}", quoted(&row.app));
    if let Some(account) = &row.account_id {
        command = format!("{command} --account {}", quoted(account));
    }
    let page = EventPage {
        filter: EventFilter {
            app: Some(row.app.clone()),
            account_ids: row.account_id.iter().cloned().collect(),
            ..EventFilter::default()
        },
        range: Between {
            after: Some(start),
            before: None,
        },
        order: Order::Oldest,
        limit: count,
    };
    [
        format!("{command} --after {start} --limit {count}"),
        page.statement(),
    ]
}

/// Link to the list of the account on one side of a position.
fn list(around: &Around, side: &str, position: i64) -> String {
    let row = around.event.columns();
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("app", &row.app);
    if let Some(account) = &row.account_id {
        query.append_pair("account", account);
    }
    query.append_pair(side, &position.to_string());
    format!("/events?{}", query.finish())
}
