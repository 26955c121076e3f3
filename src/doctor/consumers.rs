//! Consumer check: lag, pauses, waiting lanes and dead letters of consumers and destinations, and
//! an old transaction, which slows their writes.

use std::time::Duration;

use super::finding::{Check, Finding};
use crate::{
    amounts::{count, span},
    config::{Config, Name},
    store::{
        Connection, Error,
        consumers::{self, ConsumerStatus, Unmatched},
        horizon::{self, Holder},
    },
    telemetry::metrics::{CONSUMER_BLOCKED, DESTINATION_DOWN},
};

/// Age of an unsettled event from which a consumer is behind.
const BEHIND: Duration = Duration::from_mins(5);

/// Age from which a transaction is reported.
const OLD: Duration = Duration::from_mins(5);

/// Number of transactions from which a holder without a time is reported.
const MANY: i64 = 100_000;

pub(super) async fn check(conn: &mut Connection, config: &Config) -> Result<Vec<Finding>, Error> {
    let stored = consumers::list(conn).await?;
    let names = config.consumers.keys().chain(config.destinations.keys());
    let names: Vec<_> = names.map(Name::as_str).collect();
    if stored.is_empty() && names.is_empty() {
        return Ok(vec![Finding::ok(Check::Consumers, "none is configured")]);
    }
    let mut found: Vec<_> = stored.iter().flat_map(|it| judge(it, &names)).collect();
    let is_stored = |name: &&&str| stored.iter().any(|it| it.name == **name);
    let new = names.iter().filter(|name| !is_stored(name));
    found.extend(new.map(|name| not_begun(name)));
    let consumers = config.consumers.iter().map(|(name, it)| (name, &it.filter));
    let destinations = config.destinations.iter();
    let destinations = destinations.map(|(name, it)| (name, &it.filter));
    for (name, filter) in consumers.chain(destinations) {
        let unmatched = consumers::unmatched(conn, filter).await?;
        found.extend(unmatched.iter().map(|it| not_known(name, it)));
    }
    found.extend(
        horizon::oldest(conn)
            .await?
            .and_then(|holder| held(&holder)),
    );
    if found.is_empty() {
        let number = count(stored.len() as u64, "consumer", "consumers");
        let said = format!("{number}: none is behind, paused or with dead letters");
        found.push(Finding::ok(Check::Consumers, said));
    }
    Ok(found)
}

/// Findings for a consumer with a place in the log.
fn judge(status: &ConsumerStatus, configured: &[&str]) -> Vec<Finding> {
    let name = &*status.name;
    if !configured.contains(&name) {
        return vec![forgotten(name)];
    }
    let state = match &status.progress.paused {
        Some(reason) => Some(paused(name, reason)),
        None if status.owner.is_none() => Some(not_run(name)),
        None => behind(status),
    };
    state.into_iter().chain(dead(status)).collect()
}

fn warning(found: String) -> Finding {
    Finding::warning(Check::Consumers, found)
}

fn forgotten(name: &str) -> Finding {
    warning(format!(
        "{name} has a place in the log and is not configured"
    ))
    .means("its events are not delivered, and its dead letters stay")
    .remedy(format!(
        "add it to the configuration again, or run `hookshelf consumers remove {name} --yes`"
    ))
}

fn not_begun(name: &str) -> Finding {
    warning(format!(
        "{name} is configured and has no place in the log yet"
    ))
    .means("its events are not delivered")
    .remedy("start the server, or run `hookshelf reload`")
}

fn not_known(name: &Name, unmatched: &Unmatched) -> Finding {
    let Unmatched { key, value, .. } = unmatched;
    let near = unmatched.nearest.as_ref();
    let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    warning(format!("{key} of {name}: {value} is not known yet{near}"))
        .means("the filter chooses no event by it")
        .remedy(if *key == "accounts" {
            "correct it, or wait for its first delivery; see `hookshelf accounts list`"
        } else {
            "correct it, or set it with `hookshelf accounts label ACCOUNT --client NAME`"
        })
}

fn not_run(name: &str) -> Finding {
    warning(format!("no server delivers the events of {name}"))
        .means("its events wait in the log")
        .remedy("start the server; see its log")
}

fn paused(name: &str, reason: &str) -> Finding {
    let means = match reason {
        "clock" => "a clock jumped: with a wrong clock `max_age` would skip all events",
        "gone" => "the destination answered 410: it wants no more events",
        _ => "its events wait in the log",
    };
    let remedy = match reason {
        "clock" => "correct the clocks of the server and of Postgres, then run",
        "gone" => "correct its URL, then run",
        _ => "run",
    };
    warning(format!("{name} is paused, with the reason {reason}"))
        .means(means)
        .remedy(format!("{remedy} `hookshelf consumers resume {name}`"))
}

