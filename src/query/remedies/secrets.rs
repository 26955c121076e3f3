//! Causes of signatures by Meta that no secret of an app made: a wrong secret, or the secret of the
//! other product.

use super::Explanation;
use crate::{
    config::{App, credentials, place_of_secret},
    meta::signature::fingerprint,
    store::callbacks::{Seen, What},
};

/// Names of the secrets that Meta signs with, one for each product.
const PRODUCTS: [(&str, &str); 2] = [
    ("app", "Messenger Platform and Facebook Login"),
    ("instagram", "Instagram API with Instagram Login"),
];

/// Last step of each remedy.
const AFTERWARDS: &str = "then run `hookshelf reload`, and `hookshelf rejections recheck --yes` to \
    store what was refused";

/// Secrets of an app.
#[derive(Clone, Debug)]
pub(super) struct AppSecrets {
    /// Name of each secret, and true if it verified a delivery of Meta's.
    secrets: Vec<(String, bool)>,
    /// True if the first start generated the app secret.
    is_generated: bool,
}

/// Explains a mismatch if the secrets of the app are unknown.
pub(super) fn unknown() -> Explanation {
    let (key, place) = place_of_secret("app");
    let (instagram, instagram_place) = place_of_secret("instagram");
    Explanation {
        cause: "a secret is wrong, or belongs to the other product".to_owned(),
        remedy: format!(
            "compare {key} with {place}, and {instagram} with {instagram_place}; {AFTERWARDS}"
        ),
    }
}

impl AppSecrets {
    pub(super) fn of(app: &App, seen: &[Seen]) -> Self {
        let verified = |print: &str| {
            seen.iter().any(|seen| {
                let is_delivery = seen.what == What::Delivery && seen.app == app.name.as_str();
                is_delivery && seen.fingerprint == print
            })
        };
        let secrets = app.secrets.iter();
        let file = app.source("app_secret").and_then(|source| source.file());
        Self {
            secrets: secrets
                .map(|it| (it.name.clone(), verified(&fingerprint(&it.secret))))
                .collect(),
            is_generated: file.is_some_and(|file| file.ends_with(credentials::FILE_NAME)),
        }
    }

    /// Explains a mismatch of a delivery from Meta's networks to `app`.
    pub(super) fn explain(&self, app: &str) -> Explanation {
        if self.is_generated && !self.has_verified("app") {
            return generated();
        }
        let is_set = |name: &str| self.secrets.iter().any(|(known, _)| known == name);
        let missing = PRODUCTS.iter().find(|(name, _)| !is_set(name));
        match missing {
            // The other secret verifies deliveries, so it is right.
            Some(&(name, product)) if self.secrets.iter().any(|(_, verified)| *verified) => {
                other_product(app, name, product)
            }
            _ => self.wrong(),
        }
    }

    fn has_verified(&self, name: &str) -> bool {
        self.secrets
            .iter()
            .any(|(known, verified)| known == name && *verified)
    }

    /// Names the secrets that never verified a delivery; all if each did.
    fn wrong(&self) -> Explanation {
        let names = self.secrets.iter().map(|(name, _)| &**name);
        let set: Vec<_> = names.collect();
        let unproven = set.iter().copied().filter(|name| !self.has_verified(name));
        let mut wrong: Vec<_> = unproven.collect();
        if wrong.is_empty() {
            wrong = set;
        }
        let keys: Vec<_> = wrong.iter().map(|name| place_of_secret(name).0).collect();
        let places = wrong.iter().map(|name| {
            let (key, place) = place_of_secret(name);
            format!("copy {key} from {place}")
        });
        let places: Vec<_> = places.collect();
        Explanation {
            cause: format!("the secret is wrong: {}", keys.join(" or ")),
            remedy: format!("{}; {AFTERWARDS}", places.join(", ")),
        }
    }
}

fn other_product(app: &str, name: &str, product: &str) -> Explanation {
    let (key, place) = place_of_secret(name);
    Explanation {
        cause: format!(
            "the secret belongs to the other product: deliveries of {product} are signed with \
             {key}, which is not set"
        ),
        remedy: format!("set {key} under [apps.{app}] from {place}; {AFTERWARDS}"),
    }
}

fn generated() -> Explanation {
    let (key, place) = place_of_secret("app");
    let (instagram, instagram_place) = place_of_secret("instagram");
    Explanation {
        cause: "the secret is wrong: it is still the one of the first start, which Meta does not \
                know"
            .to_owned(),
        remedy: format!(
            "set {key} from {place}, or {instagram} from {instagram_place}; {AFTERWARDS}"
        ),
    }
}
