//! Exports: a list as lines of JSON or CSV, page by page.
//!
//! Each page takes a session for one short statement, so that an export neither holds back vacuum
//! nor keeps a session from other callers. If a page fails, the connection ends without the last
//! chunk, so that no client takes the export for complete.

use std::fmt::Write;

use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;

use crate::{
    clock::Clock,
    config::Role,
    http::{
        answer,
        parameters::{Parameter, Parameters},
        problem::{self, Problem},
    },
    query::{self, Scope},
    store::Error,
    telemetry::{LogEvent, QueryFailed},
};

/// Parameters of an export.
pub(super) const EXPORT: &[Parameter] = &[
    Parameter::one("format", "json for pages; ndjson or csv for an export."),
    Parameter::one("bom", "true: CSV begins with a byte order mark."),
    Parameter::one(
        "csv",
        "raw: no ' in front of cells that a spreadsheet would execute.",
    ),
    Parameter::one("dry", "true: only the extent of the export."),
];

/// Refuses parameters that would have no effect.
fn refuse(parameters: &Parameters, names: &[&str], when: &str) -> Result<(), Problem> {
    let mut given = parameters.pairs().filter(|(name, _)| names.contains(name));
    match given.next() {
        None => Ok(()),
        Some((name, value)) => {
            let detail = format!("{name} has no effect {when}");
            let allowed = format!("no {name} {when}");
            Err(Problem::parameter(name, value, allowed, detail))
        }
    }
}

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Ndjson,
    Csv { raw: bool, bom: bool },
}

/// A requested export.
#[derive(Clone, Copy, Debug)]
pub(super) struct Export {
    format: Format,
    /// True if only its extent is requested.
    pub(super) dry: bool,
}

impl Export {
    /// Reads the parameters; `None` if a page is requested. An export with content needs an
    /// operator.
    pub(super) fn of(parameters: &Parameters, scope: &Scope) -> Result<Option<Self>, Problem> {
        let bom = parameters.flag("bom")?.unwrap_or(false);
        let raw = parameters.parse("csv", "raw", |text| (text == "raw").then_some(true))?;
        let raw = raw.unwrap_or(false);
        let dry = parameters.flag("dry")?.unwrap_or(false);
        let format = parameters.parse("format", "json, ndjson or csv", |text| match text {
            "json" => Some(None),
            "ndjson" => Some(Some(Format::Ndjson)),
            "csv" => Some(Some(Format::Csv { raw, bom })),
            _ => None,
        })?;
        let Some(format) = format.flatten() else {
            refuse(parameters, &["bom", "csv", "dry"], "without format")?;
            return Ok(None);
        };
        // An export has every event of its filter, and a search covers a day at a time.
        let of_pages = ["order", "limit", "wait", "text", "payload"];
        refuse(parameters, &of_pages, "with format")?;
        if scope.shows_content() && scope.role() < Role::Operator {
            let detail = "an export with content needs a token with the role operator";
            return Err(Problem::new(problem::FORBIDDEN, detail));
        }
        Ok(Some(Self { format, dry }))
    }

    /// Streams pages of rows until `next` returns an empty one. `shape` is a row with the columns
    /// of all rows; `next` reads the page behind a place and returns the place of its last row.
    pub(super) fn stream<T, P, F>(
        self,
        (name, query): (&str, Option<&str>),
        shape: &impl Serialize,
        first: P,
        mut next: impl FnMut(P) -> F + Send + 'static,
    ) -> Response
    where
        T: Serialize + Send,
        P: Send + 'static,
        F: Future<Output = Result<(Vec<T>, P), Error>> + Send + 'static,
    {
        let head = self.head(shape);
        let begun = stream::once(async move { head });
        let pages = stream::try_unfold(Some(first), move |place| {
            let page = place.map(&mut next);
            async move {
                let Some(page) = page else {
                    return Ok(None);
                };
                let (rows, place) = page.await.map_err(|error| {
                    let cause = error.cause();
                    QueryFailed { cause }.emit();
                    std::io::Error::other("the export failed")
                })?;
                if rows.is_empty() {
                    return Ok(None);
                }
                Ok::<_, std::io::Error>(Some((self.lines(&rows)?, Some(place))))
            }
        });
        let body = Body::from_stream(stream::StreamExt::chain(begun, pages));
        let mut response = (answer::typed(self.media()), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(
            HeaderValue::from_str(&self.disposition(name, query))
                .ok()
                .map(|it| (header::CONTENT_DISPOSITION, it)),
        );
        response
    }

    fn media(self) -> &'static str {
        match self.format {
            Format::Ndjson => "application/x-ndjson",
            Format::Csv { .. } => "text/csv; charset=utf-8",
        }
    }

    /// Name of the file: the list, its filter and the time.
    fn disposition(self, name: &str, query: Option<&str>) -> String {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "=-".contains(char);
        let filter = query.unwrap_or_default();
        let filter = filter.replace(|char: char| !is_plain(char), "-");
        let filter: String = filter.chars().take(100).collect();
        let at = Clock::system().now().strftime("%Y%m%dT%H%M%SZ");
        let ending = match self.format {
            Format::Ndjson => "ndjson",
            Format::Csv { .. } => "csv",
        };
        format!("attachment; filename=\"{name}-{filter}-{at}.{ending}\"")
    }

    fn head(self, shape: &impl Serialize) -> std::io::Result<Bytes> {
        match self.format {
            Format::Ndjson => Ok(Bytes::new()),
            Format::Csv { bom, .. } => {
                let mark = if bom { "\u{feff}" } else { "" };
                let names = query::csv_names(shape)?;
                Ok(format!("{mark}{names}\r\n").into())
            }
        }
    }

    fn lines<T: Serialize>(self, rows: &[T]) -> std::io::Result<Bytes> {
        let mut text = String::new();
        for row in rows {
            // Writing to a String cannot fail.
            let _ = match self.format {
                Format::Ndjson => writeln!(text, "{}", query::line(row)?),
                Format::Csv { raw: true, .. } => {
                    write!(text, "{}\r\n", query::csv_record(row, str::to_owned)?.line)
                }
                Format::Csv { .. } => {
                    let record = query::csv_record(row, query::without_formula)?;
                    write!(text, "{}\r\n", record.line)
                }
            };
        }
        Ok(text.into())
    }
}
