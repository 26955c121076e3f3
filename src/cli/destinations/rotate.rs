//! `destinations rotate`.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use clap::Args;

use super::{super::output::Output, find};
use crate::{
    config::{self, Format, Sources},
    secret_file,
};

/// Makes a new secret of Standard Webhooks for a destination, and keeps the old one as previous.
///
/// Give it the files of `secret_file` and `previous_secrets_file`. Until you remove the old secret
/// from the second file, or until `until`, both secrets sign each request.
///
/// Example: hookshelf destinations rotate crm --secret-file crm --previous-secrets-file crm.old
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Rotate {
    /// Name of the destination.
    name: String,
    /// File of the key `secret_file`.
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// File of the key `previous_secrets_file`.
    #[arg(long, value_name = "FILE")]
    previous_secrets_file: PathBuf,
}

impl Rotate {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = config::load(sources)?;
        let (_, destination) = find(&config, &self.name)?;
        ensure!(
            matches!(destination.format, Format::Event(_)),
            "{} has format = \"meta\": a request in Meta's form has one signature, so change its \
             secret here and at the receiver at the same time",
            self.name
        );
        let old = fs::read_to_string(&self.secret_file)
            .with_context(|| format!("cannot read {}", self.secret_file.display()))?;
        let previous = self.previous(old.trim())?;
        let new = secret()?;
        // The old secret stays valid if the second write fails.
        write(&self.previous_secrets_file, &previous)?;
        write(&self.secret_file, &format!("{new}\n"))?;
        Output::say(&format!(
            "{} has a new secret in {}; give it to the receiver, then run `hookshelf reload`; \
             remove the old one from {} when the receiver has the new one",
            self.name,
            self.secret_file.display(),
            self.previous_secrets_file.display()
        ))
    }

    /// Previous secrets with the old one.
    fn previous(&self, old: &str) -> anyhow::Result<String> {
        let file = &self.previous_secrets_file;
        let known = match fs::read_to_string(file) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            known => known.with_context(|| format!("cannot read {}", file.display()))?,
        };
        let others = known.lines().map(str::trim);
        let others = others.filter(|it| !it.is_empty() && *it != old);
        let all: Vec<_> = [old].into_iter().chain(others).collect();
        Ok(all.join("\n") + "\n")
    }
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    secret_file::replace(file, text.as_bytes())
        .with_context(|| format!("cannot write {}", file.display()))
}

/// A random secret.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("cannot get random bytes")?;
    Ok(format!("whsec_{}", STANDARD.encode(bytes)))
}
