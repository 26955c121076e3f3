//! `token`: makes tokens for the admin listener.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand, builder::PossibleValuesParser};

use super::output::Output;
use crate::config;

/// Makes tokens for the admin listener.
#[derive(Args, Debug)]
pub(super) struct Token {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(New),
}

/// Prints a new token, and the lines for the configuration.
///
/// The configuration needs only the SHA-256, so keep the token itself with its user. `hookshelf
/// reload` applies the lines to a running server.
///
/// Example: hookshelf token new --name grafana --role metrics
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct New {
    /// Name of the token: 1 to 32 of a-z, 0-9, - and _.
    #[arg(long, default_value = "first", value_parser = name)]
    name: String,
    /// Actions that the token may take.
    #[arg(long, default_value = "viewer",
          value_parser = PossibleValuesParser::new(config::Role::ALL.map(config::Role::as_str)))]
    role: String,
    /// Consumer that a token with the role consumer may use. Several with commas.
    #[arg(
        long = "consumer",
        value_name = "NAME",
        value_delimiter = ',',
        required_if_eq("role", "consumer")
    )]
    consumers: Vec<config::Name>,
}

fn name(text: &str) -> Result<String, String> {
    let is_name = config::Token::is_name(text);
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| format!("allowed: {}", config::Token::NAMES))
}

impl Token {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::New(new) => new.run()?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl New {
    fn run(self) -> anyhow::Result<()> {
        if self.role != config::Role::Consumer.as_str() && !self.consumers.is_empty() {
            bail!("--consumer goes with --role consumer only");
        }
        let token = config::Token::generate().context("failed to get random bytes for a token")?;
        let sha256 = hex::encode(config::Token::digest(token.as_bytes()));
        let mut output = Output::new();
        output.line(&format!(
            "# The token, for the header `Authorization: Bearer`: {}",
            *token
        ))?;
        output.line("[[admin.tokens]]")?;
        output.line(&format!("name = \"{}\"", self.name))?;
        output.line(&format!("token_sha256 = \"{sha256}\""))?;
        output.line(&format!("role = \"{}\"", self.role))?;
        if !self.consumers.is_empty() {
            let names: Vec<_> = self
                .consumers
                .iter()
                .map(|name| format!("\"{name}\""))
                .collect();
            output.line(&format!("consumers = [{}]", names.join(", ")))?;
        }
        output.finish()
    }
}