fn behind(status: &ConsumerStatus) -> Option<Finding> {
    let age = status.oldest.filter(|age| *age >= BEHIND)?;
    let name = &status.name;
    let age = span(age.as_secs());
    let found = format!(
        "{name} is behind: its oldest unsettled event is {age} old, {} to the end of the log",
        count(status.lag.unsigned_abs(), "position", "positions")
    );
    Some(if status.waiting > 0 {
        let codes = status
            .codes
            .iter()
            .map(|(code, lanes)| format!("{code}: {lanes}"));
        let codes = codes.collect::<Vec<_>>().join(", ");
        let lanes = count(status.waiting.unsigned_abs(), "lane waits", "lanes wait");
        warning(format!("{found}; {lanes} ({codes})"))
            .means("attempts fail; events of the waiting lanes are late")
            .remedy(format!("see `hookshelf consumers show {name}`"))
    } else {
        warning(found)
            .means("nobody takes its events, or not fast enough")
            .remedy("start its workers, or start more of them")
    })
}

fn dead(status: &ConsumerStatus) -> Option<Finding> {
    let name = &status.name;
    let letters = count(
        status.dead_letters.unsigned_abs(),
        "dead letter",
        "dead letters",
    );
    (status.dead_letters > 0).then(|| {
        warning(format!("{name} has {letters}"))
            .means("the events were given up after failed attempts")
            .remedy(format!(
                "see `hookshelf consumers dead list {name}`, then retry or discard them"
            ))
    })
}

/// Finding for a transaction that has been open for long.
fn held(holder: &Holder) -> Option<Finding> {
    let who = match holder.kind.code() {
        "session" => "a session holds a transaction open",
        "prepared" => "a prepared transaction is open",
        "slot" => "a replication slot holds back vacuum",
        _ => "a standby with hot_standby_feedback holds back vacuum",
    };
    let length = match holder.age {
        Some(age) if age >= OLD => format!("for {}", span(age.as_secs())),
        None if holder.transactions >= MANY => format!("by {} transactions", holder.transactions),
        _ => return None,
    };
    Some(
        warning(format!("{who} {length}"))
            .means("Postgres cannot remove old rows; writes of consumers become slower")
            .remedy("end it; see pg_stat_activity, pg_prepared_xacts and pg_replication_slots"),
    )
}

/// Findings for consumers that the running server holds back, in its metrics.
pub(super) fn blocked(metrics: &str) -> Vec<Finding> {
    let names = raised(metrics, CONSUMER_BLOCKED.name, "{consumer=\"");
    names.map(too_many).collect()
}

/// Findings for destinations whose breaker is open, in the metrics of the running server.
pub(super) fn down(metrics: &str) -> Vec<Finding> {
    let names = raised(metrics, DESTINATION_DOWN.name, "{destination=\"");
    names.map(not_reached).collect()
}

/// Names of the series of a gauge that are 1. `label` is the text before the name.
fn raised<'m>(
    metrics: &'m str,
    gauge: &'static str,
    label: &'static str,
) -> impl Iterator<Item = &'m str> {
    metrics.lines().filter_map(move |line| {
        let labels = line.strip_prefix(gauge)?;
        labels.strip_prefix(label)?.strip_suffix("\"} 1")
    })
}

fn not_reached(name: &str) -> Finding {
    warning(format!("{name} is down: the server only probes it"))
        .means("its events wait in the log; no attempt counts meanwhile")
        .remedy(format!(
            "correct the receiver; see `hookshelf destinations attempts {name}` and `hookshelf \
             destinations test {name}`"
        ))
}

fn too_many(name: &str) -> Finding {
    warning(format!(
        "too many lanes of {name} wait: no further lane is started"
    ))
    .means("events of other persons are late, although nothing is wrong with them")
    .remedy(format!(
        "see the codes in `hookshelf consumers show {name}`; remove the cause"
    ))
}

#[cfg(test)]
mod tests {
    use crate::store::horizon::HolderKind;

    use super::*;

    #[test]
    fn only_an_old_transaction_is_told() {
        let found = |kind, minutes: Option<u64>, transactions| {
            let age = minutes.map(Duration::from_mins);
            let holder = Holder {
                kind,
                age,
                transactions,
            };
            held(&holder).map(|finding| finding.found)
        };
        let session = found(HolderKind::Session, Some(12), 1).unwrap();
        assert_eq!(session, "a session holds a transaction open for 12 min 0 s");
        assert_eq!(found(HolderKind::Prepared, Some(4), MANY), None);
        let slot = found(HolderKind::Slot, None, MANY).unwrap();
        assert_eq!(
            slot,
            "a replication slot holds back vacuum by 100000 transactions"
        );
        assert_eq!(found(HolderKind::Standby, None, MANY - 1), None);
    }

    #[test]
    fn blocked_consumers_are_found_in_the_metrics() {
        let name = CONSUMER_BLOCKED.name;
        let metrics = format!(
            "# TYPE {name} gauge\n{name}{{consumer=\"bot\"}} 1\n{name}{{consumer=\"other\"}} 0\n"
        );
        let found = blocked(&metrics);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].found.contains("too many lanes of bot wait"),
            "{found:?}"
        );
        assert!(blocked("").is_empty());
    }

    #[test]
    fn destinations_that_are_down_are_found_in_the_metrics() {
        let name = DESTINATION_DOWN.name;
        let metrics = format!("{name}{{destination=\"crm\"}} 1\n{name}{{destination=\"n8n\"}} 0\n");
        let found = down(&metrics);
        assert_eq!(found.len(), 1);
        assert!(found[0].found.contains("crm is down"), "{found:?}");
    }
}
