//! Callback check: judges the server's record of Meta's requests to each app.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Check, Finding, of_app};
use crate::{
    config::{App, NamedSecret},
    meta::signature::fingerprint,
    store::{
        Connection, Error,
        callbacks::{self, Seen, What, last},
        health,
    },
};

/// An account that anybody writes to is not silent for longer.
const SILENT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Meta sends what was signed before a rotation for 36 hours at most.
const RETRIED: SignedDuration = SignedDuration::from_hours(36);

/// Period for counting refused signatures.
const LATELY: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn check(
    conn: &mut Connection,
    apps: &[App],
    now: Timestamp,
) -> Result<Vec<Finding>, Error> {
    let seen = callbacks::all(conn).await?;
    let lately = now.checked_sub(LATELY).unwrap_or(now);
    let mut findings = Vec::new();
    for app in apps {
        let name = app.name.as_str();
        let mismatches = health::mismatches(conn, name, lately).await?;
        let history = History {
            app,
            seen: &seen,
            now,
        };
        findings.extend(of_app(app, history.judge(mismatches)));
    }
    if apps.is_empty() {
        let why = "there is no app yet";
        findings.push(Finding::unchecked(Check::Callback, why));
    }
    Ok(findings)
}

/// Recorded requests of an app.
struct History<'a> {
    app: &'a App,
    seen: &'a [Seen],
    now: Timestamp,
}

impl History<'_> {
    fn judge(&self, mismatches: i64) -> Vec<Finding> {
        let mut found = vec![self.challenge(), self.delivery()];
        found.extend(self.refused_challenge());
        found.extend((mismatches > 0).then(|| self.mismatched(mismatches)));
        found.extend(self.unused_instagram());
        found.extend(self.previous());
        found
    }

    fn last(&self, what: What) -> Option<&Seen> {
        last(self.seen, self.app.name.as_str(), what)
    }

    /// When a live or test delivery was last signed with this very secret.
    fn last_with(&self, named: &NamedSecret) -> Option<Timestamp> {
        let print = fingerprint(&named.secret);
        let is_signed = |seen: &&Seen| {
            seen.app == self.app.name.as_str()
                && seen.what == What::Delivery
                && seen.fingerprint == print
        };
        let signed = self.seen.iter().filter(is_signed);
        signed.map(|seen| seen.last_at).max()
    }

    fn challenge(&self) -> Finding {
        match self.last(What::ChallengeAnswered) {
            Some(seen) => {
                let found = format!("a challenge was last answered {:.0}", seen.last_at);
                Finding::ok(Check::Callback, found)
            }
            None => Finding::warning(Check::Callback, "no challenge was ever answered")
                .means("Meta has not verified this callback URL since this database was created")
                .remedy("enter callback URL and verify token in the App Dashboard and save"),
        }
    }

    fn refused_challenge(&self) -> Option<Finding> {
        let refused = self.last(What::ChallengeRefused)?;
        let answered = self.last(What::ChallengeAnswered);
        let is_later = answered.is_none_or(|answered| answered.last_at < refused.last_at);
        let at = refused.last_at;
        is_later.then(|| {
            let found = format!("a challenge with another verify token was refused {at:.0}");
            Finding::warning(Check::Callback, found)
                .means("Meta may have another verify token than this app, or a stranger guessed")
                .remedy("enter the verify token of this app in the App Dashboard and save again")
        })
    }

    fn delivery(&self) -> Finding {
        let simulated = self.last(What::Simulated).map_or_else(String::new, |seen| {
            format!("; a simulated one {:.0}", seen.last_at)
        });
        let why = "Meta sends nothing here: the app is not Live, a subscription is missing or \
                   was ended, or another callback URL is registered";
        let how = "check in the App Dashboard the app's mode, its fields and callback URL, and \
            that each account is subscribed";
        let found = match self.last(What::Delivery) {
            None => format!("no delivery verified yet{simulated}"),
            Some(Seen {
                last_at, secret, ..
            }) => {
                let found = format!(
                    "a live or test delivery was last verified {last_at:.0}, signed with the secret \
                     {secret}{simulated}"
                );
                if self.now.duration_since(*last_at) <= SILENT {
                    return Finding::ok(Check::Callback, found);
                }
                found
            }
        };
        Finding::warning(Check::Callback, found)
            .means(why)
            .remedy(how)
    }

    /// Anybody can send one, so that it is no more than a warning.
    fn mismatched(&self, count: i64) -> Finding {
        let has = |name| self.app.secrets.iter().any(|secret| secret.name == name);
        let remedy = match (has("app"), has("instagram")) {
            (true, false) => {
                "set instagram_app_secret, which signs deliveries of Instagram login, and compare \
                 app_secret with App settings > Basic"
            }
            (false, true) => {
                "set app_secret, which signs deliveries of Facebook login, and compare \
                 instagram_app_secret with Instagram > API setup with Instagram login"
            }
            _ => {
                "compare app_secret with App settings > Basic and instagram_app_secret with \
                 Instagram > API setup with Instagram login"
            }
        };
        let found = format!("deliveries with an invalid signature in the last hour: {count}");
        Finding::warning(Check::Callback, found)
            .means(
                "if they were Meta's, a secret is wrong or missing; `hookshelf rejections list` \
                 shows their networks",
            )
            .remedy(remedy)
    }

    /// Both are configured and only the other one is ever used.
    fn unused_instagram(&self) -> Option<Finding> {
        let secret = |name| self.app.secrets.iter().find(|it| it.name == name);
        let (app, instagram) = (secret("app")?, secret("instagram")?);
        let is_unused = self.last_with(app).is_some() && self.last_with(instagram).is_none();
        is_unused.then(|| {
            let found = "deliveries were signed with the secret app only, never with instagram";
            Finding::warning(Check::Callback, found)
                .means("nothing came through Instagram login yet, or not with this secret")
                .remedy(
                    "nothing, if this app uses Facebook login only; else compare \
                     instagram_app_secret with Instagram > API setup with Instagram login",
                )
        })
    }

    /// Old secrets, each with what it is still good for.
    fn previous(&self) -> Vec<Finding> {
        let is_old = |named: &&NamedSecret| named.name.starts_with("previous-");
        let current = self.app.secrets.iter().filter(|named| !is_old(named));
        let Some(latest) = current.filter_map(|named| self.last_with(named)).max() else {
            return Vec::new();
        };
        let old = self.app.secrets.iter().filter(is_old);
        old.filter_map(|named| {
            let name = &named.name;
            let Some(at) = self.last_with(named) else {
                let found = format!("{name} has signed no recorded delivery");
                return Some(Finding::ok(Check::Callback, found));
            };
            // What Meta still tries again was signed before the new secret took over.
            let is_over = latest.duration_since(at) > RETRIED;
            is_over.then(|| {
                let found = format!("{name} signed its last delivery {at:.0} and can be removed");
                Finding::ok(Check::Callback, found)
            })
        })
        .collect()
    }
}
