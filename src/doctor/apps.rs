//! The apps whose deliveries the server accepts: configured ones, else the generated one.

use super::finding::{Check, Finding};
use crate::config::{
    App, Config,
    credentials::{self, FILE_NAME},
};

/// The apps, and what keeps the generated one from being found.
pub(super) fn find(config: &Config) -> (Vec<App>, Vec<Finding>) {
    if !config.apps.is_empty() {
        return (config.apps.values().cloned().collect(), Vec::new());
    }
    let findings = match credentials::load(&config.data_dir) {
        Ok(Some(credentials)) => return (vec![credentials.app], Vec::new()),
        Ok(None) => {
            let path = config.data_dir.join(FILE_NAME);
            let found = format!(
                "no app is configured and {} is not there yet",
                path.display()
            );
            Finding::warning(Check::Secrets, found)
                .means("the server creates a secret and a verify token at its first start")
                .remedy("start it once with `hookshelf serve`, or configure [apps.default]")
                .before(&[Check::Files], "there is none yet")
        }
        Err(error) => Finding::wrong(Check::Files, error.to_string())
            .means("the server does not start without its credentials")
            .remedy("correct the file, or configure [apps.default]")
            .before(
                &[Check::Secrets],
                "the credentials have to be readable first",
            ),
    };
    (Vec::new(), findings)
}
