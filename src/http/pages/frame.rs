//! Frame: everything around the main part of a page.

use askama::filters::Safe;
use jiff::{Timestamp, Zoned};

use super::{
    assets,
    faults::{Fault, Faults},
    pinned::FrameViews,
    preferences::Preferences,
    surroundings::Surroundings,
    text::{escaped, short_id, stored},
    times::{TimeTag, Times},
    visit::Visit,
};
use crate::{
    http::{
        api::filters::{ACCOUNT, CLIENT},
        parameter::Parameter,
    },
    query::Scope,
};

/// Parameters that stay when the reader goes to another section.
pub(super) const KEPT: [&str; 4] = ["account", "client", "since", "until"];

/// Scope that a page takes along for the links to other pages.
pub(super) const SCOPE: &[Parameter] = &[ACCOUNT, CLIENT];

/// Section of the pages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) icon: &'static str,
    /// Parameters that it takes from the section before.
    pub(super) keeps: &'static [&'static str],
}

pub(super) static OVERVIEW: Section = Section {
    path: "/",
    name: "Overview",
    icon: "layout-dashboard",
    keeps: &KEPT,
};

pub(super) static LIVE: Section = Section {
    path: "/live",
    name: "Live",
    icon: "radio",
    keeps: &["account", "client"],
};

pub(super) static EVENTS: Section = Section {
    path: "/events",
    name: "Events",
    icon: "list",
    keeps: &KEPT,
};

pub(super) static CONVERSATIONS: Section = Section {
    path: "/conversations",
    name: "Conversations",
    icon: "messages-square",
    keeps: &KEPT,
};

pub(super) static DELIVERIES: Section = Section {
    path: "/deliveries",
    name: "Deliveries",
    icon: "package",
    keeps: &KEPT,
};

pub(super) static REJECTIONS: Section = Section {
    path: "/rejections",
    name: "Rejections",
    icon: "shield-alert",
    keeps: &KEPT,
};

pub(super) static HEALTH: Section = Section {
    path: "/health",
    name: "Health",
    icon: "activity",
    keeps: &KEPT,
};

pub(super) static COMMENTS: Section = Section {
    path: "/comments",
    name: "Comments",
    icon: "message-square",
    keeps: &KEPT,
};

pub(super) static ACCOUNTS: Section = Section {
    path: "/accounts",
    name: "Accounts",
    icon: "store",
    keeps: &KEPT,
};

static API: Section = Section {
    path: "/docs",
    name: "API",
    icon: "braces",
    keeps: &[],
};

impl Section {
    /// False for a document of its own, without the frame.
    pub(super) fn is_page(&self) -> bool {
        *self != API
    }
}

/// Groups of sections, in the order of the navigation.
static SECTIONS: [&[&Section]; 2] = [
    &[
        &OVERVIEW,
        &LIVE,
        &EVENTS,
        &CONVERSATIONS,
        &COMMENTS,
        &DELIVERIES,
        &REJECTIONS,
        &ACCOUNTS,
        &HEALTH,
    ],
    &[&API],
];

/// True if this is the path of a section, without the slash at its start.
pub(super) fn is_section(name: &str) -> bool {
    let mut sections = SECTIONS.iter().copied().flatten();
    sections.any(|section| !name.is_empty() && section.path[1..] == *name)
        || matches!(name, "export" | "audit" | "licences")
}

/// Sections of the bar on a phone.
static BAR: [&Section; 4] = [&OVERVIEW, &LIVE, &CONVERSATIONS, &COMMENTS];

/// Times to choose, with their names.
const RANGES: [(&str, &str); 5] = [
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
    ("", "All time"),
];

