//! Findings from Postgres: durability, sessions, migrations.

use super::finding::{Check, Finding};
use crate::store::health::{Schema, Settings};

/// Sessions of the server and of verbs beside it: writer, upkeep, readers.
const SESSIONS: i64 = 10;

/// Each setting that takes back what an answer of 200 promises; `allowed` is
/// `database.allow_lossy_commits`.
pub(super) fn durability(settings: &Settings, allowed: bool) -> Vec<Finding> {
    let lossy = settings.lossy().into_iter();
    let mut found: Vec<_> = lossy.map(|name| lossy_setting(name, allowed)).collect();
    found.extend((!settings.takes_writes()).then(|| read_only(settings.in_recovery)));
    if found.is_empty() {
        let said = format!("Postgres {}: commits are durable", settings.version);
        found.push(Finding::ok(Check::Durability, said));
    }
    found
}

fn read_only(standby: bool) -> Finding {
    let (found, remedy) = if standby {
        (
            "this is a standby, which accepts no writes",
            "name the primary in database.url",
        )
    } else {
        (
            "default_transaction_read_only is on",
            "set default_transaction_read_only = off for this database or role",
        )
    };
    Finding::wrong(Check::Durability, found)
        .means("nothing can be stored")
        .remedy(remedy)
}

/// A setting that is off. The configuration may say that this is meant.
fn lossy_setting(name: &str, allowed: bool) -> Finding {
    let found = format!("{name} is off");
    if allowed {
        let means = "a crash or a power cut may lose deliveries that got 200, which \
                     database.allow_lossy_commits allows";
        let remedy = format!("set {name} = on, unless this is intended");
        return Finding::warning(Check::Durability, found)
            .means(means)
            .remedy(remedy);
    }
    let (means, remedy) = match name {
        "synchronous_commit" => (
            "a crash would lose deliveries that got 200; the writer turns it on for its own \
             session, and the server is not ready",
            "set synchronous_commit = on for this server, database or role",
        ),
        "full_page_writes" => (
            "a power cut may leave half-written pages that Postgres cannot repair; the server is \
             not ready",
            "set full_page_writes = on in postgresql.conf",
        ),
        _ => (
            "a power cut loses deliveries that got 200, and Meta does not send them again; the \
             server is not ready",
            "set fsync = on in postgresql.conf",
        ),
    };
    let remedy = format!(
        "{remedy}; or, if this is intended, set database.allow_lossy_commits = \
        true"
    );
    Finding::wrong(Check::Durability, found)
        .means(means)
        .remedy(remedy)
}

/// A session that commits cannot be had.
pub(super) fn refused(why: &str) -> Finding {
    let found = format!("the writer's session cannot be opened: {why}");
    Finding::wrong(Check::Sessions, found)
        .means("nothing can be stored, or slowly: the session needs its own settings")
        .remedy(
            "connect to Postgres itself, or to a pooler in session mode that passes the startup \
             parameter `options` on",
        )
}

/// Judges the number of free sessions.
pub(super) fn room(free: i64) -> Finding {
    let found = format!("{free} more sessions are free; the writer's can be opened");
    if free >= SESSIONS {
        return Finding::ok(Check::Sessions, found);
    }
    Finding::warning(Check::Sessions, found)
        .means("if none is left, the server cannot store")
        .remedy("raise max_connections of Postgres, or end sessions that nobody needs")
}

pub(super) fn schema(schema: Schema) -> Finding {
    match schema {
        Schema::Current(version) => {
            let found = format!("all migrations are applied, up to {version}");
            Finding::ok(Check::Schema, found)
        }
        Schema::Behind(missing) => {
            let numbers: Vec<_> = missing.iter().map(ToString::to_string).collect();
            let missing = numbers.join(", ");
            let found = format!("these migrations are not applied yet: {missing}");
            Finding::warning(Check::Schema, found)
                .means("the server applies them when it starts")
                .remedy("restart the server, or run `hookshelf migrate`")
        }
        Schema::Newer(version) => {
            let found = format!("migration {version} is unknown to this program");
            Finding::wrong(Check::Schema, found)
                .means("a newer Hookshelf migrated this database; this one does not start with it")
                .remedy("run that version or a later one")
        }
        Schema::Changed(version) => {
            let found = format!(
                "migration {version} differs from the one of this program, or was \
                    interrupted"
            );
            Finding::wrong(Check::Schema, found)
                .means("the tables may not be what this program expects; it does not start")
                .remedy("run the version that migrated it, or restore a backup")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn good() -> Settings {
        Settings {
            version: "15.1".to_owned(),
            fsync: "on".to_owned(),
            full_page_writes: "on".to_owned(),
            synchronous_commit: "on".to_owned(),
            default_transaction_read_only: "off".to_owned(),
            in_recovery: false,
        }
    }

    #[test]
    fn whatever_takes_the_promise_back_is_wrong() {
        let judged = |change: fn(&mut Settings), allowed| {
            let mut settings = good();
            change(&mut settings);
            let found = durability(&settings, allowed);
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].verdict
        };
        let cases: [fn(&mut Settings); 5] = [
            |it| it.fsync = "off".to_owned(),
            |it| it.synchronous_commit = "off".to_owned(),
            |it| it.full_page_writes = "off".to_owned(),
            |it| it.default_transaction_read_only = "on".to_owned(),
            |it| it.in_recovery = true,
        ];
        assert_eq!(
            cases.map(|change| judged(change, false)),
            [Verdict::Wrong; 5]
        );
        assert_eq!(judged(cases[0], true), Verdict::Warning);
        let remote = |it: &mut Settings| it.synchronous_commit = "remote_apply".to_owned();
        assert_eq!(
            [judged(|_| (), false), judged(remote, false)],
            [Verdict::Ok; 2]
        );
    }

    #[test]
    fn few_sessions_warn() {
        assert_eq!(room(9).verdict, Verdict::Warning);
        assert_eq!(room(10).verdict, Verdict::Ok);
    }
}
