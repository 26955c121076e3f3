//! Query parameters: each known, given once unless it is a list, and parsed with a message that
//! says what is allowed.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use jiff::Timestamp;

use super::problem::Problem;
use crate::{clock::Clock, config::nearest, query::Moment};

/// First time of a filter. Postgres has no times long before it.
const FIRST: Timestamp = Timestamp::UNIX_EPOCH;

/// A query parameter of a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    /// Meaning and allowed values.
    pub(super) about: &'static str,
    /// True if it may be given several times, or with commas between values.
    pub(super) is_list: bool,
}

impl Parameter {
    pub(super) const fn one(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            is_list: false,
        }
    }

    pub(super) const fn list(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            is_list: true,
        }
    }
}

/// Parameters of a request, all of them known.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(&'static Parameter, String)>);

impl Parameters {
    /// Splits `query` into the parameters that a route knows.
    pub(super) fn of(query: Option<&str>, known: &[&'static [Parameter]]) -> Result<Self, Problem> {
        let mut found: Vec<(&'static Parameter, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let mut all = known.iter().copied().flatten();
            let Some(parameter) = all.find(|it| it.name == name) else {
                return Err(unknown(&name, &value, known));
            };
            let is_again = found.iter().any(|(it, _)| it.name == name);
            if is_again && !parameter.is_list {
                let detail = format!("{name} is given twice");
                return Err(Problem::parameter(&name, &value, "once", detail));
            }
            found.push((parameter, value.into_owned()));
        }
        Ok(Self(found))
    }

    /// Value of a parameter, if it is given.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Names and values as given.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(it, value)| (it.name, value.as_str()))
    }

    fn values<'s>(&'s self, name: &str) -> impl Iterator<Item = &'s str> {
        let named = self.0.iter().filter(move |(it, _)| it.name == name);
        named.map(|(_, value)| value.as_str())
    }

    /// Parses a parameter, if it is given.
    pub(super) fn parse<T>(
        &self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let value = self.get(name);
        let parsed =
            value.map(|value| parse(value).ok_or_else(|| self.wrong(name, value, allowed)));
        parsed.transpose()
    }

    /// A text that is not empty, of at most 512 bytes.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Problem> {
        self.parse(name, "1 to 512 bytes without U+0000", |text| {
            let is_text = (1..=512).contains(&text.len()) && !text.contains('\0');
            is_text.then(|| text.to_owned())
        })
    }

    /// A whole number.
    pub(super) fn number<T>(
        &self,
        name: &str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, Problem>
    where
        T: Display + FromStr + PartialOrd,
    {
        let allowed = format!("a whole number from {} to {}", range.start(), range.end());
        self.parse(name, &allowed, |text| {
            let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| range.contains(number));
            number.filter(|_| is_digits)
        })
    }

    /// A position in the log.
    pub(super) fn position(&self, name: &str) -> Result<Option<i64>, Problem> {
        self.number(name, 0..=i64::MAX)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parse(name, "true or false", |text| text.parse().ok())
    }

    /// A time, a date (UTC), `today`, `yesterday` or a while ago such as `2h`.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let now = Clock::system().now();
        let allowed = "a time such as 2026-11-02T15:04:05Z, a date, today, yesterday, or a while \
                       ago such as 2h";
        self.parse(name, allowed, |text| {
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
        found.ok_or_else(|| {
            let names: Vec<_> = all.iter().map(|it| spell(*it)).collect();
            self.wrong(name, value, &names.join(", "))
        })
    }

    fn wrong(&self, name: &str, value: &str, allowed: &str) -> Problem {
        let parameter = self.0.iter().find(|(it, _)| it.name == name);
        let about = parameter.map_or("", |(it, _)| it.about);
        Problem::parameter(
            name,
            value,
            allowed,
            format!("wrong value of {name}. {about}"),
        )
    }
}

fn unknown(name: &str, value: &str, known: &[&'static [Parameter]]) -> Problem {
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
