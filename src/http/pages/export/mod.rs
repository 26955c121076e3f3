//! Page of exports: *how do I export this?* A form with the filters of the page before, the outline
//! of the export, and the ways to get it.

mod data;
mod fields;
mod outline;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use self::{
    data::{Data, Given},
    fields::{Field, KindChoice},
    outline::{Outline, Refusal, outline},
};
use super::{
    Page,
    answer::{page, rendered},
    copies::quoted,
    frame::Frame,
    frame_tools::EXPORT,
    text,
    visit::Visit,
};
use crate::{
    http::{
        access::Viewer,
        api::{
            Api, Asked, Shared,
            audit::AUDIT,
            conversations::CONVERSATION_LIST,
            filters::{FILTERS, SEARCHES, names},
            media::MEDIA_LIST,
        },
        parameter::{Form, Parameter},
        parameters::Parameters,
        problem::Problem,
    },
    query::Scope,
};

/// Parameters of the form besides the filters.
const VIEW: &[Parameter] = &[
    Parameter::of(
        "data",
        "List to export.",
        Form::OneOf(|| names(Data::ALL, Data::as_str)),
    ),
    Parameter::of("from", "Address of the page before.", Form::Any),
    Parameter::of(
        "format",
        "csv or ndjson. If unset: csv.",
        Form::OneOf(|| names(Format::ALL, Format::as_str)),
    ),
    Parameter::of("columns", "Columns of CSV.", Form::SomeOf(Vec::new)),
    Parameter::of(
        "bom",
        "true: CSV begins with a byte order mark.",
        Form::Flag,
    ),
];

pub(super) const PAGE: Page = Page {
    path: "/export",
    handler: || get(show),
    parameters: &[
        VIEW,
        FILTERS,
        SEARCHES,
        CONVERSATION_LIST,
        MEDIA_LIST,
        AUDIT,
    ],
};

/// Format of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Ndjson,
}

#[derive(Template)]
#[template(path = "export.html", blocks = ["main"])]
struct ExportPage {
    frame: Frame,
    /// Lists to choose from.
    choices: Vec<Data>,
    choice: Choice,
    kinds: Vec<KindChoice>,
    fields: Vec<Field>,
    /// Columns of CSV, each with true if it is chosen.
    columns: Vec<(String, bool)>,
    plan: Plan,
    /// True if the rows are visible with their content.
    shows_content: bool,
}

rendered!(ExportPage);

/// Values of the form.
struct Choice {
    data: Data,
    format: Format,
    columns: Vec<String>,
    has_bom: bool,
    filters: Vec<Given>,
}

/// Result of a choice.
enum Plan {
    /// The list needs a filter.
    Incomplete,
    Refused(Refusal),
    Ready(Outline, Ways),
}

/// Ways to get the file.
struct Ways {
    /// Path of the API, below the base.
    path: String,
    curl: String,
    /// Command, if there is one with the same rows.
    command: Option<String>,
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    visit: Visit,
    asked: Asked,
) -> Result<Response, Problem> {
    if let Some(address) = asked.parameters.get("from") {
        let form = visit.base.join(&data::prefilled(address));
        return Ok(Redirect::to(&form).into_response());
    }
    let choice = Choice::of(&asked.parameters)?;
    let plan = choice.plan(&api, &scope, &visit).await?;
    let columns = match &plan {
        Plan::Ready(outline, _) => outline.columns.clone(),
        Plan::Incomplete | Plan::Refused(_) => choice.columns.clone(),
    };
    let column = |name: String| {
        let is_chosen = choice.columns.contains(&name);
        (name, is_chosen)
    };
    let lists = Data::ALL.iter().copied();
    let export = ExportPage {
        frame: Frame::new(&visit, Some(&scope), EXPORT.name, Some(&EXPORT)),
        choices: lists
            .filter(|data| *data != Data::Audit || scope.reads_audit())
            .collect(),
        kinds: fields::kinds(choice.data, &choice.filters),
        fields: fields::fields(choice.data, &choice.filters),
        columns: columns.into_iter().map(column).collect(),
        plan,
        choice,
        shows_content: scope.shows_content(),
    };
    Ok(page(&visit, &export))
}