/// A section, its link, and if it is the present one.
type Place = (&'static Section, String, bool);

/// Frame of a page.
#[derive(Debug)]
pub(super) struct Frame {
    /// Title of the page, which is its heading.
    pub(super) title: String,
    /// Path below which all pages are.
    pub(super) base: String,
    /// True if the browser signed in with a token.
    pub(super) is_signed_in: bool,
    /// Path of the assets.
    pub(super) assets: String,
    pub(super) preferences: Preferences,
    /// Path and query of the page.
    pub(super) address: String,
    /// Name of the caller; `None` if nobody is known.
    pub(super) who: Option<String>,
    /// True if only the changed part is sent: the navigation is then swapped beside the main part.
    pub(super) is_part: bool,
    /// Current faults, for the alert line.
    pub(super) faults: Faults,
    /// Time at which the open page was loaded.
    pub(super) loaded: Timestamp,
    pub(super) current: Option<&'static Section>,
    /// Status of the problem that the page shows. Parameters of the page may be its cause, so links
    /// keep none.
    pub(super) problem: Option<u16>,
    /// Scope of the reader; `None` if nobody is known.
    pub(super) scope: Option<Scope>,
    pub(super) views: FrameViews,
    pub(super) surroundings: Surroundings,
    /// True if the reader may not see the server as a whole.
    is_restricted: bool,
    times: Times,
}

impl Frame {
    /// Frame of a page in a section.
    pub(super) fn new(
        visit: &Visit,
        scope: Option<&Scope>,
        title: impl Into<String>,
        current: Option<&'static Section>,
    ) -> Self {
        Self {
            title: title.into(),
            base: visit.base.to_string(),
            is_signed_in: visit.is_signed_in,
            assets: visit.base.join(&assets::path()),
            preferences: visit.preferences.clone(),
            address: visit.address.clone(),
            who: scope.map(|scope| scope.name().to_owned()),
            is_part: visit.is_part,
            faults: visit.faults.clone(),
            loaded: visit.now,
            views: FrameViews::of(&visit.views, &visit.address, scope),
            surroundings: visit.surroundings.clone(),
            current,
            problem: None,
            scope: scope.cloned(),
            is_restricted: scope.is_none_or(Scope::is_restricted),
            times: Times::new(&visit.preferences, visit.now),
        }
    }

    /// Element of a time.
    pub(super) fn time(&self, at: &Timestamp) -> Safe<TimeTag> {
        self.times.tag(*at)
    }

    /// Element of a time below the heading of its day.
    pub(super) fn short_time(&self, at: &Timestamp) -> Safe<TimeTag> {
        self.times.short_tag(*at)
    }

    /// A time in the zone of the shown times.
    pub(super) fn zoned(&self, at: Timestamp) -> Zoned {
        self.times.zoned(at)
    }

    /// Name of the zone of the shown times.
    pub(super) fn zone(&self) -> &str {
        self.times.zone()
    }

    /// Attribute of an element outside of the main part, which htmx swaps by its id.
    pub(super) fn beside(&self) -> Safe<&'static str> {
        Safe(if self.is_part {
            " hx-swap-oob=\"outerMorph\""
        } else {
            ""
        })
    }

    /// Groups of sections.
    pub(super) fn sections(&self) -> Vec<Vec<Place>> {
        SECTIONS.iter().map(|group| self.places(group)).collect()
    }

    /// Sections of the bar on a phone.
    pub(super) fn bar(&self) -> Vec<Place> {
        self.places(&BAR)
    }

    fn places(&self, sections: &[&'static Section]) -> Vec<Place> {
        let place = |section: &&'static Section| {
            let is_current = self.current == Some(section);
            (*section, self.link(section), is_current)
        };
        let hidden = self.is_restricted.then_some(&HEALTH);
        let shown = sections.iter().filter(|it| Some(**it) != hidden);
        shown.map(place).collect()
    }

    /// True if the reader may see the page of the server's health.
    pub(super) fn shows_health(&self) -> bool {
        !self.is_restricted
    }

    /// Address that says what to do about a fault; `None` if the reader may not see it.
    pub(super) fn remedy(&self, fault: &Fault) -> Option<String> {
        let health = self.shows_health().then_some(HEALTH.path)?;
        Some(format!("{}{health}#{}", self.base, fault.place))
    }

    /// Image of the sprite.
    pub(super) fn icon(&self, name: &str) -> Safe<String> {
        Safe(format!(
            "<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}/vendor/icons.svg#{name}\"/></svg>",
            self.assets
        ))
    }

    /// Button with an id that copies it.
    pub(super) fn copied(&self, name: &str, id: &str) -> Safe<String> {
        let short = short_id(id);
        let (shown, name_of_id) = (stored(&short).0.to_string(), escaped(&short));
        let escaped = escaped(id);
        Safe(format!(
            "<button class=\"copy id\" type=\"button\" data-copy=\"{escaped}\" \
             title=\"{escaped}\" aria-label=\"Copy {} {name_of_id}\">{shown} {}</button>",
            name.to_lowercase(),
            self.icon("copy").0
        ))
    }

    /// Address of the page without a parameter.
    pub(super) fn without(&self, name: &str) -> String {
        self.with(name, "")
    }

    /// Address of the page with another value of a parameter; an empty value removes it.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        self.link_to(self.path(), Some((name, value)), |other| other != name)
    }

    /// Path of the page.
    pub(super) fn path(&self) -> &str {
        self.address.split('?').next().unwrap_or_default()
    }

    /// Link to a path with some of the parameters of the page, and with another one that has a value.
    pub(super) fn link_to(
        &self,
        path: &str,
        other: Option<(&str, &str)>,
        stays: impl Fn(&str) -> bool,
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.given().filter(|(name, _)| stays(name)));
        query.extend_pairs(other.filter(|(_, value)| !value.is_empty()));
        match query.finish() {
            none if none.is_empty() => format!("{}{path}", self.base),
            query => format!("{}{path}?{query}", self.base),
        }
    }

    /// Parameters of the page.
    pub(super) fn given(&self) -> form_urlencoded::Parse<'_> {
        let query = self.address.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes())
    }

    /// Start of the time range in the address.
    fn since(&self) -> String {
        let since = self.given().find(|(name, _)| name == "since");
        let is_overview = self.current == Some(&OVERVIEW);
        let default = if is_overview { "24h" } else { "" };
        since.map_or_else(|| default.to_owned(), |(_, value)| value.into_owned())
    }

    /// Name of the time range.
    pub(super) fn range(&self) -> String {
        let since = self.since();
        let known = RANGES.iter().find(|(value, _)| *value == since);
        known.map_or_else(|| format!("Since {since}"), |(_, name)| (*name).to_owned())
    }

    /// Time ranges with their links; none on a page without a time, such as a problem. The overview
    /// always has a start.
    pub(super) fn ranges(&self) -> Vec<(&'static str, String, bool)> {
        let since = self.since();
        let range = |(value, name): &(&str, &'static str)| {
            (*name, self.with("since", value), *value == since)
        };
        let is_shown = |(value, _): &&(&str, &str)| {
            let is_overview = self.current == Some(&OVERVIEW);
            let has_time = self.current.is_some_and(|current| *current != HEALTH);
            has_time && !(is_overview && value.is_empty())
        };
        RANGES.iter().filter(is_shown).map(range).collect()
    }

    /// Link to a section with the parameters that stay. Those of a problem may be its cause.
    fn link(&self, section: &Section) -> String {
        self.link_to(section.path, None, |name| {
            self.problem.is_none() && section.keeps.contains(&name)
        })
    }
}
