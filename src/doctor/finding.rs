//! What a check found, in words for the person who has to mend it.

use serde::Serialize;

/// The checks in the order in which they are best read, by the names that scripts and the
/// documentation know them by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The configuration is understood.
    Configuration,
    /// Secrets and verify tokens look like what they should be.
    Secrets,
    /// Nobody else can read the files that hold them.
    Files,
    /// Postgres answers and can hold every text.
    Database,
    /// A commit survives a power cut.
    Durability,
    /// There is room for connections, and the writer's session can be opened.
    Sessions,
    /// The migrations are those of this program.
    Schema,
    /// The partitions of the next days are there.
    Partitions,
    /// There is space left.
    Disk,
    /// Deliveries have a place while the database is away.
    Spool,
    /// The clocks agree.
    Clock,
    /// The server of this machine runs and is ready.
    Server,
    /// Meta came: with its challenge and with deliveries.
    Callback,
    /// No refused delivery waits to be stored after all.
    Rejections,
    /// The public URL leads somewhere.
    PublicUrl,
    /// Its certificate is one that Meta accepts.
    Certificate,
    /// Its callback URL does not lead elsewhere.
    Redirect,
    /// Its callback URL answers a challenge as Meta wants it.
    Challenge,
}

impl Check {
    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::Configuration,
        Self::Secrets,
        Self::Files,
        Self::Database,
        Self::Durability,
        Self::Sessions,
        Self::Schema,
        Self::Partitions,
        Self::Disk,
        Self::Spool,
        Self::Clock,
        Self::Server,
        Self::Callback,
        Self::Rejections,
        Self::PublicUrl,
        Self::Certificate,
        Self::Redirect,
        Self::Challenge,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Secrets => "secrets",
            Self::Files => "files",
            Self::Database => "database",
            Self::Durability => "durability",
            Self::Sessions => "sessions",
            Self::Schema => "schema",
            Self::Partitions => "partitions",
            Self::Disk => "disk",
            Self::Spool => "spool",
            Self::Clock => "clock",
            Self::Server => "server",
            Self::Callback => "callback",
            Self::Rejections => "rejections",
            Self::PublicUrl => "public_url",
            Self::Certificate => "certificate",
            Self::Redirect => "redirect",
            Self::Challenge => "challenge",
        }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// Deliveries are lost or refused, or will be.
    Wrong,
    /// It could not be looked at.
    Unchecked,
}

impl Verdict {
    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Wrong => "wrong",
            Self::Unchecked => "unchecked",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// By which check.
    pub check: Check,
    /// The app that it is about, if it is about one.
    pub app: Option<String>,
    /// How it stands.
    pub verdict: Verdict,
    /// What was found; never a secret.
    pub found: String,
    /// What follows from it.
    pub means: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: Check, found: impl Into<String>) -> Self {
        Self {
            check,
            app: None,
            verdict: Verdict::Ok,
            found: found.into(),
            means: None,
            remedy: None,
        }
    }

    /// What could not be looked at, and why.
    pub(super) fn unchecked(check: Check, why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Unchecked,
            ..Self::ok(check, why)
        }
    }

    pub(super) fn warning(check: Check, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            ..Self::ok(check, found)
        }
    }

    pub(super) fn wrong(check: Check, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Wrong,
            ..Self::ok(check, found)
        }
    }

    /// Adds what follows from it.
    pub(super) fn means(self, means: impl Into<String>) -> Self {
        Self {
            means: Some(means.into()),
            ..self
        }
    }

    /// Adds what to do.
    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// Says which app it is about.
    pub(super) fn of(self, app: &str) -> Self {
        Self {
            app: Some(app.to_owned()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_json() {
        for check in Check::ALL {
            let written = serde_json::to_string(&check).unwrap();
            assert_eq!(written, format!("{:?}", check.name()));
        }
        let verdicts = [
            Verdict::Ok,
            Verdict::Warning,
            Verdict::Wrong,
            Verdict::Unchecked,
        ];
        for verdict in verdicts {
            let written = serde_json::to_string(&verdict).unwrap();
            assert_eq!(written, format!("{:?}", verdict.name()));
        }
    }
}