impl Plan {
    fn is_ready(&self) -> bool {
        matches!(self, Self::Ready(..))
    }

    /// Path of the API, below the base.
    fn path(&self) -> Option<&str> {
        match self {
            Self::Ready(_, ways) => Some(&ways.path),
            Self::Incomplete | Self::Refused(_) => None,
        }
    }
}

impl Format {
    const ALL: &'static [Self] = &[Self::Csv, Self::Ndjson];

    /// Name in a query, and ending of the file.
    fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }
}

impl Choice {
    fn of(parameters: &Parameters) -> Result<Self, Problem> {
        let data = parameters.one_of("data", Data::ALL, Data::as_str)?;
        let data = data.unwrap_or(Data::Events);
        let format = parameters.one_of("format", Format::ALL, Format::as_str)?;
        let columns = parameters.pairs().filter(|(name, _)| *name == "columns");
        Ok(Self {
            data,
            format: format.unwrap_or(Format::Csv),
            columns: columns.map(|(_, name)| name.to_owned()).collect(),
            has_bom: parameters.flag("bom")?.unwrap_or(false),
            filters: data.kept(parameters.pairs()),
        })
    }

    fn is_csv(&self) -> bool {
        self.format == Format::Csv
    }

    /// Name of the file.
    fn file(&self) -> String {
        format!("{}.{}", self.data.as_str(), self.format.as_str())
    }

    /// Asks the API for the outline of the export.
    async fn plan(&self, api: &Api, scope: &Scope, visit: &Visit) -> Result<Plan, Problem> {
        let Some(path) = self.path() else {
            return Ok(Plan::Incomplete);
        };
        Ok(
            match outline(api, scope, &format!("{path}&dry=true")).await? {
                Ok(outline) => Plan::Ready(outline, self.ways(path, visit)),
                Err(refusal) => Plan::Refused(refusal),
            },
        )
    }

    /// Path of the export in the API; `None` if the list needs another filter.
    fn path(&self) -> Option<String> {
        let (path, filters) = self.data.path(&self.filters)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("format", self.format.as_str());
        query.extend_pairs(filters.iter().map(|(name, value)| (*name, value.as_str())));
        if self.is_csv() && self.has_bom {
            query.append_pair("bom", "true");
        }
        if self.is_csv() && !self.columns.is_empty() {
            query.append_pair("columns", &self.columns.join(","));
        }
        Some(format!("{path}?{}", query.finish()))
    }

    fn ways(&self, path: String, visit: &Visit) -> Ways {
        let (base, file) = (&visit.base, self.file());
        let url = quoted(&format!("{}{base}", visit.origin));
        let path_url = quoted(&format!("{}{base}{path}", visit.origin));
        let token = "-H \"Authorization: Bearer $HOOKSHELF_TOKEN\"";
        Ways {
            curl: format!("curl -fSg {token} -o {file} {path_url}"),
            command: self.options().map(|options| {
                format!("hookshelf events export{options} --out={file} --url={url}")
            }),
            path,
        }
    }

    /// Options of the command; `None` if it does not export the same.
    fn options(&self) -> Option<String> {
        let is_search = |(name, _): &Given| matches!(*name, "text" | "payload");
        let is_plain = self.columns.is_empty() && !self.has_bom;
        let is_same = self.data == Data::Events && !self.filters.iter().any(is_search);
        if !is_same || self.is_csv() && !is_plain {
            return None;
        }
        let filters = self.filters.iter();
        let filters = filters.map(|(name, value)| format!(" --{name}={}", quoted(value)));
        let filters: String = filters.collect();
        Some(format!(" --format={}{filters}", self.format.as_str()))
    }
}
