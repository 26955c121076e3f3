//! The callback URL of one app, asked as Meta asks: no redirect, and its own challenge back.

use std::time::{Duration, Instant};

use form_urlencoded::Serializer;
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::finding::{Check, Finding, of_app};
use crate::{causes, config::App, meta::signature::sign_checked};

/// The header that says that a challenge is ours.
const MARK: &str = "X-Hookshelf-Doctor";

/// Meta gives up after this.
const LATE: Duration = Duration::from_secs(5);

/// Meta is still content; an operator should not be.
const SLOW: Duration = Duration::from_secs(1);

/// Looks at the callback URL `url` of `app`.
pub(super) async fn check(client: &Client, url: &str, app: &App) -> Vec<Finding> {
    let visit = Visit { client, url, app };
    of_app(app, visit.make().await)
}

struct Visit<'a> {
    client: &'a Client,
    url: &'a str,
    app: &'a App,
}

impl Visit<'_> {
    async fn make(&self) -> Vec<Finding> {
        let bare = match self.ask("").await {
            Ok(answer) => answer,
            Err(error) => return vec![self.silent(&error)],
        };
        if bare.status().is_redirection() {
            let redirected = self.redirected(&bare);
            return redirected.before(&[Check::Challenge], "a redirect is in the way");
        }
        let found = format!("{} does not redirect", self.url);
        let straight = Finding::ok(Check::Redirect, found);
        let challenge = match &self.app.verify_token {
            Some(token) => self.challenge(token).await,
            None => Finding::unchecked(Check::Challenge, "the app has no verify token to ask with"),
        };
        vec![straight, challenge]
    }

    /// A question with this query, marked as ours.
    async fn ask(&self, query: &str) -> reqwest::Result<Response> {
        let joint = if query.is_empty() { "" } else { "?" };
        let mut request = self.client.get(format!("{}{joint}{query}", self.url));
        // The running server may not have read the newest secret yet.
        for named in &self.app.secrets {
            request = request.header(MARK, sign_checked(&named.secret, query));
        }
        request.send().await
    }

    fn silent(&self, error: &reqwest::Error) -> Finding {
        let found = format!("{} does not answer: {}", self.url, causes::below(error));
        Finding::wrong(Check::Challenge, found)
            .means("Meta cannot register it, and deliveries do not arrive")
            .remedy("check the proxy before this server, and the check `server`")
    }

    /// Reports the redirect target, without the query: a proxy may have put the verify token there.
    fn redirected(&self, answer: &Response) -> Finding {
        let to = answer.headers().get("location");
        let to = to.and_then(|to| to.to_str().ok()).map(|to| {
            let base = Url::parse(self.url).ok();
            let to = base.and_then(|base| base.join(to).ok());
            to.map_or_else(
                || "elsewhere".to_owned(),
                |to| format!("{}{}", to.origin().ascii_serialization(), to.path()),
            )
        });
        let (status, to) = (answer.status().as_u16(), to.as_deref().unwrap_or("nowhere"));
        let found = format!("{} redirects ({status}) to {to}", self.url);
        Finding::wrong(Check::Redirect, found)
            .means(
                "Meta does not document if it follows redirects; each delivery may count as \
                failed",
            )
            .remedy("let the proxy pass this path on, or register the URL that it redirects to")
    }

    /// The right verify token gives the challenge back, a wrong one does not.
    async fn challenge(&self, token: &SecretString) -> Finding {
        let (Ok(text), Ok(other)) = (getrandom::u64(), getrandom::u64()) else {
            return Finding::unchecked(Check::Challenge, "failed to get a random number");
        };
        let text = text.to_string();
        let began = Instant::now();
        let answer = match self.ask(&query(&text, token.expose_secret())).await {
            Ok(answer) => answer,
            Err(error) => return self.silent(&error),
        };
        let status = answer.status().as_u16();
        let body = answer.bytes().await.unwrap_or_default();
        let took = began.elapsed();
        if status != 200 || body != text {
            return self.unanswered(status);
        }
        match self.ask(&query(&text, &format!("not-{other:016x}"))).await {
            Ok(answer) if answer.status() == 403 => answered(self.url, took),
            Ok(answer) => self.indifferent(answer.status().as_u16()),
            Err(error) => self.silent(&error),
        }
    }

    fn unanswered(&self, status: u16) -> Finding {
        let url = self.url;
        let (found, remedy) = match status {
            200 => (
                format!("{url} answers 200 without the challenge"),
                "let the proxy pass this path on to this server; another program answers there",
            ),
            403 => (
                format!("{url} refuses the verify token (403)"),
                "the running server has another one: `hookshelf reload`, or restart it",
            ),
            404 => (
                format!("{url} is not found (404)"),
                "the running server may not know this app yet (`hookshelf reload`), or a proxy \
                 does not pass this path on",
            ),
            502..=504 => (
                format!("the proxy before this server does not reach it ({status})"),
                "start the server, and check that the proxy connects to http.listen",
            ),
            _ => (
                format!("{url} answers a challenge with {status}"),
                "let the proxy pass GET with its query on to this server, without a login",
            ),
        };
        Finding::wrong(Check::Challenge, found)
            .means("Meta cannot register this callback URL, and deliveries may not arrive")
            .remedy(remedy)
    }

    fn indifferent(&self, status: u16) -> Finding {
        let url = self.url;
        let found = format!("{url} answers a wrong verify token with {status}, not with 403");
        Finding::wrong(Check::Challenge, found)
            .means("another program answers there: it accepts any verify token")
            .remedy("let the proxy pass this path on to this server")
    }
}

/// An answer as it should be, but for the time that it took.
fn answered(url: &str, took: Duration) -> Finding {
    let millis = took.as_millis();
    let found = format!("{url} answers its own challenge in {millis} ms");
    if took < SLOW {
        return Finding::ok(Check::Challenge, found);
    }
    let finding = if took < LATE {
        Finding::warning(Check::Challenge, found)
            .means("Meta waits 5 s, and a delivery takes longer than a challenge")
    } else {
        Finding::wrong(Check::Challenge, found)
            .means("Meta waits 5 s and then counts the delivery as failed")
    };
    finding.remedy("check the network path and the load of the machine")
}

fn query(challenge: &str, token: &str) -> String {
    Serializer::new(String::new())
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.challenge", challenge)
        .append_pair("hub.verify_token", token)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_slow_answer_warns_and_a_late_one_is_wrong() {
        for (millis, verdict) in [
            (12, Verdict::Ok),
            (1_000, Verdict::Warning),
            (5_000, Verdict::Wrong),
        ] {
            let took = Duration::from_millis(millis);
            let finding = answered("https://hooks.example.org/webhook", took);
            assert_eq!(finding.verdict, verdict, "{millis}");
        }
    }

    #[test]
    fn a_token_of_any_text_fits_into_a_query() {
        assert_eq!(
            query("5", "a&b=c d"),
            "hub.mode=subscribe&hub.challenge=5&hub.verify_token=a%26b%3Dc+d"
        );
    }
}
