//! `signature`: makes and checks `X-Hub-Signature-256` without a server.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};

use super::{
    input::{is_stdin, read, read_secret, tried},
    local,
    output::Output,
    signed_request,
};
use crate::{
    config::{self, AppName, NamedSecret, Sources},
    meta::{
        json,
        signature::{self, Fault, Secrets},
    },
};

/// The header that carries the signature.
const HEADER: &str = "X-Hub-Signature-256";

/// Makes and checks signatures of bodies, offline.
#[derive(Args, Debug)]
pub(super) struct Signature {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Sign(Sign),
    Verify(Verify),
}

/// Prints the value of X-Hub-Signature-256 for a body, as Meta would send it.
///
/// Example: hookshelf signature sign body.json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Sign {
    /// The body, byte for byte; - is standard input.
    file: PathBuf,
    /// The secret of the app to sign with: app, instagram, previous-1; else its first one.
    #[arg(long, value_name = "NAME", conflicts_with = "secret_file")]
    secret: Option<String>,
    #[command(flatten)]
    keys: Keys,
}

/// Says which secret made a signature, or why none did.
///
/// Example: hookshelf signature verify body.json --headers headers.json
/// Example: hookshelf signature verify deletion.txt --signed-request
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Verify {
    /// The body, byte for byte; - is standard input.
    file: PathBuf,
    /// The value of the header.
    #[arg(long, value_name = "VALUE", required_unless_present_any = ["headers", "signed_request"])]
    signature: Option<String>,
    /// A file with the headers, a line each or as the JSON object that `deliveries show` prints;
    /// - is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    headers: Option<PathBuf>,
    /// The file is a signed request, as Meta posts it when somebody removes the app or asks for a
    /// deletion: its value, or the form that carries it.
    #[arg(long, conflicts_with_all = ["signature", "headers"])]
    signed_request: bool,
    /// Print what it says, too: the id of the person in it is personal data.
    #[arg(long, requires = "signed_request", conflicts_with_all = ["signature", "headers"])]
    fields: bool,
    #[command(flatten)]
    keys: Keys,
}

/// Source of the secrets.
#[derive(Args, Debug)]
struct Keys {
    /// The app whose secrets are used: a configured one, or the one made at a first start.
    #[arg(long, default_value = "default")]
    app: AppName,
    /// A file that holds the secret; the configuration is not read then.
    #[arg(long, value_name = "FILE", conflicts_with = "app")]
    secret_file: Option<PathBuf>,
}

impl Signature {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let mut output = Output::new();
        match self.verb {
            Verb::Sign(sign) => output.line(&sign.run(sources)?)?,
            Verb::Verify(verify) => verify.run(sources, &mut output)?,
        }
        output.finish()?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Sign {
    fn run(&self, sources: &Sources) -> anyhow::Result<String> {
        let secrets = self.keys.secrets(sources)?;
        let wanted = |it: &&NamedSecret| self.secret.as_ref().is_none_or(|name| *name == it.name);
        let secret = secrets.iter().find(wanted).with_context(|| {
            format!(
                "no secret of the app {} has that name; there is: {}",
                self.keys.app,
                names(&secrets)
            )
        })?;
        Ok(signature::sign(&secret.secret, &read(&self.file)?))
    }
}

impl Verify {
    fn run(&self, sources: &Sources, output: &mut Output) -> anyhow::Result<()> {
        let both = self.headers.as_deref().is_some_and(is_stdin) && is_stdin(&self.file);
        ensure!(
            !both,
            "standard input cannot be both the body and the headers; put one of them into a file"
        );
        let named = self.keys.secrets(sources)?;
        let secrets = Secrets::new(named.iter().map(|it| (it.name.as_str(), &it.secret)));
        if self.signed_request {
            let content = read(&self.file)?;
            return signed_request::verify(&content, &secrets, self.fields, output);
        }
        output.line(&self.verify(&secrets)?)
    }

    fn verify(&self, secrets: &Secrets) -> anyhow::Result<String> {
        let header = match (&self.signature, &self.headers) {
            (Some(value), _) => Some(value.clone()),
            (None, Some(path)) => header(&String::from_utf8_lossy(&read(path)?)),
            (None, None) => None,
        };
        let header = header.as_deref().map(|value| value.trim().as_bytes());
        match secrets.verify(header, read(&self.file)?.into()) {
            Ok(verified) => Ok(format!(
                "the secret {} made this signature",
                verified.secret()
            )),
            Err(fault @ Fault::Mismatch) => bail!(
                "{fault}; tried: {}; either the secret is another one, or these are not the bytes that \
                 were signed",
                tried(secrets)
            ),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl Keys {
    fn secrets(&self, sources: &Sources) -> anyhow::Result<Vec<NamedSecret>> {
        if let Some(path) = &self.secret_file {
            let name = "of the file".to_owned();
            return Ok(vec![NamedSecret {
                name,
                secret: read_secret(path)?,
            }]);
        }
        let config = config::load(sources)?;
        Ok(local::app(&config, self.app.as_str())?.secrets)
    }
}

fn names(secrets: &[NamedSecret]) -> String {
    let names: Vec<_> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    names.join(", ")
}

/// The signature among headers: `Name: value` lines, or a JSON object of them.
fn header(text: &str) -> Option<String> {
    if let Some(all) = json::pairs(text) {
        let (_, value) = all
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(HEADER))?;
        return json::string(value).map(Into::into);
    }
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case(HEADER)
            .then(|| value.trim().to_owned())
    };
    text.lines().find_map(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_found_in_either_form_of_headers() {
        let lines = "Host: a\r\nx-hub-signature-256:  sha256=ab \r\nX-Hub-Signature: sha1=cd\r\n";
        assert_eq!(header(lines).as_deref(), Some("sha256=ab"));
        let object = r#"{"host": "a", "X-Hub-Signature-256": "sha256=ab"}"#;
        assert_eq!(header(object).as_deref(), Some("sha256=ab"));
        assert_eq!(header("X-Hub-Signature: sha1=cd"), None);
        assert_eq!(header("{}"), None);
    }
}
