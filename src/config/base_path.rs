//! The path below which the admin listener serves.

use std::{fmt, sync::Arc};

use super::reader::Reader;

/// Path in front of the paths of the admin listener: empty, or such as `/hookshelf`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

/// Empty: the paths begin at the root.
impl Default for BasePath {
    fn default() -> Self {
        Self(Arc::from(""))
    }
}

impl BasePath {
    /// The rule in words.
    const ALLOWED: &str = "an empty text, or a path such as /hookshelf: it begins with a slash, \
        does not end with one, and has A-Z, a-z, 0-9, -, ., _ and ~ between slashes";

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let value = reader.required("base_path")?;
        reader.convert("base_path", &value, Self::ALLOWED, Self::parse)
    }

    /// The base path that this text is, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_base = text.is_empty()
            || text
                .strip_prefix('/')
                .is_some_and(|rest| rest.split('/').all(is_segment));
        is_base.then(|| Self(text.into()))
    }

    /// True if the paths begin at the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// A path of the listener, below the base path.
    pub fn join(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// A path of the listener without the base path; `None` if it lies elsewhere. The base path alone
    /// is the root.
    pub fn strip<'p>(&self, path: &'p str) -> Option<&'p str> {
        let rest = path.strip_prefix(&*self.0)?;
        match rest.as_bytes().first() {
            None => Some("/"),
            Some(b'/') => Some(rest),
            Some(_) => None,
        }
    }
}

/// A part between slashes, of characters that no program escapes. A browser drops `.` and `..`.
fn is_segment(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(text, "" | "." | "..") && text.bytes().all(allowed)
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    #[test]
    fn a_wrong_base_path_is_the_only_fault_of_its_section() {
        let env = vec![
            ("HOME".to_owned(), "/home/a".to_owned()),
            ("HOOKSHELF__ADMIN__BASE_PATH".to_owned(), "/a/".to_owned()),
        ];
        let sources = Sources {
            env,
            ..Sources::default()
        };
        let faults = load(&sources).unwrap_err().to_string();
        let begin = "admin.base_path: \"/a/\" is not allowed; allowed: an empty text, or a path";
        assert!(faults.starts_with(begin), "{faults}");
        assert_eq!(faults.lines().count(), 1, "{faults}");
    }

    #[test]
    fn a_base_path_has_a_slash_in_front_and_none_behind() {
        for good in ["", "/hookshelf", "/ops/hookshelf", "/~a.b-c_D9"] {
            assert!(BasePath::parse(good).is_some(), "{good}");
        }
        for bad in [
            "/",
            "hookshelf",
            "/hookshelf/",
            "//hookshelf",
            "/a//b",
            "/a/../b",
            "/.",
            "/a b",
            "/a%20b",
            "/a?b",
            "/a#b",
            "/a;b",
            "/h\u{f6}k",
            "https://shelf.example.org",
        ] {
            assert_eq!(BasePath::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_path_is_stripped_where_it_ends_or_a_slash_follows() {
        let base = BasePath::parse("/hookshelf").unwrap();
        for (path, stripped) in [
            ("/hookshelf/v1/events", Some("/v1/events")),
            ("/hookshelf/", Some("/")),
            ("/hookshelf", Some("/")),
            ("/hookshelf//evil.example", Some("//evil.example")),
            ("/hookshelves", None),
            ("/v1/events", None),
            ("/", None),
        ] {
            assert_eq!(base.strip(path), stripped, "{path}");
        }
        assert_eq!(BasePath::default().strip("/v1/events"), Some("/v1/events"));
    }
}
