//! The name of a Meta app as the configuration and the paths spell it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a Meta app: 1 to 32 of `a-z`, `0-9` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppName(Arc<str>);

/// A text that cannot be the name of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid app name; allowed: {}", AppName::ALLOWED)]
pub struct InvalidAppName;

impl AppName {
    /// The rule in words.
    pub const ALLOWED: &str = "1 to 32 of a-z, 0-9 and _";

    const LONGEST: usize = 32;

    /// The app of `/webhook`.
    pub fn default_app() -> Self {
        Self(Arc::from("default"))
    }

    /// True if `text` has the form of a name.
    pub(super) fn is_name(text: &str) -> bool {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
        (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(allowed)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of the callback URL; the default app also answers at `/webhook/default`.
    pub fn path(&self) -> String {
        match self.as_str() {
            "default" => "/webhook".to_owned(),
            name => format!("/webhook/{name}"),
        }
    }
}

impl FromStr for AppName {
    type Err = InvalidAppName;

    fn from_str(text: &str) -> Result<Self, InvalidAppName> {
        let is_name = Self::is_name(text);
        is_name.then(|| Self(text.into())).ok_or(InvalidAppName)
    }
}

impl TryFrom<String> for AppName {
    type Error = InvalidAppName;

    fn try_from(text: String) -> Result<Self, InvalidAppName> {
        text.parse()
    }
}

impl From<AppName> for String {
    fn from(name: AppName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// Lets maps by name be asked with a piece of a path.
impl std::borrow::Borrow<str> for AppName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        let longest = "a".repeat(32);
        for good in ["default", "a", "_", "9", "shop_2", &longest] {
            assert_eq!(good.parse::<AppName>().unwrap().as_str(), good);
        }
        let too_long = "a".repeat(33);
        for bad in ["", "Shop", "a-b", "a/b", "a.b", "ü", " a", &too_long] {
            assert_eq!(bad.parse::<AppName>(), Err(InvalidAppName), "{bad:?}");
        }
    }

    #[test]
    fn the_default_app_has_the_short_path() {
        assert_eq!(AppName::default_app().path(), "/webhook");
        assert_eq!("shop".parse::<AppName>().unwrap().path(), "/webhook/shop");
    }

    #[test]
    fn json_is_the_plain_text_and_is_checked() {
        let name: AppName = serde_json::from_str("\"shop\"").unwrap();
        assert_eq!(serde_json::to_string(&name).unwrap(), "\"shop\"");
        assert!(serde_json::from_str::<AppName>("\"Shop\"").is_err());
    }
}
