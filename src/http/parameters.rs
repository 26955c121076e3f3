//! Query parameters: each known, given once unless it is a list, and parsed with a message that
//! says what is allowed.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{
    parameter::{Form, Parameter},
    problem::Problem,
};
use crate::{
    clock::Clock,
    config::{BasePath, nearest},
    query::Moment,
};

/// First time of a filter. Postgres has no times long before it.
const FIRST: Timestamp = Timestamp::UNIX_EPOCH;

/// Parameters that a route knows, in tables.
pub(super) type Known = &'static [&'static [Parameter]];

/// Parameters of a request, all of them known.
#[derive(Debug)]
pub(super) struct Parameters {
    known: Known,
    given: Vec<(&'static Parameter, String)>,
    base: BasePath,
}

impl Parameters {
    /// Splits `query` into the parameters that a route knows.
    pub(super) fn of(query: Option<&str>, known: Known) -> Result<Self, Problem> {
        let mut given: Vec<(&'static Parameter, String)> = Vec::new();
        let pairs = query.unwrap_or_default().split('&');
        for pair in pairs.filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name, name)?, decoded(name, value)?);
            let mut all = known.iter().copied().flatten();
            let Some(parameter) = all.find(|it| it.name == name) else {
                return Err(unknown(&name, &value, known));
            };
            let is_again = given.iter().any(|(it, _)| it.name == name);
            if is_again && !parameter.is_list() {
                let detail = format!("{name} is given twice");
                return Err(Problem::parameter(&name, &value, "once", detail));
            }
            given.push((parameter, value));
        }
        let mut needed = known.iter().copied().flatten().filter(|it| it.is_required);
        match needed.find(|it| !given.iter().any(|(found, _)| found.name == it.name)) {
            Some(missing) => {
                let detail = format!("{} is missing. {}", missing.name, missing.about);
                let allowed = missing.form.allowed();
                Err(Problem::parameter(missing.name, "", allowed, detail))
            }
            None => Ok(Self {
                known,
                given,
                base: BasePath::default(),
            }),
        }
    }

    /// The parameters of a request below `base`.
    pub(super) fn below(self, base: BasePath) -> Self {
        Self { base, ..self }
    }

    /// The parameters without those of a table.
    pub(super) fn without(&self, table: &[Parameter]) -> Self {
        let is_other = |(it, _): &&(&Parameter, String)| table.iter().all(|of| of.name != it.name);
        Self {
            known: self.known,
            given: self.given.iter().filter(is_other).cloned().collect(),
            base: self.base.clone(),
        }
    }

    /// Base path of URLs with these parameters.
    pub(super) fn base(&self) -> &BasePath {
        &self.base
    }

    /// Value of a parameter, if it is given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// True if the route knows a parameter of this name.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.declared(name).is_some()
    }

    /// Names and values as given.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.given
            .iter()
            .map(|(it, value)| (it.name, value.as_str()))
    }

    fn values<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> {
        let named = self.given.iter().filter(move |(it, _)| it.name == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Parses a parameter, if it is given.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let parsed = self
            .get(name)
            .map(|value| parse(value).ok_or_else(|| self.wrong(name, value)));
        parsed.transpose()
    }

    /// A text that is not empty, of at most 512 bytes.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.parse(name, |text| {
            let is_text = (1..=512).contains(&text.len()) && !text.contains('\0');
            is_text.then(|| text.to_owned())
        })
    }

    /// A text to search for.
    pub(super) fn search(&self, name: &str) -> Result<Option<String>, Problem> {
        self.parse(name, |text| {
            let is_text = (1..=200).contains(&text.chars().count()) && !text.contains('\0');
            is_text.then(|| text.to_owned())
        })
    }

    /// A whole number in the range of its declaration; the declared default if it is not given.
    pub(super) fn number<T: From<u32>>(&self, name: &str) -> Result<T, Problem> {
        let (least, most, default) = match self.declared(name).map(|it| it.form) {
            Some(Form::Number(least, most, default)) => (least, most, default),
            _ => (0, 0, 0),
        };
        let number = self.parse(name, |text| {
            whole(text)
                .and_then(|number| u32::try_from(number).ok())
                .filter(|number| (least..=most).contains(number))
        })?;
        Ok(number.unwrap_or(default).into())
    }

    /// A position in the log.
    pub(super) fn position(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.parse(name, whole)
    }

    /// The id of a delivery.
    pub(super) fn delivery(&self, name: &str) -> Result<Option<Uuid>, Problem> {
        self.parse(name, |text| text.parse().ok())
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parse(name, |text| text.parse().ok())
    }

    /// A time, a date (UTC), `today`, `yesterday` or a while ago such as `2h`.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let now = Clock::system().now();
        self.parse(name, |text| {
            let moment: Moment = text.parse().ok()?;
            moment.resolve(now).ok().filter(|at| *at >= FIRST)
        })
    }

    /// Value of an enumeration.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        spell: fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let found = self
            .get(name)
            .map(|value| self.find(name, value, all, spell));
        found.transpose()
    }

    /// Several values of an enumeration; empty if the parameter is not given.
    pub(super) fn several<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        spell: fn(T) -> &'static str,
    ) -> Result<Vec<T>, Problem> {
        let values = self.values(name).flat_map(|value| value.split(','));
        values
            .map(|value| self.find(name, value, all, spell))
            .collect()
    }

    fn find<T: Copy>(
        &self,
        name: &str,
        value: &str,
        all: &[T],
        spell: fn(T) -> &'static str,
    ) -> Result<T, Problem> {
        let found = all.iter().copied().find(|it| spell(*it) == value);
        found.ok_or_else(|| self.wrong(name, value))
    }

    fn declared(&self, name: &str) -> Option<&'static Parameter> {
        let mut all = self.known.iter().copied().flatten();
        all.find(|it| it.name == name)
    }

    fn wrong(&self, name: &str, value: &str) -> Problem {
        let declared = self.declared(name);
        let about = declared.map_or("", |it| it.about);
        let allowed = declared.map_or_else(String::new, |it| it.form.allowed());
        let detail = format!("wrong value of {name}. {about}");
        Problem::parameter(name, value, allowed, detail)
    }
}

/// A whole number in digits.
fn whole(text: &str) -> Option<i64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

/// Decodes a part of the parameter `name`. A lossy decoder would change what is asked for.
fn decoded(name: &str, text: &str) -> Result<String, Problem> {
    let bytes = text.replace('+', " ");
    let is_escape = |rest: &str| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let has_escapes = bytes.split('%').skip(1).all(is_escape);
    let decoded = percent_decode_str(&bytes).decode_utf8();
    match decoded {
        Ok(decoded) if has_escapes => Ok(decoded.into_owned()),
        _ => {
            let allowed = "UTF-8, with %25 for a percent sign";
            let detail = "the query is no percent-encoded UTF-8";
            Err(Problem::parameter(name, text, allowed, detail))
        }
    }
}

fn unknown(name: &str, value: &str, known: Known) -> Problem {
    let names: Vec<_> = known.iter().copied().flatten().map(|it| it.name).collect();
    let detail = match nearest(name, names.iter().copied()) {
        Some(near) => format!("unknown parameter; did you mean {near}?"),
        None => "unknown parameter".to_owned(),
    };
    let allowed = if names.is_empty() {
        "no parameter".to_owned()
    } else {
        names.join(", ")
    };
    Problem::parameter(name, value, allowed, detail)
}
