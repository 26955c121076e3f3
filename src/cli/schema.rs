//! `schema`: types of the JSON of events.

use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::query::schema;

/// Prints the types of the JSON of events, which `--json` prints and the API sends.
///
/// Example: hookshelf schema --json-schema > event.schema.json
/// Example: hookshelf schema --typescript > events.ts
/// Example: hookshelf schema --python > events.py
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Schema {
    #[command(flatten)]
    language: Language,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Language {
    /// Print a JSON Schema (draft 2020-12).
    #[arg(long)]
    json_schema: bool,
    /// Print a TypeScript module.
    #[arg(long)]
    typescript: bool,
    /// Print a Python module, for Python 3.10 or newer.
    #[arg(long)]
    python: bool,
}

impl Schema {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let text = match self.language {
            Language {
                json_schema: true, ..
            } => schema::json_schema(),
            Language {
                typescript: true, ..
            } => schema::typescript(),
            Language { .. } => schema::python(),
        };
        let mut output = Output::new();
        output.bytes(text.as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
