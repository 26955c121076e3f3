//! Exports: a whole list as lines of JSON or CSV, page by page.
//!
//! Each page takes a session for short statements, so that an export neither holds back vacuum nor
//! keeps a session from other callers. If a page fails, the connection ends without the last
//! chunk, so that no client takes the export for complete.

use std::{fmt::Write as _, io};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Api, Asked, operation::Answer};
use crate::{
    clock::Clock,
    config::Role,
    http::{
        access::Admission,
        answer,
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::{self, Problem},
    },
    query::{self, AuditEntry, Extent, Scope, Session, Subject, Walk},
    store::Error,
    telemetry::{LogEvent, QueryFailed},
};

/// Parameters of an export.
pub(super) const EXPORT: &[Parameter] = &[
    Parameter::of(
        "format",
        "json for pages; ndjson or csv for an export.",
        Form::OneOf(|| vec!["json", "ndjson", "csv"]),
    ),
    Parameter::of(
        "bom",
        "true: CSV begins with a byte order mark.",
        Form::Flag,
    ),
    Parameter::one(
        "columns",
        "CSV has these columns, with commas between their names; in any case in its own order.",
    ),
    Parameter::of(
        "csv",
        "raw: no ' in front of cells that a spreadsheet would execute.",
        Form::OneOf(|| vec!["raw"]),
    ),
    Parameter::of(
        "dry",
        "true: only the extent of the export, its columns, and the size of its first rows.",
        Form::Flag,
    ),
];

/// Answers of an export: its outline, lines, or CSV.
pub(super) const ANSWERS: &[Answer] = &[
    Answer::json::<Outline>("The outline of an export."),
    Answer::other("application/x-ndjson", "An export: a JSON object a line."),
    Answer::other("text/csv", "An export: a line of names, then a line a row."),
];

/// Refuses parameters that would have no effect.
pub(super) fn refuse(parameters: &Parameters, names: &[&str], when: &str) -> Result<(), Problem> {
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

/// Refuses an export of content by others than operators.
pub(in crate::http) fn may_export(scope: &Scope) -> Result<(), Problem> {
    if scope.shows_content() && !scope.role().covers(Role::Operator) {
        let detail = "an export with content needs a token with the role operator";
        return Err(Problem::new(problem::FORBIDDEN, detail));
    }
    Ok(())
}

/// A file of rows.
pub(in crate::http) struct File<T> {
    /// Name of the list in the name of the file.
    pub(in crate::http) list: &'static str,
    pub(in crate::http) ending: &'static str,
    pub(in crate::http) media: &'static str,
    pub(in crate::http) head: io::Result<Bytes>,
    /// Writes rows, in the order of the file.
    pub(in crate::http) write: Write<T>,
}

/// Function that writes rows.
type Write<T> = Box<dyn FnMut(&[T]) -> io::Result<Bytes> + Send>;

impl<T> File<T> {
    /// Name of the file: the list, its filter and the time.
    fn disposition(&self, query: Option<&str>) -> String {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "=-".contains(char);
        let filter = query.unwrap_or_default();
        let filter = filter.replace(|char: char| !is_plain(char), "-");
        let filter: String = filter.chars().take(100).collect();
        let at = Clock::system().now().strftime("%Y%m%dT%H%M%SZ");
        let Self { list, ending, .. } = self;
        format!("attachment; filename=\"{list}-{filter}-{at}.{ending}\"")
    }
}

/// Format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Ndjson,
    Csv { raw: bool, bom: bool },
}

/// Outline of an export, before anything is sent.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ExportOutline")]
pub(super) struct Outline {
    #[serde(flatten)]
    extent: Extent,
    /// Names of the columns of CSV.
    columns: Vec<String>,
    /// Number of rows at the start of the export whose size was measured; 0 of a search.
    sample_rows: usize,
    /// Size of these rows in the format of the export.
    sample_bytes: usize,
}

/// A requested export.
#[derive(Clone, Debug)]
pub(super) struct Export {
    /// Name of the list in the name of the file.
    list: &'static str,
    format: Format,
    /// Names of the chosen columns of CSV; empty for all.
    columns: Vec<String>,
    /// True if only its extent is requested.
    dry: bool,
}

impl Export {
    /// Reads the parameters; `None` if a page is requested. `of_pages` have no effect on an export.
    pub(super) fn of(
        list: &'static str,
        parameters: &Parameters,
        of_pages: &[&str],
    ) -> Result<Option<Self>, Problem> {
        let bom = parameters.flag("bom")?.unwrap_or(false);
        let raw = parameters.parse("csv", |text| (text == "raw").then_some(true))?;
        let raw = raw.unwrap_or(false);
        let dry = parameters.flag("dry")?.unwrap_or(false);
        let format = parameters.parse("format", |text| match text {
            "json" => Some(None),
            "ndjson" => Some(Some(Format::Ndjson)),
            "csv" => Some(Some(Format::Csv { raw, bom })),
            _ => None,
        })?;
        let Some(format) = format.flatten() else {
            let names = ["bom", "columns", "csv", "dry"];
            refuse(parameters, &names, "without an export")?;
            return Ok(None);
        };
        refuse(parameters, of_pages, "on an export")?;
        if format == Format::Ndjson {
            refuse(parameters, &["bom", "columns", "csv"], "with format=ndjson")?;
        }
        let columns = parameters.text("columns")?.unwrap_or_default();
        let columns = columns.split(',').filter(|name| !name.is_empty());
        Ok(Some(Self {
            list,
            format,
            columns: columns.map(str::to_owned).collect(),
            dry,
        }))
    }

