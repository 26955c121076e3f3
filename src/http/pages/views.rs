//! Pages of saved views: the list, the address of each, and the forms that change them.

use std::future::ready;

use askama::Template;
use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use bytes::Bytes;

use super::{
    Page,
    answer::{page, rendered},
    frame::Frame,
    parameters_of,
    pinned::{is_list, kept},
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{Api, Asked, InPath, Shared},
        parameter::Parameter,
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{SavedView, ViewChoice, ViewError, Views, may_change_view},
};

const EDIT: &[Parameter] = &[Parameter::one("edit", "View whose form is open.")];

pub(super) const LIST: Page = Page {
    path: "/views",
    handler: || get(list).post(save),
    parameters: &[EDIT],
};

pub(super) const SHOW: Page = Page {
    path: "/views/{slug}",
    handler: || get(open).post(change),
    parameters: &[],
};

pub(super) const REMOVE: Page = Page {
    path: "/views/{slug}/delete",
    handler: || post(remove),
    parameters: &[],
};

/// Maximum number of characters of a name.
const LONGEST: usize = 80;

/// Maximum number of bytes of an address.
const LARGEST: usize = 2_048;

/// Maximum number of characters of an address in the list.
const SHOWN: usize = 160;

#[derive(Template)]
#[template(path = "views.html", blocks = ["main"])]
struct ViewsPage {
    frame: Frame,
    lines: Vec<Line>,
}

rendered!(ViewsPage);

/// View in the list.
struct Line {
    view: SavedView,
    /// Start of its address.
    shown: String,
    may_change: bool,
    /// True if its form is open.
    is_open: bool,
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    Extension(views): Extension<Views>,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    let edited = asked.parameters.get("edit");
    let views = api.read(views.list(&scope)).await?;
    let line = |view: SavedView| {
        let may_change = may_change_view(&scope, &view);
        Line {
            shown: view.address.chars().take(SHOWN).collect(),
            is_open: may_change && edited == Some(view.slug.as_str()),
            may_change,
            view,
        }
    };
    let list = ViewsPage {
        lines: views.into_iter().map(line).collect(),
        frame: Frame::new(&visit, Some(&scope), "Saved views", None),
    };
    Ok(page(&visit, &list))
}

/// Leads to the list that a view keeps.
async fn open(
    State(api): Shared,
    Viewer(scope): Viewer,
    Extension(views): Extension<Views>,
    InPath(slug): InPath<String>,
    visit: Visit,
) -> Result<Response, Problem> {
    let view = done(&api, views.find(&scope, &slug).await).await?;
    Ok(Redirect::to(&visit.base.join(&view.address)).into_response())
}

/// Saves the list of a form, and returns to it.
async fn save(
    State(api): Shared,
    Viewer(scope): Viewer,
    Extension(views): Extension<Views>,
    visit: Visit,
    form: Bytes,
) -> Result<Response, Problem> {
    let (choice, address) = choice(&form)?;
    let address = list_of(visit.base.strip(&address).unwrap_or_default())?;
    done(&api, views.save(&scope, &choice, &address).await).await?;
    Ok(Redirect::to(&visit.base.join(&address)).into_response())
}

async fn change(
    State(api): Shared,
    Viewer(scope): Viewer,
    Extension(views): Extension<Views>,
    InPath(slug): InPath<String>,
    (visit, form): (Visit, Bytes),
) -> Result<Response, Problem> {
    let (choice, _) = choice(&form)?;
    done(&api, views.change(&scope, &slug, &choice).await).await?;
    Ok(Redirect::to(&visit.base.join(LIST.path)).into_response())
}

async fn remove(
    State(api): Shared,
    Viewer(scope): Viewer,
    Extension(views): Extension<Views>,
    InPath(slug): InPath<String>,
    visit: Visit,
) -> Result<Response, Problem> {
    done(&api, views.remove(&scope, &slug).await).await?;
    Ok(Redirect::to(&visit.base.join(LIST.path)).into_response())
}

/// Name and switches of a form, and the address in it.
fn choice(form: &[u8]) -> Result<(ViewChoice, String), Problem> {
    let (mut choice, mut address) = (ViewChoice::default(), String::new());
    for (name, value) in form_urlencoded::parse(form) {
        match &*name {
            "name" => value.trim().clone_into(&mut choice.name),
            "shared" => choice.is_shared = value == "true",
            "pinned" => choice.is_pinned = value == "true",
            "address" => address = value.into_owned(),
            _ => {}
        }
    }
    let length = choice.name.chars().count();
    if !(1..=LONGEST).contains(&length) || choice.name.contains('\0') {
        let detail = format!("the name of a view has 1 to {LONGEST} characters, and no U+0000");
        return Err(Problem::new(problem::BODY, detail));
    }
    Ok((choice, address))
}

/// Address of a list as a view keeps it. Other addresses are refused.
fn list_of(address: &str) -> Result<String, Problem> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let known = parameters_of(path).filter(|_| is_list(path));
    let Some(known) = known else {
        let detail = "a view keeps a list of these pages, such as /events?kind=comment";
        return Err(Problem::new(problem::BODY, detail));
    };
    Parameters::of(Some(query), known)?;
    let kept = kept(address);
    if kept.len() > LARGEST {
        let detail = format!("the address of a view has at most {LARGEST} bytes");
        return Err(Problem::new(problem::BODY, detail));
    }
    Ok(kept)
}

/// Result of a call, or its problem.
async fn done<T>(api: &Api, result: Result<T, ViewError>) -> Result<T, Problem> {
    match result {
        Ok(done) => Ok(done),
        Err(ViewError::Store(error)) => api.read(ready(Err(error))).await,
        Err(ViewError::Missing) => Err(Problem::not_found()),
        Err(error @ ViewError::Forbidden) => {
            Err(Problem::new(problem::FORBIDDEN, error.to_string()))
        }
        Err(error @ ViewError::Full) => Err(Problem::new(problem::CONFLICT, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_keeps_a_list_of_this_server_only() {
        for (address, kept) in [
            ("/events?kind=message&open=7", Some("/events?kind=message")),
            (
                "/conversations?order=longest_waiting",
                Some("/conversations?order=longest_waiting"),
            ),
            ("/events?colour=red", None),
            ("/events/7", None),
            ("/", None),
            ("/health", None),
            ("//evil.example/events", None),
            ("https://evil.example/events", None),
            ("/\\evil.example", None),
            ("", None),
        ] {
            assert_eq!(list_of(address).ok().as_deref(), kept, "{address}");
        }
        let long = |length| format!("/events?field={}", "x".repeat(length));
        assert!(list_of(&long(LARGEST - 14)).is_ok());
        assert!(list_of(&long(LARGEST - 13)).is_err());
    }

    #[test]
    fn a_name_has_one_to_eighty_characters() {
        let named = |name: &str| {
            let mut form = form_urlencoded::Serializer::new(String::new());
            let form = form.append_pair("name", name).append_pair("pinned", "true");
            choice(form.finish().as_bytes()).map(|(choice, _)| choice.name)
        };
        assert_eq!(named("  Ü 1 ").ok().as_deref(), Some("Ü 1"));
        assert!(named(&"ü".repeat(80)).is_ok());
        for wrong in ["", "  ", "a\0b", &"ü".repeat(81)] {
            assert!(named(wrong).is_err(), "{wrong:?}");
        }
    }
}
