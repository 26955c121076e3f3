//! The public URL as Meta would use it: its name, its certificate, and what answers behind it.
//!
//! Seen from this machine only. A name server or a firewall may show Meta something else, so that
//! the only proof is that Meta came, which is the check `callback`.

use std::time::Duration;

use reqwest::{Client, Response, redirect, tls::TlsInfo};
use tokio::task::JoinSet;
use url::Url;

use super::{
    address,
    certificate::{self, Certificate},
    challenge, clock as clocks,
    finding::{Check, Finding},
};
use crate::{
    causes,
    clock::Clock,
    config::{App, PublicUrl},
};

/// Meta waits 5 seconds; one more shows by how much an answer is late.
const DEADLINE: Duration = Duration::from_secs(6);

/// Checks that need the host name to resolve.
const BEHIND: [Check; 3] = [Check::Certificate, Check::Redirect, Check::Challenge];

/// Makes every check that needs the public URL.
pub(super) async fn check(url: Option<&PublicUrl>, apps: &[App], clock: &Clock) -> Vec<Finding> {
    let Some(url) = url else {
        let unset = "http.public_url is not set";
        return Finding::warning(Check::PublicUrl, unset)
            .means("the callback URLs are unknown, and the view of Meta cannot be checked")
            .remedy("set http.public_url to the https URL under which Meta reaches this server")
            .before(&BEHIND, unset);
    };
    let mut findings = match Url::parse(&url.to_string()) {
        Ok(url) => match address::resolve(&url).await {
            Ok(finding) => vec![finding],
            Err(finding) => return finding.before(&BEHIND, "the name does not resolve"),
        },
        Err(error) => return vec![Finding::unchecked(Check::PublicUrl, error.to_string())],
    };
    match client(false) {
        Ok(client) => findings.extend(behind(&client, url, apps, clock).await),
        Err(error) => {
            let cause = causes::below(&error);
            let why = format!(
                "the authorities of this machine cannot be read ({cause}): install ca-certificates"
            );
            findings.extend(BEHIND.map(|check| Finding::unchecked(check, why.as_str())));
        }
    }
    findings
}

/// A client that follows no redirect: whether Meta follows one is not documented.
fn client(lenient: bool) -> reqwest::Result<Client> {
    Client::builder()
        .timeout(DEADLINE)
        .redirect(redirect::Policy::none())
        .user_agent(concat!("hookshelf-doctor/", env!("CARGO_PKG_VERSION")))
        .tls_info(true)
        .pool_max_idle_per_host(0)
        .tls_danger_accept_invalid_certs(lenient)
        .build()
}

/// Checks the certificate and the clock once, then each callback URL.
async fn behind(client: &Client, url: &PublicUrl, apps: &[App], clock: &Clock) -> Vec<Finding> {
    let asked = clock.now();
    let answer = match client.get(url.join("/healthz")).send().await {
        Ok(answer) => answer,
        Err(error) => return no_answer(url, &error, clock).await,
    };
    let mut findings = vec![certificate::accepted(leaf(&answer), clock.now())];
    findings.extend(compare_clocks(&answer, [asked, clock.now()]));
    if apps.is_empty() {
        let callback = [Check::Redirect, Check::Challenge];
        findings.extend(callback.map(|check| Finding::unchecked(check, "there is no app yet")));
    }
    let mut asking = JoinSet::new();
    for app in apps {
        let (client, url, app) = (client.clone(), url.join(&app.path()), app.clone());
        asking.spawn(async move { challenge::check(&client, &url, &app).await });
    }
    let mut answers: Vec<_> = asking.join_all().await.into_iter().flatten().collect();
    answers.sort_by(|one, other| one.app.cmp(&other.app));
    findings.extend(answers);
    findings
}

fn leaf(answer: &Response) -> Option<Certificate> {
    let info = answer.extensions().get::<TlsInfo>()?;
    Certificate::read(info.peer_certificate()?)
}

fn compare_clocks(answer: &Response, times: [jiff::Timestamp; 2]) -> Option<Finding> {
    let date = answer.headers().get("date")?.to_str().ok()?;
    let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
    let whose = "the server at the public URL";
    Some(clocks::compare(whose, theirs, times))
}

/// Why nothing answered. A certificate that is refused is fetched once more, to say why; nothing
/// secret is sent there.
async fn no_answer(url: &PublicUrl, error: &reqwest::Error, clock: &Clock) -> Vec<Finding> {
    let said = causes::below(error);
    if said.contains("alert") {
        return ended(url, &said).before(&BEHIND[1..], "the handshake was ended");
    }
    if said.contains("certificate") {
        let leaf = match client(true) {
            Ok(client) => client.get(url.join("/healthz")).send().await.ok(),
            Err(_) => None,
        };
        let certificate = leaf.and_then(|answer| self::leaf(&answer));
        let finding = certificate::refused(certificate, &said, clock.now());
        let why = "the verify token is not sent, because the certificate is not valid";
        return finding.before(&BEHIND[1..], why);
    }
    let finding = if error.is_timeout() {
        let found = format!("{url} does not answer within {} s", DEADLINE.as_secs());
        Finding::wrong(Check::PublicUrl, found)
            .remedy("check the firewall and the program that listens there")
    } else if error.is_connect() && !said.contains("refused") && !said.contains("unreachable") {
        Finding::wrong(
            Check::Certificate,
            format!("{url} does not speak TLS: {said}"),
        )
        .remedy("let the proxy before this server speak https there")
    } else {
        Finding::wrong(
            Check::PublicUrl,
            format!("failed to connect to {url}: {said}"),
        )
        .remedy("start the proxy or tunnel before this server")
    };
    let others: Vec<_> = BEHIND
        .into_iter()
        .filter(|it| *it != finding.check)
        .collect();
    let finding = finding.means("deliveries do not arrive");
    finding.before(&others, "nothing answers at the public URL")
}

/// The other side ended the handshake. It may want the client certificate that only Meta has.
fn ended(url: &PublicUrl, said: &str) -> Finding {
    let found = format!("{url} ends the TLS handshake: {said}");
    Finding::warning(Check::Certificate, found)
        .means("if it requires Meta's client certificate, it cannot be checked from here")
        .remedy("if it does not, check the TLS settings of the proxy before this server")
}
