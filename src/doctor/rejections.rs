//! What is held of refused deliveries: whether it passes with the secrets as they are now.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::finding::{Check, Finding};
use crate::{
    clock::Clock,
    config::{App, Config},
    held::{Error, Found, Name, Shelf},
    meta::signature::Secrets,
};

/// What is held for one app.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    passing: u64,
    from_meta: u64,
    from_others: u64,
}

/// Looks at what is held of each app.
pub(super) fn look(config: &Config, apps: &[App], clock: &Clock) -> Vec<Finding> {
    let hold_for = config.rejections.hold_for.try_into();
    let shelf = Shelf::new(&config.data_dir, hold_for.unwrap_or(SignedDuration::MAX));
    match count(&shelf, apps, clock) {
        Err(error) => vec![Finding::unchecked(Check::Rejections, error.to_string())],
        Ok(held) if held.is_empty() => {
            let said = "no refused delivery waits for a secret that opens it";
            vec![Finding::ok(Check::Rejections, said)]
        }
        Ok(held) => held
            .iter()
            .map(|(app, held)| judge(*held).of(app))
            .collect(),
    }
}

fn count(shelf: &Shelf, apps: &[App], clock: &Clock) -> Result<BTreeMap<String, Held>, Error> {
    let keyed = apps.iter().map(|app| (app.name.as_str(), secrets(app)));
    let keyed: BTreeMap<_, _> = keyed.collect();
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    for name in shelf.names(clock.now())? {
        let known = held.entry(name.app().to_string()).or_default();
        if passes(shelf, &name, keyed.get(&**name.app()))? {
            known.passing += 1;
        } else if name.is_from_meta() {
            known.from_meta += 1;
        } else {
            known.from_others += 1;
        }
    }
    Ok(held)
}

fn passes(shelf: &Shelf, name: &Name, secrets: Option<&Secrets>) -> Result<bool, Error> {
    Ok(match (secrets, shelf.read(name)?) {
        (Some(secrets), Found::Record(record)) => record.verify(secrets).is_ok(),
        _ => false,
    })
}

fn secrets(app: &App) -> Secrets {
    let named = app.secrets.iter();
    Secrets::new(named.map(|secret| (&*secret.name, &secret.secret)))
}

fn judge(held: Held) -> Finding {
    let Held {
        passing,
        from_meta,
        from_others,
    } = held;
    let finding = |found: String| Finding::warning(Check::Rejections, found);
    if passing > 0 {
        finding(format!(
            "{passing} refused deliveries pass with the secrets as they are now"
        ))
        .means("they came while a secret was wrong; after rejections.hold_for they are deleted")
        .remedy("store them: hookshelf rejections recheck")
    } else if from_meta > 0 {
        finding(format!(
            "no secret opens {from_meta} deliveries that came from Meta's networks"
        ))
        .means("a secret is wrong, or is that of the other login, or the proxy changes bodies")
        .remedy(
            "compare the secrets with the App Dashboard; when they are right: hookshelf \
                 rejections recheck",
        )
    } else {
        let found = format!(
            "no secret opens {from_others} deliveries that are held; none came from Meta's networks, \
             as far as http.trusted_proxies lets their addresses be known"
        );
        Finding::ok(Check::Rejections, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn what_can_be_rescued_or_points_to_a_wrong_secret_is_a_warning() {
        let judged = |passing, from_meta, from_others| {
            judge(Held {
                passing,
                from_meta,
                from_others,
            })
        };
        let passing = judged(3, 9, 9);
        assert_eq!(passing.verdict, Verdict::Warning);
        assert!(passing.found.starts_with("3 refused"), "{passing:?}");
        assert!(passing.remedy.unwrap().contains("rejections recheck"));
        let metas = judged(0, 9, 1);
        assert_eq!(metas.verdict, Verdict::Warning);
        assert!(metas.found.contains("opens 9"), "{metas:?}");
        assert_eq!(judged(0, 0, 9).verdict, Verdict::Ok);
    }
}
