//! Page of the live tail: *what is coming in right now?* The newest events, and a script that adds
//! those of the stream.

use askama::Template;
use axum::{extract::State, response::Response, routing::get};

use super::{
    Page,
    accounts::{AccountName, AccountNames},
    answer::{page, rendered},
    event::{Detail, FIND, detail, take_term},
    event_line::{EventLine, Said},
    events::counts,
    filters::Filters,
    frame::{Frame, LIVE},
    kinds::{Look, look_of},
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            events::{EventList, Listed, listed},
            filters::{FILTERS, LIMIT},
            shown,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    meta::event::Kind,
    query::Session,
};

/// Parameters that choose the view.
const VIEW: &[Parameter] = &[
    LIMIT,
    Parameter::of(
        "open",
        "Position of the event beside the tail.",
        Form::Position,
    ),
    Parameter::of(
        "newest",
        "Place of the newest line.",
        Form::OneOf(|| vec![BOTTOM, TOP]),
    ),
];

const BOTTOM: &str = "bottom";

const TOP: &str = "top";

pub(super) const PAGE: Page = Page {
    path: "/live",
    handler: || get(show),
    parameters: &[FILTERS, VIEW, FIND],
};

/// Maximum number of accounts whose names the tail shows. It shows the ids of others.
const NAMED: u32 = 200;

#[derive(Template)]
#[template(path = "live.html", blocks = ["main"])]
struct LivePage {
    frame: Frame,
    /// Lines from the top of the page to its bottom.
    lines: Vec<EventLine>,
    filters: Filters,
    tail: Tail,
    open: Option<Detail>,
}

rendered!(LivePage);

/// Parts from which the script of the page makes the tail.
struct Tail {
    /// Address of the stream with the filters.
    stream: String,
    /// Address of one event of the list with the filters, which tells why a stream fails.
    probe: String,
    /// Position behind which the stream begins.
    after: String,
    /// Start of the address of a line, which ends with its position.
    line: String,
    is_newest_on_top: bool,
    /// Address of the page with the other order.
    turned: String,
    kinds: Vec<(&'static str, Look)>,
    accounts: Vec<AccountName>,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    mut asked: Asked,
) -> Result<Response, Problem> {
    let term = take_term(&mut asked)?;
    let parameters = &asked.parameters;
    let Listed::Page(list) = listed(&api, &scope, &asked).await? else {
        return Err(Problem::not_found());
    };
    let opened = parameters.position("open")?;
    let open = match opened {
        Some(position) => Some(detail(&api, (&scope, &asked, &visit), position, term).await?),
        None => None,
    };
    let mut session = api.session(&scope).await?;
    let names = AccountNames::of(&api, &mut session, list.events.iter()).await?;
    let counts = counts(&api, &mut session, parameters, visit.now).await?;
    let frame = Frame::new(&visit, Some(&scope), LIVE.name, Some(&LIVE));
    let address = |changes: &[(&str, String)]| shown::url(LIVE.path, parameters, changes);
    let filters = Filters::of_events(LIVE.path, parameters, &counts.rows, address);
    let tail = Tail::of(&api, &mut session, (parameters, &list)).await?;
    let line_of = |event| {
        let line = EventLine::of(event, &names);
        let position = line.position;
        line.in_list(format!("{}{position}", tail.line), opened == Some(position))
    };
    let mut lines: Vec<_> = list.events.iter().map(line_of).collect();
    if !tail.is_newest_on_top {
        lines.reverse();
    }
    let live = LivePage {
        frame,
        lines,
        filters,
        tail,
        open,
    };
    Ok(page(&visit, &live))
}

impl Tail {
    async fn of(
        api: &Api,
        session: &mut Session,
        (parameters, list): (&Parameters, &EventList),
    ) -> Result<Self, Problem> {
        let for_stream = |path: &str, changes: &[(&str, String)]| {
            let view = ["limit", "open", "newest"].map(|name| (name, String::new()));
            shown::url(path, parameters, &[changes, &view[..]].concat())
        };
        let once = ["limit", "wait"].map(|name| (name, "1".to_owned()));
        let of_page = |changes: &[(&str, String)]| {
            let address = shown::url(LIVE.path, parameters, changes);
            address.trim_end_matches('?').to_owned()
        };
        let line = of_page(&[("open", String::new()), ("limit", String::new())]);
        let mark = if line.contains('?') { '&' } else { '?' };
        let is_newest_on_top = parameters.get("newest") == Some(TOP);
        let other = if is_newest_on_top { BOTTOM } else { TOP };
        let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
        Ok(Self {
            stream: for_stream("/v1/events/stream", &[]),
            probe: for_stream("/v1/events", &once),
            after: list.as_of_position.clone(),
            line: format!("{line}{mark}open="),
            is_newest_on_top,
            turned: of_page(&[("newest", other.to_owned())]),
            kinds: kinds.map(|kind| (kind, look_of(kind))).collect(),
            accounts: AccountNames::newest(api, session, NAMED).await?,
        })
    }

    fn newest(&self) -> &'static str {
        if self.is_newest_on_top { TOP } else { BOTTOM }
    }
}
