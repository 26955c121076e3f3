//! Preferences of a reader, in a cookie: scheme, density, form of times, and time zone. The server
//! renders the page by them, so that nothing changes after it is shown.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::tz::TimeZone;

use super::cookies::cookie;
use crate::vocabulary::spelled;

/// Name of the cookie. Scripts of the pages read and write it.
const COOKIE: &str = "hookshelf_view";

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

/// Preferences of a reader.
#[derive(Clone, Debug)]
pub(super) struct Preferences {
    pub(super) scheme: Scheme,
    pub(super) density: Density,
    pub(super) time: TimeForm,
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
                ("zone", name) => self.zone = TimeZone::get(name).unwrap_or(TimeZone::UTC),
                _ => {}
            }
        }
        self
    }

    fn cookie(&self) -> String {
        let (scheme, density) = (self.scheme.as_str(), self.density.as_str());
        let (time, zone) = (self.time.as_str(), self.zone_name());
        format!(
            "{COOKIE}=scheme:{scheme}.density:{density}.time:{time}.zone:{zone}; Path=/; \
             Max-Age={KEPT}; SameSite=Lax"
        )
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

/// Stores changed preferences of a form, and returns to the page of the form.
pub(super) async fn choose(headers: HeaderMap, form: Bytes) -> Response {
    let mut chosen = Preferences::of(&headers);
    let mut back = "/".to_owned();
    for (name, value) in form_urlencoded::parse(&form) {
        match &*name {
            "back" if is_local(&value) => back = value.into_owned(),
            _ => chosen = chosen.with(&format!("{name}:{value}")),
        }
    }
    let answer = [
        (header::LOCATION, back),
        (header::SET_COOKIE, chosen.cookie()),
    ];
    (StatusCode::SEE_OTHER, answer).into_response()
}

/// True for a path of this server: another site must not be the target.
fn is_local(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.starts_with('/') && !path.starts_with("//") && path.bytes().all(is_plain)
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
        let first = of("scheme:dark.density:comfortable.time:relative.zone:Europe/Berlin");
        let cookie = first.cookie();
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        let again = of(value);
        assert_eq!(again.cookie(), cookie);
        assert_eq!(again.scheme, Scheme::Dark);
        assert_eq!(again.zone_name(), "Europe/Berlin");
    }

    #[test]
    fn a_wrong_part_has_its_default() {
        let found = of("scheme:loud.density.time:utc.zone:Nowhere/Else.more:1");
        assert_eq!(found.cookie(), Preferences::default().cookie());
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
            assert_eq!(is_local(path), local, "{path}");
        }
    }
}
