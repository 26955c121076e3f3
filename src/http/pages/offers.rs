//! Offers below the search box: a search in texts, pages, accounts, saved views, and commands of the
//! present page that have the typed words. They come from memory.

use askama::{Template, filters::Safe};
use axum::{response::Response, routing::get};

use super::{
    Page,
    account_list::RANGE,
    accounts::{AccountName, tag},
    answer::{page, rendered},
    find::{below, searches_texts, typed},
    frame::{ACCOUNTS, EVENTS, Frame, KEPT, SCOPE},
    known::KnownAccount,
    text::stored,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::Asked,
        parameter::{Form, Parameter},
        problem::Problem,
    },
    query::Scope,
};

const TYPED: &[Parameter] = &[Parameter::of("q", "Typed words.", Form::Any)];

pub(super) const PAGE: Page = Page {
    path: "/find/offers",
    handler: || get(show),
    parameters: &[TYPED, SCOPE, RANGE],
};

/// Maximum number of offers, and of accounts and views among them.
const MOST: usize = 12;
const MOST_ACCOUNTS: usize = 5;
const MOST_VIEWS: usize = 5;

/// Maximum number of words that are looked for.
const MOST_WORDS: usize = 8;

/// Parameters with words and names of people. The browser does not keep them.
const PERSONAL: [&str; 5] = ["text", "payload", "find", "username", "person"];

/// Maximum length of a place that the browser keeps.
const LONGEST: usize = 300;

/// Commands that store a preference: icon, name, and the parameter with its value.
const PREFERENCES: [(&str, &str, [&str; 2]); 8] = [
    ("moon", "Dark colors", ["scheme", "dark"]),
    ("sun", "Light colors", ["scheme", "light"]),
    ("monitor", "System colors", ["scheme", "system"]),
    ("clock", "UTC time", ["time", "utc"]),
    ("clock", "Local time", ["time", "local"]),
    ("history", "Relative time", ["time", "relative"]),
    ("menu", "Comfortable rows", ["density", "comfortable"]),
    ("list", "Compact rows", ["density", "compact"]),
];

/// Commands that click an element of the page: icon, name, and its selector. The stylesheet hides
/// those without an element.
const CLICKS: [(&str, &str, &str); 3] = [
    ("pause", "Pause or resume", "[data-live=pause]"),
    ("copy", "Copy as SQL", "[data-as=SQL]"),
    ("copy", "Copy as curl", "[data-as=curl]"),
];

#[derive(Template)]
#[template(path = "offers.html", blocks = ["main"])]
struct Offers {
    frame: Frame,
    offers: Vec<Offer>,
}

rendered!(Offers);

/// Offer for the typed words.
struct Offer {
    icon: &'static str,
    name: Safe<String>,
    kind: &'static str,
    does: Does,
}

/// Effect of a click on an offer.
enum Does {
    /// Opens a page.
    Open(String),
    /// Clicks the element with this selector.
    Click(&'static str),
    /// Stores a value of a preference.
    Prefer([&'static str; 2]),
}

async fn show(Viewer(scope): Viewer, visit: Visit, asked: Asked) -> Result<Response, Problem> {
    let text = typed(&asked.parameters)?;
    let frame = Frame::new(&visit, Some(&scope), "Find", None);
    let offers = offers(&frame, &scope, &text);
    Ok(page(&visit, &Offers { frame, offers }))
}

/// Offers for a text, at most [`MOST`].
fn offers(frame: &Frame, scope: &Scope, text: &str) -> Vec<Offer> {
    let lower = text.to_lowercase();
    let words: Vec<_> = lower.split_whitespace().take(MOST_WORDS).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let search = searches_texts(scope, text).then(|| search(frame, text));
    let all = search.into_iter().chain(pages(frame, &words));
    let all = all.chain(accounts(frame, &words));
    let all = all.chain(views(frame, &words)).chain(commands(&words));
    all.take(MOST).collect()
}

fn search(frame: &Frame, text: &str) -> Offer {
    let link = frame.link_to(EVENTS.path, Some(("text", text)), |name| {
        KEPT.contains(&name)
    });
    Offer {
        icon: "search",
        name: Safe(format!("Search text for {}", stored(text).0)),
        kind: "Events",
        does: Does::Open(link),
    }
}

fn pages(frame: &Frame, words: &[&str]) -> impl Iterator<Item = Offer> {
    let sections = frame.sections().into_iter().flatten();
    let found = sections.filter(move |(section, ..)| has_all(section.name, words));
    found.map(|(section, link, _)| Offer {
        icon: section.icon,
        name: Safe(section.name.to_owned()),
        kind: "Page",
        does: Does::Open(link),
    })
}

fn accounts(frame: &Frame, words: &[&str]) -> impl Iterator<Item = Offer> {
    let known = frame.surroundings.known.iter();
    let accounts = known.flat_map(|known| &known.accounts);
    let found = accounts.filter(move |account| words.iter().all(|word| account.has(word)));
    found
        .take(MOST_ACCOUNTS)
        .map(move |account: &KnownAccount| Offer {
            icon: "store",
            name: tag(&AccountName::new(
                &account.id,
                account.name().map(str::to_owned),
            )),
            kind: "Account",
            does: Does::Open(format!(
                "{}{}",
                frame.base,
                below(ACCOUNTS.path, &[&account.id])
            )),
        })
}

/// Saved views that the reader sees, by name. A view keeps its own scope.
fn views(frame: &Frame, words: &[&str]) -> impl Iterator<Item = Offer> {
    let views = frame.views.own().iter();
    let found = views.filter(move |view| has_all(&view.name, words));
    found.take(MOST_VIEWS).map(move |view| Offer {
        icon: "bookmark",
        name: Safe(stored(&view.name).0.to_string()),
        kind: "View",
        does: Does::Open(format!("{}{}", frame.base, view.address)),
    })
}

fn commands(words: &[&str]) -> impl Iterator<Item = Offer> {
    let clicks = CLICKS.map(|(icon, name, selector)| (icon, name, Does::Click(selector)));
    let preferences = PREFERENCES.map(|(icon, name, value)| (icon, name, Does::Prefer(value)));
    let all = clicks.into_iter().chain(preferences);
    let found = all.filter(move |(_, name, _)| has_all(name, words));
    found.map(|(icon, name, does)| Offer {
        icon,
        name: Safe(name.to_owned()),
        kind: "Command",
        does,
    })
}

impl Frame {
    /// Section and address of the page, for the list of the last places.
    pub(super) fn place(&self) -> Option<(&'static str, String)> {
        let link = self.link_to(self.path(), None, |name| !PERSONAL.contains(&name));
        (link.len() <= LONGEST).then_some((self.current?.name, link))
    }
}

/// True if a name has each of these words, in lower case, as a part.
fn has_all(name: &str, words: &[&str]) -> bool {
    let name = name.to_lowercase();
    words.iter().all(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_by_its_words() {
        let found = |words: &[&str]| commands(words).map(|it| it.name.0).collect::<Vec<_>>();
        assert_eq!(found(&["sql"]), ["Copy as SQL"]);
        assert_eq!(found(&["time", "u"]), ["UTC time"]);
        assert!(found(&["dark", "utc"]).is_empty());
    }
}
