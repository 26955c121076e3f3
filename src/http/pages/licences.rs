//! Page of licences: those of the files of other projects in the program, and its own.

use askama::Template;
use axum::{response::Response, routing::get};
use serde::Deserialize;

use super::{
    Page,
    answer::{page, rendered},
    assets,
    frame::Frame,
    text,
    visit::Visit,
};
use crate::http::{
    access::Viewer,
    problem::{self, Problem},
};

pub(super) const PAGE: Page = Page {
    path: "/licences",
    handler: || get(show),
    parameters: &[],
};

/// Directory of the texts among the vendored files.
const TEXTS: &str = "licenses/";

#[derive(Template)]
#[template(path = "licences.html", blocks = ["main"])]
struct LicencesPage {
    frame: Frame,
    version: &'static str,
    /// Licence of the program.
    own: &'static str,
    packages: Vec<Package>,
}

rendered!(LicencesPage);

/// List of the vendored files.
#[derive(Deserialize)]
struct Sources {
    package: Vec<Package>,
}

/// Package with vendored files.
#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: String,
    #[serde(rename = "file")]
    files: Vec<File>,
    /// Text of the licence.
    #[serde(skip)]
    text: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(rename = "file")]
    name: String,
}

async fn show(Viewer(scope): Viewer, visit: Visit) -> Result<Response, Problem> {
    let licences = LicencesPage {
        frame: Frame::new(&visit, Some(&scope), "Licences", None),
        version: env!("CARGO_PKG_VERSION"),
        own: env!("CARGO_PKG_LICENSE"),
        packages: packages().ok_or_else(|| {
            let detail = "the list of the vendored files could not be read";
            Problem::new(problem::DEFECT, detail)
        })?,
    };
    Ok(page(&visit, &licences))
}

/// Packages with vendored files.
fn packages() -> Option<Vec<Package>> {
    let mut sources: Sources = toml::from_str(&vendored("SOURCES.toml")?).ok()?;
    for package in &mut sources.package {
        let text = package
            .files
            .iter()
            .find(|file| file.name.starts_with(TEXTS))?;
        package.text = vendored(&text.name)?;
        package.files.retain(|file| !file.name.starts_with(TEXTS));
    }
    Some(sources.package)
}

fn vendored(name: &str) -> Option<String> {
    assets::text(&format!("vendor/{name}"))
}
