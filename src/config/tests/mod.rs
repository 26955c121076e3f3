//! Loading as a whole: the files beside the code, layers, faults, and secrets that stay secret.

mod consumers;
mod destinations;
mod documents;
mod faults;
mod layers;
mod secrets;
mod users;

use std::path::PathBuf;

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::{Config, Faults, Sources, load};

/// A file and an environment to load from; the directory goes away with it.
struct Setting {
    dir: TempDir,
    sources: Sources,
}

impl Setting {
    /// Without a file and with no more than a home in the environment.
    fn new() -> Self {
        let mut sources = Sources::default();
        sources.env.push(("HOME".to_owned(), "/home/a".to_owned()));
        Self {
            dir: TempDir::new().unwrap(),
            sources,
        }
    }

    fn file(mut self, text: &str) -> Self {
        self.sources.file = Some(self.write("hookshelf.toml", text));
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.sources.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes a file beside the configuration and gives its path.
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn load(&self) -> Config {
        self.try_load().unwrap_or_else(|faults| panic!("{faults}"))
    }

    fn try_load(&self) -> Result<Config, Faults> {
        load(&self.sources)
    }

    /// The faults as they are printed, with the directory written as `DIR`.
    fn faults(&self) -> String {
        let faults = self
            .try_load()
            .expect_err("a configuration with a fault was accepted");
        faults
            .to_string()
            .replace(self.dir.path().to_str().unwrap(), "DIR")
    }
}

/// The secrets of an app, each as `name=secret`.
fn secrets(config: &Config, app: &str) -> Vec<String> {
    let secrets = config.apps[app].named_secrets();
    secrets
        .map(|(name, secret)| format!("{name}={}", secret.expose_secret()))
        .collect()
}

fn verify_token<'a>(config: &'a Config, app: &str) -> Option<&'a str> {
    let token = config.apps[app].verify_token.as_ref();
    token.map(ExposeSecret::expose_secret)
}
