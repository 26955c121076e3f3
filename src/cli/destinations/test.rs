//! `destinations test`.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Args;
use tokio::{net::lookup_host, time::timeout};

use super::{
    super::{filters, output::Output},
    find, simulated,
};
use crate::{
    config::{self, Destination, Sources},
    doctor,
    forward::{
        destination::Request,
        http::{Client, Look},
    },
    meta::event::Kind,
};

/// Deadline of a look-up.
const LOOKUP: Duration = Duration::from_secs(10);

/// Checks that a destination can be reached: looks its host up, connects, and shows the certificate.
///
/// Sends a HEAD request. With --challenge it sends the GET with which Meta verifies a callback URL.
/// With --send it sends one simulated event, signed and marked as simulated, to the receiver.
///
/// Example: hookshelf destinations test chatwoot
/// Example: hookshelf destinations test chatwoot --challenge the-verify-token
/// Example: hookshelf destinations test chatwoot --send message
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Test {
    /// Name of the destination.
    name: String,
    /// Send Meta's challenge with this verify token.
    #[arg(long, value_name = "TOKEN")]
    challenge: Option<String>,
    /// Send a simulated event of this kind.
    #[arg(long, value_name = "KIND", value_parser = filters::kind())]
    send: Option<Kind>,
}

impl Test {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        let config = config::load(sources)?;
        let (name, destination) = find(&config, &self.name)?;
        let mut tested = Tested {
            client: Client::new().context("cannot make an HTTPS client")?,
            destination,
            output: Output::new(),
            failed: false,
        };
        tested.addresses().await?;
        tested.connection().await?;
        if let Some(token) = &self.challenge {
            tested.challenge(token).await?;
        }
        if let Some(kind) = self.send {
            let request = simulated::request(&config, (name, destination), kind)?;
            tested.send(kind, request).await?;
        }
        tested.output.finish()?;
        Ok(ExitCode::from(u8::from(tested.failed)))
    }
}

/// A destination under test.
struct Tested<'c> {
    client: Client,
    destination: &'c Destination,
    output: Output,
    failed: bool,
}

impl Tested<'_> {
    fn tell(&mut self, name: &str, result: &Result<String, String>) -> anyhow::Result<()> {
        self.failed |= result.is_err();
        match result {
            Ok(found) => self.output.field(name, found),
            Err(problem) => self.output.field(name, &format!("FAILED: {problem}")),
        }
    }

    /// Addresses of the host, with those that are outside of the reach.
    async fn addresses(&mut self) -> anyhow::Result<()> {
        let url = self.destination.url.url();
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']).to_owned();
        let looked = timeout(LOOKUP, lookup_host((host.as_str(), 0))).await;
        let result = match looked {
            Err(_) => Err(format!("no answer of a name server for {host}")),
            Ok(Err(error)) => Err(format!("{host}: {error}")),
            Ok(Ok(found)) => {
                let reach = self.destination.url.reach();
                let judged = found.map(|found| match reach.check(found.ip()) {
                    Ok(()) => (true, found.ip().to_string()),
                    Err(reason) => (false, format!("{} (not used: {reason})", found.ip())),
                });
                let judged: Vec<_> = judged.collect();
                let texts: Vec<_> = judged.iter().map(|(_, text)| text.as_str()).collect();
                let is_reached = judged.iter().any(|(is_allowed, _)| *is_allowed);
                let text = format!("{host}: {}", texts.join(", "));
                if is_reached { Ok(text) } else { Err(text) }
            }
        };
        self.tell("addresses", &result)
    }

    /// Connection, answer to HEAD and certificate.
    async fn connection(&mut self) -> anyhow::Result<()> {
        let looked = self.look(&[]).await;
        let answer = looked.as_ref().map(|look| {
            let status = look.status;
            format!("connected; HEAD is answered with {status}, which any receiver may refuse")
        });
        self.tell("connection", &answer.map_err(Clone::clone))?;
        let certificate = looked.ok().and_then(|look| look.certificate);
        let dates = certificate.as_deref().and_then(doctor::certificate_dates);
        match dates {
            Some([from, until]) => {
                let found = format!("valid from {from:.0} until {until:.0}");
                self.tell("certificate", &Ok(found))
            }
            None => Ok(()),
        }
    }

    async fn challenge(&mut self, token: &str) -> anyhow::Result<()> {
        let text = getrandom::u64().context("cannot get a random number")?;
        let text = text.to_string();
        let query = [
            ("hub.mode", "subscribe"),
            ("hub.challenge", &text),
            ("hub.verify_token", token),
        ];
        let result = match self.look(&query).await {
            Ok(look) if look.status == 200 && look.body == text.as_bytes() => {
                Ok("answered with the challenge".to_owned())
            }
            Ok(look) if look.status == 200 => Err("answered 200 without the challenge".to_owned()),
            Ok(look) => Err(format!("answered {}", look.status)),
            Err(problem) => Err(problem),
        };
        self.tell("challenge", &result)
    }

    async fn send(&mut self, kind: Kind, request: Request) -> anyhow::Result<()> {
        let (url, timeout) = (&self.destination.url, self.destination.timeout);
        let Request { headers, body } = request;
        let attempt = self.client.send(url, headers, body, timeout).await;
        let (code, millis) = (attempt.code(), attempt.millis);
        let result = match attempt.answer() {
            Some(status) if status.is_success() => Ok(format!(
                "{} answered with {code} in {millis} ms",
                kind.as_str()
            )),
            _ => Err(format!("{code} after {millis} ms")),
        };
        self.tell("send", &result)
    }

    async fn look(&self, query: &[(&str, &str)]) -> Result<Look, String> {
        let (url, timeout) = (&self.destination.url, self.destination.timeout);
        self.client.look(url, query, timeout).await
    }
}
