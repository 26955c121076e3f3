//! Quarantined deliveries that pass with the present secrets; and counts of deliveries that could not
//! be stored, and of requests of Meta's to unknown paths.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::finding::{Check, Finding};
use crate::{
    clock::Clock,
    config::{App, Config},
    meta::{networks::is_private, signature::Secrets},
    quarantine::{Error, Found, Name, QuarantineReader},
    store::{
        self, Connection,
        rejections::{self, FAILURES, Sum, UNKNOWN},
    },
};

/// Span in which requests that were not stored are counted.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// Counts of quarantined deliveries of an app.
#[derive(Clone, Copy, Debug, Default)]
struct AppCounts {
    passing: u64,
    /// From Meta's networks, or through a proxy that does not tell from where.
    maybe_metas: u64,
    from_others: u64,
}

/// Checks the quarantine of each app.
pub(super) fn check(config: &Config, apps: &[App], clock: &Clock) -> Vec<Finding> {
    let quarantine = QuarantineReader::new(&config.data_dir, config.rejections.hold_for);
    match count(&quarantine, apps, clock) {
        Err(error) => vec![Finding::unchecked(Check::Rejections, error.to_string())],
        Ok(held) if held.is_empty() => {
            let said = "the quarantine is empty";
            vec![Finding::ok(Check::Rejections, said)]
        }
        Ok(held) => held.into_iter().map(judge).collect(),
    }
}

fn count(
    quarantine: &QuarantineReader,
    apps: &[App],
    clock: &Clock,
) -> Result<BTreeMap<String, AppCounts>, Error> {
    let secrets = |app: &App| Secrets::new(app.named_secrets());
    let keyed = apps.iter().map(|app| (app.name.as_str(), secrets(app)));
    let keyed: BTreeMap<_, _> = keyed.collect();
    let mut held: BTreeMap<String, AppCounts> = BTreeMap::new();
    for name in quarantine.names(clock.now())? {
        let known = held.entry(name.app().to_string()).or_default();
        if passes(quarantine, &name, keyed.get(&**name.app()))? {
            known.passing += 1;
        } else if name.is_from_meta() || is_private(name.network().addr()) {
            known.maybe_metas += 1;
        } else {
            known.from_others += 1;
        }
    }
    Ok(held)
}

fn passes(
    quarantine: &QuarantineReader,
    name: &Name,
    secrets: Option<&Secrets>,
) -> Result<bool, Error> {
    Ok(match (secrets, quarantine.read(name)?) {
        (Some(secrets), Found::Record(record)) => record.verify(secrets).is_ok(),
        _ => false,
    })
}

fn judge((app, held): (String, AppCounts)) -> Finding {
    let AppCounts {
        passing,
        maybe_metas,
        from_others,
    } = held;
    let finding = if passing > 0 {
        let found = format!("{passing} quarantined deliveries pass with the present secrets");
        Finding::warning(Check::Rejections, found)
            .means("they came while a secret was wrong; after rejections.hold_for they are deleted")
            .remedy(
                "see them with `hookshelf rejections recheck`, then store them with `hookshelf \
                 rejections recheck --yes`",
            )
    } else if maybe_metas > 0 {
        let found = format!(
            "no secret matches {maybe_metas} quarantined deliveries from Meta's networks, or from \
             a proxy that http.trusted_proxies does not name"
        );
        Finding::warning(Check::Rejections, found)
            .means("a secret is wrong, or is that of the other login, or the proxy changes bodies")
            .remedy(
                "compare the secrets with the App Dashboard; when they are right: `hookshelf \
                 rejections recheck --yes`",
            )
    } else {
        let found = format!(
            "no secret matches {from_others} quarantined deliveries; none of them came from Meta's \
             networks"
        );
        Finding::ok(Check::Rejections, found)
    };
    Finding {
        app: Some(app),
        ..finding
    }
}

