//! Tests of the catalog. `tests/it/remedies.rs` produces each case with a request.

use super::*;

fn row(reason: &str, prefix: &str) -> RejectionRow {
    RejectionRow {
        app: "shop".to_owned(),
        reason: reason.to_owned(),
        prefix: prefix.to_owned(),
        ..RejectionRow::default()
    }
}

fn explained(reason: &str, prefix: &str) -> ExplainedRejection {
    let (apps, quarantined) = (BTreeMap::new(), None);
    Remedies { apps, quarantined }.explain(row(reason, prefix))
}

#[test]
fn the_owner_of_a_network_is_meta_private_other_or_unknown() {
    for (prefix, owner) in [
        ("157.240.1.0/24", Owner::Meta),
        ("2a03:2880:10ff::/48", Owner::Meta),
        ("127.0.0.0/24", Owner::Private),
        ("198.51.100.0/24", Owner::Other),
        ("0.0.0.0/0", Owner::Unknown),
        ("", Owner::Unknown),
    ] {
        assert_eq!(Owner::of(prefix), owner, "{prefix}");
    }
}

#[test]
fn failures_of_the_server_have_causes_of_their_own() {
    let reasons = crate::store::rejections::FAILURES;
    let causes = reasons.map(|reason| explained(reason, "157.240.1.0/24").cause);
    let distinct: std::collections::BTreeSet<_> = causes.iter().collect();
    assert_eq!(distinct.len(), reasons.len());
    assert_eq!(causes.iter().filter(|it| it.contains("bug")).count(), 1);
}

#[test]
fn without_a_readable_configuration_both_secrets_are_named() {
    let found = explained("signature_mismatch", "157.240.1.0/24");
    assert!(found.remedy.contains("App settings > Basic"), "{found:?}");
    assert!(found.remedy.contains("instagram_app_secret"), "{found:?}");
}
