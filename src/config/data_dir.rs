//! Directory of the private Postgres, the spool and generated credentials.

use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::sources::Sources;

/// The configured directory, or the one that suits whoever runs us: `root` or somebody else.
pub(super) fn read(reader: &mut Reader<'_>, sources: &Sources, root: bool) -> Option<PathBuf> {
    let faults = reader.fault_count();
    let given = reader.path("data_dir");
    if given.is_some() || reader.fault_count() > faults {
        return given;
    }
    let default = default(sources, root);
    if default.is_none() {
        let problem = "has no default here, because neither XDG_DATA_HOME nor HOME is set";
        reader.note(reader.fault("data_dir", problem).allowed("a path"));
    }
    default
}

fn default(sources: &Sources, root: bool) -> Option<PathBuf> {
    if root {
        return Some(PathBuf::from("/var/lib/hookshelf"));
    }
    // The XDG specification says to pass over a relative path.
    let absolute = |name| {
        let path = sources.var(name).map(Path::new);
        path.filter(|path| path.is_absolute())
    };
    let xdg = absolute("XDG_DATA_HOME").map(|path| path.join("hookshelf"));
    xdg.or_else(|| absolute("HOME").map(|home| home.join(".local/share/hookshelf")))
}

#[cfg(test)]
mod tests {
    use super::super::reader::Notes;
    use super::*;

    #[test]
    fn a_user_without_a_home_has_to_name_a_directory() {
        let mut notes = Notes::default();
        let mut reader = Reader::root(super::super::tree::Table::new(), &mut notes);
        assert_eq!(read(&mut reader, &Sources::default(), false), None);
        assert_eq!(
            notes.into_faults().to_string(),
            "data_dir: has no default here, because neither XDG_DATA_HOME nor HOME is set; \
             allowed: a path"
        );
    }

    #[test]
    fn the_default_suits_the_user() {
        let of = |root, env: &[(&str, &str)]| {
            let env = env
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()));
            let sources = Sources {
                env: env.collect(),
                ..Sources::default()
            };
            default(&sources, root).map(|path| path.display().to_string())
        };
        let (home, of_home) = (("HOME", "/home/a"), "/home/a/.local/share/hookshelf");
        for (root, xdg, expected) in [
            (true, "", "/var/lib/hookshelf"),
            (false, "", of_home),
            (false, "/d", "/d/hookshelf"),
            (false, "d", of_home),
        ] {
            let found = of(root, &[home, ("XDG_DATA_HOME", xdg)]);
            assert_eq!(found.as_deref(), Some(expected), "{xdg}");
        }
        assert_eq!(of(false, &[]), None);
    }
}