/// Looks at what was not stored of late.
pub(super) async fn counted(
    conn: &mut Connection,
    now: Timestamp,
) -> Result<Vec<Finding>, store::Error> {
    let lately = now.checked_sub(LATELY).unwrap_or(now);
    let sums = rejections::sums(conn, lately).await?;
    Ok(failed(&sums).into_iter().chain(astray(&sums)).collect())
}

/// Deliveries that got 503 or 500, with the reasons.
fn failed(sums: &[Sum]) -> Option<Finding> {
    let mut reasons: BTreeMap<&str, i64> = BTreeMap::new();
    let is_failure = |sum: &&Sum| FAILURES.contains(&sum.reason.as_str());
    for sum in sums.iter().filter(is_failure) {
        *reasons.entry(&sum.reason).or_default() += sum.count;
    }
    if reasons.is_empty() {
        return None;
    }
    let count: i64 = reasons.values().sum();
    let reasons = reasons
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let found = format!(
        "deliveries of the last 24 hours that were not stored and got 503 or 500: {count} ({reasons})"
    );
    Some(
        Finding::warning(Check::Rejections, found)
            .means("Meta sends them again, and after an hour of failures ends subscriptions")
            .remedy(
                "list them with `hookshelf rejections list --since 1d`; docs/operations.md \
                 explains each reason",
            ),
    )
}

/// Requests of Meta's to paths that lead nowhere: the counts name no other network.
fn astray(sums: &[Sum]) -> Option<Finding> {
    let is_metas = |sum: &&Sum| sum.from_known && UNKNOWN.contains(&sum.reason.as_str());
    let count: i64 = sums.iter().filter(is_metas).map(|sum| sum.count).sum();
    (count > 0).then(|| {
        let found = format!(
            "requests of the last 24 hours from Meta's networks that got 404, because their path \
             names no app that is configured: {count}"
        );
        Finding::warning(Check::Rejections, found)
            .means("a callback URL in the App Dashboard is wrong; these deliveries are not stored")
            .remedy("compare the callback URLs there with those that `hookshelf serve` prints")
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn what_can_be_rescued_or_points_to_a_wrong_secret_is_a_warning() {
        let judged = |passing, maybe_metas, from_others| {
            let held = AppCounts {
                passing,
                maybe_metas,
                from_others,
            };
            judge(("default".to_owned(), held))
        };
        let passing = judged(3, 9, 9);
        assert_eq!(passing.verdict, Verdict::Warning);
        assert!(passing.found.starts_with("3 quarantined"), "{passing:?}");
        assert!(passing.remedy.unwrap().contains("rejections recheck --yes"));
        let metas = judged(0, 9, 1);
        assert_eq!(metas.verdict, Verdict::Warning);
        assert!(metas.found.contains("matches 9"), "{metas:?}");
        assert_eq!(judged(0, 0, 9).verdict, Verdict::Ok);
    }

    fn sum(reason: &str, from_known: bool, count: i64) -> Sum {
        Sum {
            reason: reason.to_owned(),
            from_known,
            count,
        }
    }

    #[test]
    fn deliveries_that_were_not_stored_are_a_warning_with_their_reasons() {
        let sums = [
            sum("body_budget", true, 2),
            sum("signature_missing", true, 9),
            sum("store_unavailable", false, 3),
            sum("store_unavailable", true, 4),
            sum("unknown_path", false, 9),
        ];
        let finding = failed(&sums).unwrap();
        assert_eq!(finding.verdict, Verdict::Warning);
        let reasons = ": 9 (body_budget 2, store_unavailable 7)";
        assert!(finding.found.ends_with(reasons), "{finding:?}");
        assert!(failed(&sums[1..2]).is_none());
    }

    #[test]
    fn a_path_that_meta_asked_for_in_vain_is_a_warning_and_a_strangers_is_not() {
        let sums = [
            sum("unknown_app", true, 2),
            sum("unknown_path", false, 9),
            sum("unknown_path", true, 1),
        ];
        let finding = astray(&sums).unwrap();
        assert!(finding.found.ends_with(": 3"), "{finding:?}");
        assert!(astray(&sums[1..2]).is_none());
    }
}
