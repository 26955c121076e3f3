//! Target and secret of `simulate`: the server of this machine by default.

use std::{net::IpAddr, path::PathBuf};

use anyhow::Context;
use clap::Args;
use secrecy::SecretString;
use url::{Host, Url};

use super::super::{filters::wrong_usage, healthcheck, input::read_secret, local};
use crate::{
    config::{self, AppName, Config, Sources},
    simulate::Target,
};

/// Target and its secret.
#[derive(Args, Debug)]
#[command(next_help_heading = "Where to")]
pub(super) struct TargetArgs {
    /// The app whose callback URL and secret are used. Default: the one in the path of --url, else
    /// `default`.
    #[arg(long)]
    app: Option<AppName>,
    /// The callback URL of another server, such as `http://127.0.0.1:8080/webhook`. Default: the
    /// server of this configuration.
    #[arg(long, value_parser = url)]
    url: Option<Url>,
    /// A file that holds the app secret. Default: the secret of this configuration, or the one made
    /// at a first start.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Send to a host of --url that is not this machine. Make sure that the server there is yours.
    #[arg(long)]
    yes: bool,
    /// Leave out the mark of simulated deliveries: they look live, and what removes simulated ones
    /// does not find them.
    #[arg(long)]
    unmarked: bool,
}

/// A URL, or what one looks like.
fn url(text: &str) -> Result<Url, &'static str> {
    let read = text.parse::<Url>().ok().filter(Url::has_host);
    read.ok_or("allowed: a URL such as http://127.0.0.1:8080/webhook")
}

/// Resolved target, with details for a person.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) target: Target,
    /// Part of every dedupe key.
    pub(super) app: AppName,
    /// Description of the secret, in words.
    pub(super) secret: String,
}

impl TargetArgs {
    pub(super) async fn find(&self, sources: &Sources) -> anyhow::Result<Found> {
        let app = self.app.clone().or_else(|| self.app_of_url());
        let app = app.unwrap_or_else(AppName::default_app);
        // With both given, a configuration that may not even be there says nothing more.
        let config = match (&self.url, &self.secret_file) {
            (Some(_), Some(_)) => None,
            _ => Some(config::load(sources)?),
        };
        let (secret, said) = self.secret(config.as_ref(), &app)?;
        let (address, host, path) = match &self.url {
            Some(url) => self.parts(url)?,
            None => at_home(config.as_ref(), &app).await?,
        };
        let target = Target {
            address,
            host,
            path,
            app_secret: secret,
            marked: !self.unmarked,
        };
        Ok(Found {
            target,
            app,
            secret: said,
        })
    }

    /// The app that the path of the callback URL names.
    fn app_of_url(&self) -> Option<AppName> {
        let path = self.url.as_ref()?.path();
        path.strip_prefix("/webhook/")?.parse().ok()
    }

    fn secret(
        &self,
        config: Option<&Config>,
        app: &AppName,
    ) -> anyhow::Result<(SecretString, String)> {
        if let Some(path) = &self.secret_file {
            let said = format!("the secret in {}", path.display());
            return Ok((read_secret(path)?, said));
        }
        let config = config.context("a configuration or a secret is needed")?;
        let found = local::app(config, app.as_str())?;
        let named = found.secrets.first();
        let named = named.with_context(|| format!("the app {app} has no secret"))?;
        let said = if config.apps.is_empty() {
            format!(
                "app_secret in credentials.toml of {}",
                config.data_dir.display()
            )
        } else {
            format!(
                "the secret {} of [apps.{app}] in this configuration",
                named.name
            )
        };
        Ok((named.secret.clone(), said))
    }

    /// Splits the URL into the address to connect to, the `Host` header, and the path.
    fn parts(&self, url: &Url) -> anyhow::Result<Parts> {
        if url.scheme() != "http" {
            return Err(wrong_usage(format!(
                "simulate speaks http only, not {}: name the address of the public listener \
                 behind the proxy that ends TLS",
                url.scheme()
            )));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(wrong_usage(
                "the URL has no host; allowed: one such as http://127.0.0.1:8080/webhook",
            ));
        };
        if !self.yes && !is_this_machine(&host) {
            return Err(wrong_usage(format!(
                "{host} is not this machine, so nothing was sent: if the server there is yours, say \
                 so with --yes"
            )));
        }
        let said = url
            .port()
            .map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        Ok((
            format!("{host}:{port}"),
            said,
            url[url::Position::BeforePath..url::Position::AfterQuery].to_owned(),
        ))
    }
}

/// Address to connect to, the `Host` header, and the path.
type Parts = (String, String, String);

/// The server of this configuration, and no other at its address: that one may store what it is sent.
async fn at_home(config: Option<&Config>, app: &AppName) -> anyhow::Result<Parts> {
    let config = config.context("a server or a URL is needed")?;
    healthcheck::check(config).await?;
    let address = config::reachable(config.http.listen).to_string();
    Ok((address.clone(), address, app.path()))
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(ip) => IpAddr::from(*ip).is_loopback(),
        Host::Ipv6(ip) => IpAddr::from(*ip).is_loopback(),
    }
}