    /// Refuses a column that rows do not have.
    fn check_columns(&self, names: &[String]) -> Result<(), Problem> {
        let mut unknown = self.columns.iter().filter(|name| !names.contains(name));
        match unknown.next() {
            None => Ok(()),
            Some(name) => {
                let detail = "the list has no such column";
                Err(Problem::parameter(
                    "columns",
                    name,
                    names.join(", "),
                    detail,
                ))
            }
        }
    }

    fn has(&self, column: &str) -> bool {
        self.columns.is_empty() || self.columns.iter().any(|name| name == column)
    }

    /// Refuses an export of content by others than operators.
    pub(super) fn with_content(self, scope: &Scope) -> Result<Self, Problem> {
        may_export(scope)?;
        Ok(self)
    }

    fn media(&self) -> &'static str {
        match self.format {
            Format::Ndjson => "application/x-ndjson",
            Format::Csv { .. } => "text/csv; charset=utf-8",
        }
    }

    fn ending(&self) -> &'static str {
        match self.format {
            Format::Ndjson => "ndjson",
            Format::Csv { .. } => "csv",
        }
    }

    fn head(&self, names: &[String]) -> Bytes {
        match self.format {
            Format::Ndjson => Bytes::new(),
            Format::Csv { bom, .. } => {
                let mark = if bom { "\u{feff}" } else { "" };
                let names = names.iter().map(String::as_str);
                let names: Vec<_> = names.filter(|name| self.has(name)).collect();
                format!("{mark}{}\r\n", names.join(",")).into()
            }
        }
    }

    fn lines<T: Serialize>(&self, rows: &[T]) -> std::io::Result<Bytes> {
        let has = |column: &str| self.has(column);
        let mut text = String::new();
        for row in rows {
            // Writing to a String cannot fail.
            let _ = match self.format {
                Format::Ndjson => writeln!(text, "{}", query::line(row)?),
                Format::Csv { raw: true, .. } => {
                    let record = query::csv_record(row, has, str::to_owned)?;
                    write!(text, "{}\r\n", record.line)
                }
                Format::Csv { .. } => {
                    let record = query::csv_record(row, has, query::without_formula)?;
                    write!(text, "{}\r\n", record.line)
                }
            };
        }
        Ok(text.into())
    }
}

impl Api {
    /// Answers with all rows of a walk, or with their outline.
    pub(super) async fn export<W: Walk>(
        &self,
        mut session: Session,
        (scope, asked): (&Scope, &Asked),
        (export, subject): (Export, Subject<'_>),
        mut walk: W,
    ) -> Result<Response, Problem> {
        // Every row can be serialised.
        let names = query::csv_names(&W::Row::default()).unwrap_or_default();
        let names: Vec<_> = names.split(',').map(str::to_owned).collect();
        export.check_columns(&names)?;
        if export.dry {
            let extent = self.read(walk.extent(&mut session)).await?;
            let sample = self.read(walk.sample(&mut session)).await?;
            let outline = Outline {
                extent,
                columns: names,
                sample_rows: sample.len(),
                sample_bytes: export.lines(&sample).unwrap_or_default().len(),
            };
            return Ok(answer::json(StatusCode::OK, &outline));
        }
        drop(session);
        let file = File {
            list: export.list,
            ending: export.ending(),
            media: export.media(),
            head: Ok(export.head(&names)),
            write: Box::new(move |rows: &[W::Row]| export.lines(rows)),
        };
        self.file((scope, asked), subject, file, walk).await
    }

    /// Answers with a file of all rows of a walk.
    pub(in crate::http) async fn file<W: Walk>(
        &self,
        (scope, asked): (&Scope, &Asked),
        subject: Subject<'_>,
        file: File<W::Row>,
        walk: W,
    ) -> Result<Response, Problem> {
        let entry = self.record(scope, asked, "export", (subject, None)).await?;
        let name = file.disposition(asked.query.as_deref());
        let (media, head) = (file.media, file.head);
        let running = Running {
            api: self.clone(),
            scope: scope.clone(),
            admission: asked.admission.clone(),
            entry,
            write: file.write,
            walk,
            rows: 0,
        };
        let head = stream::once(async move { head });
        let pages = stream::try_unfold(running, async |mut running| {
            let page = running.next().await?;
            Ok::<_, io::Error>(page.map(|page| (page, running)))
        });
        let body = Body::from_stream(stream::StreamExt::chain(head, pages));
        let mut response = (answer::typed(media), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(
            HeaderValue::from_str(&name)
                .ok()
                .map(|it| (header::CONTENT_DISPOSITION, it)),
        );
        Ok(response)
    }
}

/// An export while it is sent.
struct Running<W: Walk> {
    api: Api,
    scope: Scope,
    admission: Option<Admission>,
    entry: AuditEntry,
    write: Write<W::Row>,
    walk: W,
    rows: usize,
}

impl<W: Walk> Running<W> {
    /// Lines of the next page that has rows; `None` at the end, which is in the audit by then.
    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.admission.as_ref().is_some_and(|it| !it.is_valid()) {
                return Err(io::Error::other("the token was removed"));
            }
            let rows = self.read().await.map_err(|error| {
                let cause = error.cause();
                QueryFailed { cause }.emit();
                io::Error::other(error)
            })?;
            match rows {
                None => return Ok(None),
                Some(rows) if rows.is_empty() => {}
                Some(rows) => return (self.write)(&rows).map(Some),
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<W::Row>>, Error> {
        let mut session = self.api.sessions.session(&self.scope).await?;
        let rows = self.walk.next(&mut session).await?;
        drop(session);
        if let Some(rows) = &rows {
            self.rows += rows.len();
        } else {
            let end = AuditEntry {
                verb: "exported",
                rows: self.rows.try_into().ok(),
                ..self.entry.clone()
            };
            self.api.audit.write(&end).await?;
        }
        Ok(rows)
    }
}
