//! Preferences of a reader, in a cookie: scheme, density, form of times, keys, and time zone. The server
//! renders the page by them, so that nothing changes after it is shown.

use axum::{
    Extension,
    extract::{DefaultBodyLimit, rejection::BytesRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};
use bytes::Bytes;
use jiff::tz::TimeZone;

use super::cookies::cookie;
use crate::{
    config::BasePath,
    http::problem::{self, Problem},
    vocabulary::spelled,
};

/// Name of the cookie. Scripts of the pages read and write it.
const COOKIE: &str = "hookshelf_view";

/// Maximum size of the form in bytes: the addresses of pages with many filters fit.
const LARGEST: usize = 16 << 10;

/// Time for which a browser keeps the cookie, in seconds: 400 days, the longest that browsers take.
const KEPT: u32 = 34_560_000;

spelled! {
    /// Colors.
    pub(super) enum Scheme {
        /// As the system has them.
        System = "system",
        /// Dark on light.
        Light = "light",
        /// Light on dark.
        Dark = "dark",
    }
}

spelled! {
    /// Height of rows.
    pub(super) enum Density {
        /// Rows of 32 px.
        Compact = "compact",
        /// Rows of 44 px.
        Comfortable = "comfortable",
    }
}

spelled! {
    /// Form of times.
    pub(super) enum TimeForm {
        /// In the time zone of the browser.
        Local = "local",
        /// In UTC.
        Utc = "utc",
        /// Time since.
        Relative = "relative",
    }
}

spelled! {
    /// Keys that act.
    pub(super) enum Keys {
        /// All keys.
        On = "on",
        /// All but single letters and marks.
        Off = "off",
    }
}

/// Preferences of a reader.
#[derive(Clone, Debug)]
pub(super) struct Preferences {
    pub(super) scheme: Scheme,
    pub(super) density: Density,
    pub(super) time: TimeForm,
    pub(super) keys: Keys,
    /// Time zone of the browser; UTC if it is unknown.
    pub(super) zone: TimeZone,
}

impl Preferences {
    /// Reads the cookie. A part that is missing or wrong has its default.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let value = cookie(headers, COOKIE).unwrap_or_default();
        Self::default().with(value)
    }

    /// The same preferences with changed parts, such as `scheme:dark.zone:Europe/Berlin`.
    fn with(mut self, changes: &str) -> Self {
        for change in changes.split('.') {
            match change.split_once(':').unwrap_or_default() {
                ("scheme", name) => set(&mut self.scheme, Scheme::ALL, Scheme::as_str, name),
                ("density", name) => set(&mut self.density, Density::ALL, Density::as_str, name),
                ("time", name) => set(&mut self.time, TimeForm::ALL, TimeForm::as_str, name),
                ("keys", name) => set(&mut self.keys, Keys::ALL, Keys::as_str, name),
                ("zone", name) => self.zone = TimeZone::get(name).unwrap_or(TimeZone::UTC),
                _ => {}
            }
        }
        self
    }

    /// Header that sets the cookie for the pages below `base`. Scripts set the same path: with
    /// another one, a browser would keep two cookies.
    fn cookie(&self, base: &BasePath) -> String {
        let path = base.join(if base.is_root() { "/" } else { "" });
        let (scheme, density) = (self.scheme.as_str(), self.density.as_str());
        let (time, keys) = (self.time.as_str(), self.keys.as_str());
        let zone = self.zone_name();
        format!(
            "{COOKIE}=scheme:{scheme}.density:{density}.time:{time}.keys:{keys}.zone:{zone}; \
             Path={path}; Max-Age={KEPT}; SameSite=Lax"
        )
    }

    /// True if single letters act.
    pub(super) fn has_keys(&self) -> bool {
        self.keys == Keys::On
    }

    /// Name of the time zone.
    pub(super) fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            scheme: Scheme::System,
            density: Density::Compact,
            time: TimeForm::Utc,
            keys: Keys::On,
            zone: TimeZone::UTC,
        }
    }
}

/// Sets the value with this name, if there is one.
fn set<T: Copy>(value: &mut T, all: &[T], spell: fn(T) -> &'static str, name: &str) {
    *value = all
        .iter()
        .copied()
        .find(|it| spell(*it) == name)
        .unwrap_or(*value);
}

/// Route of the form.
pub(super) fn form() -> MethodRouter {
    post(choose).layer(DefaultBodyLimit::max(LARGEST))
}

/// Stores changed preferences of a form, and returns to the page of the form.
async fn choose(
    base: Option<Extension<BasePath>>,
    headers: HeaderMap,
    form: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let form = form.map_err(|_| {
        let problem = Problem::new(problem::BODY, "send the form of a page, of at most 16 KiB");
        // The rest of the body is not read.
        problem.header(header::CONNECTION, HeaderValue::from_static("close"))
    })?;
    let Extension(base) = base.unwrap_or_default();
    let mut chosen = Preferences::of(&headers);
    let mut back = base.join("/");
    for (name, value) in form_urlencoded::parse(&form) {
        match &*name {
            "back" if is_local(&base, &value) => back = value.into_owned(),
            _ => chosen = chosen.with(&format!("{name}:{value}")),
        }
    }
    let answer = [
        (header::LOCATION, back),
        (header::SET_COOKIE, chosen.cookie(&base)),
    ];
    Ok((StatusCode::SEE_OTHER, answer).into_response())
}

/// True for a path of these pages: another site must not be the target.
fn is_local(base: &BasePath, path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let is_path = path.starts_with('/') && !path.starts_with("//");
    is_path && base.strip(path).is_some() && path.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Preferences {
        let cookie = format!("other=1; {COOKIE}={value}").parse().unwrap();
        Preferences::of(&HeaderMap::from_iter([(header::COOKIE, cookie)]))
    }

    #[test]
    fn a_cookie_keeps_each_part() {
        let first = of("scheme:dark.density:comfortable.time:relative.keys:off.zone:Europe/Berlin");
        let root = BasePath::default();
        let cookie = first.cookie(&root);
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        let again = of(value);
        assert_eq!(again.cookie(&root), cookie);
        assert_eq!(again.scheme, Scheme::Dark);
        assert_eq!(again.zone_name(), "Europe/Berlin");
        assert!(!again.has_keys());
    }

    #[test]
    fn a_wrong_part_has_its_default() {
        let found = of("scheme:loud.density.time:utc.zone:Nowhere/Else.more:1");
        let root = BasePath::default();
        assert_eq!(found.cookie(&root), Preferences::default().cookie(&root));
    }

    #[test]
    fn a_form_returns_to_this_server_only() {
        for (path, local) in [
            ("/events?kind=message", true),
            ("//evil.example/", false),
            ("https://evil.example/", false),
            ("/\\evil.example", false),
            ("/a\r\nSet-Cookie: b", false),
        ] {
            assert_eq!(is_local(&BasePath::default(), path), local, "{path}");
        }
        let base = BasePath::parse("/shelf").unwrap();
        for (path, local) in [
            ("/shelf/events", true),
            ("/events", false),
            ("/shelves", false),
        ] {
            assert_eq!(is_local(&base, path), local, "{path}");
        }
    }
}
