//! Page of a delivery: *what exactly did Meta send, and why do we trust it?* Alone, or beside
//! another delivery.

use std::collections::BTreeSet;

use askama::Template;
use axum::{extract::State, response::Response, routing::get};
use uuid::Uuid;

use super::{
    Page,
    accounts::AccountNames,
    answer::{page, rendered},
    body_view::{BodyView, Chosen, Kept},
    bytes::BytesForm,
    copies::CopyEntry,
    delivery_copies::of_delivery,
    delivery_view::DeliveryView,
    event_line::Said,
    frame::{DELIVERIES, Frame},
    text,
    visit::Visit,
};
use crate::{
    config::Role,
    http::{
        access::Viewer,
        api::{
            Api, Asked, InPath, Shared,
            deliveries::{at, parsed, shown_body, verified},
            filters::{names, since, until},
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::{
        Between, DeliveryRow, Difference, EventFilter, EventPage, Order, RepeatRow, Scope, Session,
        differences,
    },
};

/// Maximum number of differences between two bodies.
const MOST: usize = 200;

/// Parameters that choose the view, and those that stay in the frame.
const VIEW: &[Parameter] = &[
    Parameter::of(
        "bytes",
        "Form of the bytes.",
        Form::OneOf(|| names(BytesForm::ALL, BytesForm::as_str)),
    ),
    Parameter::of("from", "Offset of the first shown byte.", Form::Position),
    Parameter::of(
        "item",
        "Number of items before the first shown one.",
        Form::Position,
    ),
    Parameter::of("with", "Delivery beside this one.", Form::Delivery),
    since("Start of the time range of lists."),
    until("End of the time range of lists."),
];

pub(super) const PAGE: Page = Page {
    path: "/deliveries/{id}",
    handler: || get(show),
    parameters: &[VIEW],
};

#[derive(Template)]
#[template(path = "delivery.html", blocks = ["main"])]
struct DeliveryPage {
    frame: Frame,
    open: DeliveryView,
    beside: Option<Beside>,
    /// Id that a form for a comparison shows.
    with: String,
    copies: Vec<CopyEntry>,
}

rendered!(DeliveryPage);

/// Another delivery, and its differences.
struct Beside {
    view: DeliveryView,
    /// Differences of the two bodies as JSON; `None` if one of them is not visible or no JSON.
    differences: Option<Vec<Difference>>,
    /// True if there are more differences.
    is_cut: bool,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<String>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let parameters = &asked.parameters;
    let id = parsed(&id)?;
    let with = parameters.delivery("with")?;
    let open = view(&api, &scope, &asked, (id, id, "item")).await?;
    let beside = match with {
        Some(other) => {
            let view = view(&api, &scope, &asked, (id, other, "with-item")).await?;
            Some(Beside::of(&open, view))
        }
        None => None,
    };
    let copies = of_delivery((&visit, &scope), api.public_url.as_deref(), &open);
    let title = format!("Delivery {}", text::short_id(&id.to_string()));
    let delivery = DeliveryPage {
        frame: Frame::new(&visit, Some(&scope), title, Some(&DELIVERIES)),
        open,
        beside,
        with: with.map_or_else(String::new, |with| with.to_string()),
        copies,
    };
    Ok(page(&visit, &delivery))
}

/// Reads the delivery `id` for the page of the delivery `of`.
async fn view(
    api: &Api,
    scope: &Scope,
    asked: &Asked,
    (of, id, anchor): (Uuid, Uuid, &'static str),
) -> Result<DeliveryView, Problem> {
    let mut detail = at(api, scope, asked, id).await?;
    let kept = kept(api, scope, asked, &detail.delivery).await?;
    let mut session = api.session(scope).await?;
    forget_lost(api, &mut session, &mut detail.repeats).await?;
    let names = AccountNames::of(api, &mut session, detail.events.iter()).await?;
    let chosen = chosen(of, &asked.parameters)?;
    let view = DeliveryView::of(detail, &names, &chosen, |items| {
        BodyView::of(kept, &chosen, (items, anchor))
    });
    let app = api.apps.app(&view.row.app);
    let mut names = app.iter().flat_map(|app| app.secrets.names());
    let has_secret = names.any(|name| name == view.row.secret);
    Ok(DeliveryView { has_secret, ..view })
}

/// Removes the positions of events that are no longer stored: nothing links them.
async fn forget_lost(
    api: &Api,
    session: &mut Session,
    repeats: &mut [RepeatRow],
) -> Result<(), Problem> {
    let positions = repeats.iter().filter_map(|repeat| repeat.event_position);
    let positions: Vec<_> = positions.collect();
    if positions.is_empty() {
        return Ok(());
    }
    let page = EventPage {
        limit: u32::try_from(positions.len()).unwrap_or(u32::MAX),
        filter: EventFilter {
            positions,
            ..EventFilter::default()
        },
        range: Between::default(),
        order: Order::Newest,
    };
    let stored = api.read(session.events(&page)).await?;
    let stored: BTreeSet<_> = stored.iter().map(|it| it.columns().position).collect();
    for repeat in repeats {
        let event = repeat.event_position;
        repeat.event_position = event.filter(|position| stored.contains(position));
    }
    Ok(())
}

/// The chosen part of the bytes.
fn chosen(of: Uuid, parameters: &Parameters) -> Result<Chosen, Problem> {
    let form = parameters.one_of("bytes", BytesForm::ALL, BytesForm::as_str)?;
    let number = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
    Ok(Chosen {
        path: format!("/deliveries/{of}"),
        with: parameters.delivery("with")?,
        form: form.unwrap_or(BytesForm::Formatted),
        from: parameters.position("from")?.map_or(0, number),
        item: parameters.position("item")?.map(number),
    })
}

/// Body and signature as far as the caller may see them, under the conditions of the API.
async fn kept(api: &Api, scope: &Scope, asked: &Asked, row: &DeliveryRow) -> Result<Kept, Problem> {
    if row.body_bytes.is_none() {
        return Ok(Kept::Erased(row.erased_at));
    }
    if !scope.role().covers(Role::Operator) {
        return Ok(Kept::Hidden("a token with the role operator"));
    }
    if !scope.shows_content() {
        return Ok(Kept::Hidden("a token with content = true"));
    }
    if scope.is_restricted() {
        let why = "a token for all apps and clients, since a delivery may have items of \
                   several clients";
        return Ok(Kept::Hidden(why));
    }
    let body = shown_body(api, scope, asked, row.id).await?;
    let report = verified(api, scope, asked, row.id).await?;
    Ok(Kept::Shown(body, report))
}

impl Beside {
    fn of(open: &DeliveryView, view: DeliveryView) -> Self {
        let texts = open.body.json().zip(view.body.json());
        let mut found = texts.map(|(open, beside)| differences(open, beside));
        let is_cut = found.as_ref().is_some_and(|found| found.len() > MOST);
        if let Some(found) = &mut found {
            found.truncate(MOST);
        }
        Self {
            view,
            differences: found,
            is_cut,
        }
    }
}
