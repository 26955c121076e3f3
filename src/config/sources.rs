//! Sources of a configuration; the only place in the crate that reads the environment.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

/// Prefix of the variables that are keys: `HOOKSHELF__SECTION__KEY`.
pub(super) const PREFIX: &str = "HOOKSHELF__";

/// Names the configuration file when the command line does not.
pub(super) const FILE_VARIABLE: &str = "HOOKSHELF_CONFIG";

/// The file and the environment that a configuration is read from.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The file of `--config`; without it the one that `HOOKSHELF_CONFIG` names, if any.
    pub file: Option<PathBuf>,
    /// The environment: names and values.
    pub env: Vec<(String, String)>,
    /// Variables whose value is not UTF-8, by name: one of ours among them is a fault.
    pub not_utf8: Vec<String>,
}

impl Sources {
    /// The environment of this process and the file named on its command line.
    pub fn from_process(cli_file: Option<PathBuf>) -> Self {
        Self::from_os(cli_file, std::env::vars_os())
    }

    /// As [`Sources::from_process`], from an environment as the system gives it.
    fn from_os(
        file: Option<PathBuf>,
        variables: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut sources = Self {
            file,
            ..Self::default()
        };
        for (name, value) in variables {
            // A name that is not UTF-8 cannot be one of ours.
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => sources.env.push((name, value)),
                Err(_) => sources.not_utf8.push(name),
            }
        }
        sources
    }

    /// The value of an environment variable; an empty one counts as unset.
    pub fn var(&self, name: &str) -> Option<&str> {
        let (_, value) = self.env.iter().rev().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value.as_str())
    }

    /// The configuration file, if there is to be one.
    pub fn config_file(&self) -> Option<PathBuf> {
        self.file
            .clone()
            .or_else(|| self.var(FILE_VARIABLE).map(PathBuf::from))
    }

    /// Variables that may hold secrets of ours, by name: what another program must not inherit.
    pub fn private(&self) -> Vec<String> {
        let names = self.env.iter().map(|(name, _)| name).chain(&self.not_utf8);
        let is_private = |name: &str| {
            name.starts_with("HOOKSHELF_") || name.starts_with("PG") || name == "DATABASE_URL"
        };
        names.filter(|name| is_private(name)).cloned().collect()
    }

    /// The variables that are keys, without their prefix, in a fixed order.
    pub(super) fn keys(&self) -> Vec<(&str, &str, &str)> {
        let mut keys: Vec<_> = self
            .env
            .iter()
            .filter_map(|(name, value)| {
                Some((name.strip_prefix(PREFIX)?, name.as_str(), value.as_str()))
            })
            .collect();
        keys.sort_unstable();
        keys
    }
}

/// The names of the variables only: their values may be secrets.
impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Sources")
            .field("file", &self.file)
            .field("env", &names)
            .field("not_utf8", &self.not_utf8)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    #[test]
    fn a_value_that_is_not_utf8_is_noted_and_a_name_that_is_not_is_skipped() {
        let broken = OsString::from_vec(vec![0xff]);
        let variables = [
            (OsString::from("HOME"), OsString::from("/home/a")),
            (OsString::from("HOOKSHELF__HTTP__LISTEN"), broken.clone()),
            (broken, OsString::from("x")),
        ];
        let sources = Sources::from_os(None, variables.into_iter());
        assert_eq!(sources.var("HOME"), Some("/home/a"));
        assert_eq!(sources.not_utf8, ["HOOKSHELF__HTTP__LISTEN"]);
        assert_eq!(sources.env.len(), 1);
    }

    #[test]
    fn debug_shows_names_and_no_values() {
        let mut sources = Sources::default();
        let variable = ("HOOKSHELF__APPS__A__APP_SECRET".into(), "hush".into());
        sources.env.push(variable);
        let text = format!("{sources:?}");
        assert!(text.contains("APP_SECRET"), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }
}
