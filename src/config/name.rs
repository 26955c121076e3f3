//! The name of a consumer or destination.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use super::app_name::AppName;

/// The name of a consumer or destination: 1 to 32 of `a-z`, `0-9` and `_`. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// A text that cannot be the name of a consumer or destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid name; allowed: {}", Name::ALLOWED)]
pub struct InvalidName;

impl Name {
    /// The rule in words.
    pub const ALLOWED: &str = AppName::ALLOWED;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let is_name = AppName::is_name(text);
        is_name.then(|| Self(text.into())).ok_or(InvalidName)
    }
}

/// Lets maps by name be asked with a piece of a path.
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
