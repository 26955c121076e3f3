//! `openapi`: the OpenAPI document of the HTTP API.

use std::process::ExitCode;

use clap::Args;

use super::output::Output;
use crate::http;

/// Prints the OpenAPI 3.1 document of the HTTP API, as the server answers it at /openapi.json.
///
/// Example: hookshelf openapi > openapi.json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct OpenApi {}

impl OpenApi {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self {} = self;
        let mut output = Output::new();
        output.bytes(http::openapi_document().as_bytes())?;
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}
