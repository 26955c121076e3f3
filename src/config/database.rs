//! `[database]`: the Postgres server that is used, or what the private one is started with.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::print::{Printer, REDACTED};
use super::reader::Reader;
use super::sources::Sources;
use crate::amounts::exact_size;

/// The variable that many tools share; `database.url` goes before it.
const SHARED_VARIABLE: &str = "DATABASE_URL";

/// More than that is a mistake: no delivery would ever reach Postgres.
const MOST_FREE: u64 = 16 << 40;

/// Location and options of the database.
#[derive(Debug, Clone)]
pub struct Database {
    /// A server that others run; without one a private Postgres is started in `data_dir`.
    pub url: Option<DatabaseUrl>,
    /// Directory of the private Postgres's binaries; searched for if unset.
    pub bin_dir: Option<PathBuf>,
    /// The account that the private Postgres runs as when started as root.
    pub run_as: Option<String>,
    /// With less of its disk free, deliveries go to the spool; 0 never looks. The private Postgres
    /// alone: the disk of another server cannot be seen.
    pub min_free: u64,
    /// True if Postgres may run with settings that can lose committed transactions.
    pub allow_lossy_commits: bool,
}

impl Database {
    pub(super) fn read(reader: &mut Reader<'_>, sources: &Sources) -> Option<Self> {
        let faults = reader.fault_count();
        let given = reader.secret_text("url").map(|(url, _)| url);
        let given = given.filter(|url| !url.is_empty());
        let unset = given.is_none() && reader.fault_count() == faults;
        let shared = sources.var(SHARED_VARIABLE).filter(|_| unset);
        let (text, key) = match shared {
            Some(text) => (Some(text), SHARED_VARIABLE.to_owned()),
            None => (given.as_deref(), reader.path_of("url")),
        };
        let url = text.and_then(|text| DatabaseUrl::read(text, &key, reader));
        let bin_dir = reader.path("bin_dir");
        let run_as = reader.text("run_as");
        let min_free = reader.size("min_free", 1..=MOST_FREE);
        let allow_lossy_commits = reader.flag("allow_lossy_commits");
        Some(Self {
            url,
            bin_dir,
            run_as,
            min_free: min_free?,
            allow_lossy_commits: allow_lossy_commits?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("database");
        out.optional("url", self.url.as_ref());
        out.optional("bin_dir", self.bin_dir.as_ref().map(|path| path.display()));
        out.optional("run_as", self.run_as.as_deref());
        out.text("min_free", exact_size(self.min_free));
        out.plain("allow_lossy_commits", self.allow_lossy_commits);
    }
}

/// The URL of a Postgres server; shown without its password.
#[derive(Clone)]
pub struct DatabaseUrl {
    whole: SecretString,
    shown: String,
}

impl DatabaseUrl {
    fn read(text: &str, key: &str, reader: &mut Reader<'_>) -> Option<Self> {
        let url = Self::parse(text);
        if url.is_none() {
            // The URL may hold a password and is not shown.
            let allowed = "postgres://user:password@host:port/database, \
                           with / ? # @ in the password written as %2F %3F %23 %40";
            let problem = "is not the URL of a Postgres server";
            reader.note(super::fault::Fault::new(key, problem).allowed(allowed));
        }
        url
    }

    fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let postgres = matches!(url.scheme(), "postgres" | "postgresql");
        // `postgres:host` would be read as a path without a host, whatever follows in it.
        let hierarchical = url.has_authority();
        // A password with a bare / ? or # in it moves itself out of its place: what follows
        // would be taken for the database, and shown.
        let behind_host = [Some(url.path()), url.query()];
        let moved = behind_host.iter().flatten().any(|part| part.contains('@'));
        let in_place = !moved && url.fragment().is_none();
        (postgres && hierarchical && in_place).then(|| Self {
            whole: text.into(),
            shown: redacted(url),
        })
    }

    /// The URL with its password, for whoever connects.
    pub fn expose(&self) -> &str {
        self.whole.expose_secret()
    }
}

/// Without the password, wherever a Postgres URL may carry one.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

fn redacted(mut url: Url) -> String {
    let pairs = url.query_pairs().map(|(key, value)| {
        let secret = key.to_lowercase().contains("pass");
        format!("{key}={}", if secret { REDACTED } else { &*value })
    });
    let query: Vec<_> = pairs.collect();
    if !query.is_empty() {
        url.set_query(Some(&query.join("&")));
    }
    // A URL that cannot hold a password has none to hide.
    if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
        return REDACTED.to_owned();
    }
    url.to_string()
        .replacen(":redacted@", &format!(":{REDACTED}@"), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            (
                "postgres://a:hush@db:5432/hooks",
                "postgres://a:[redacted]@db:5432/hooks",
            ),
            ("postgresql://a@db/hooks", "postgresql://a@db/hooks"),
            (
                "postgres:///hooks?host=/run/postgresql&password=hush",
                "postgres:///hooks?host=/run/postgresql&password=[redacted]",
            ),
        ] {
            let parsed = DatabaseUrl::parse(url).unwrap();
            assert_eq!(parsed.to_string(), shown);
            assert_eq!(parsed.expose(), url);
            assert!(!format!("{parsed:?}").contains("hush"));
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for bad in [
            "postgres://a:12/hush@db/a",
            "postgres://a:12?hush@db/a",
            "postgres://a:12#hush@db/a",
            "mysql://db/a",
            "db:5432",
            "postgres:db",
            "postgres:db:postgres://a:12",
            "postgres:/db?of=postgres://a:12",
            "postgres://a:b/c@db:5432/a",
            "x",
        ] {
            assert!(DatabaseUrl::parse(bad).is_none(), "{bad}");
        }
    }
}
