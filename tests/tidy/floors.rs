//! Layering: a top-level module (a room) may only import rooms of lower floors.
//!
//! `amounts`, `causes`, `clock`, `codec`, `envelope`, `ownership`, `secret_file` and `vocabulary` lie
//! below the other rooms of the lowest floor, so `meta` and `config` may use them, but not each
//! other. Tests in `src` obey the same rule; `tests/` is exempt.

use crate::Fault;
use crate::imports::imports;
use crate::source::Source;

/// Rooms and their floors. A new room needs a line here and in `docs/architecture.md`.
const FLOORS: &[(&str, u8)] = &[
    ("lib", 0),
    ("amounts", 0),
    ("causes", 0),
    ("clock", 0),
    ("envelope", 0),
    ("ownership", 0),
    ("secret_file", 0),
    ("vocabulary", 0),
    ("codec", 0),
    ("meta", 1),
    ("config", 1),
    ("instance", 2),
    ("telemetry", 2),
    ("store", 3),
    ("graph", 3),
    ("spool", 3),
    ("quarantine", 3),
    ("doctor", 4),
    ("ingest", 4),
    ("query", 4),
    ("simulate", 4),
    ("tunnel", 4),
    ("enrich", 4),
    ("forward", 4),
    ("replay", 4),
    ("retention", 4),
    ("http", 5),
    ("worker", 5),
    ("app", 6),
    ("cli", 7),
    ("main", 8),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, floor)| *floor)
}

/// Imports of `file` that do not point down.
pub(crate) fn faults(file: &Source) -> Vec<Fault> {
    let room = file.room();
    if floor(room).is_none() {
        let say = format!(
            "`{room}` is not a room: put the code into one, or give it a floor in \
             tests/tidy/floors.rs and docs/architecture.md"
        );
        return vec![Fault::at(&file.path, 1, say)];
    }
    let mut faults = Vec::new();
    for import in imports(file) {
        let Some(target) = import.path.first() else {
            continue;
        };
        let say = judge(room, target);
        faults.extend(say.map(|say| Fault::at(&file.path, import.line, say)));
    }
    faults
}

/// Problem with an import of `target` by `room`, if any.
fn judge(room: &str, target: &str) -> Option<String> {
    let Some(to) = floor(target).filter(|_| !matches!(target, "lib" | "main")) else {
        return Some(format!(
            "`{target}` is not a room: import from the room that owns it, by name"
        ));
    };
    let from = floor(room)?;
    if room == "main" && target != "cli" {
        return Some(format!(
            "main only hands over to `cli`: move the use of `{target}` there"
        ));
    }
    (to >= from && target != room).then(|| {
        format!(
            "`{room}` imports `{target}`, which is not below it: pass what is needed as an \
             argument, or move the code to a higher floor"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str, text: &str) -> Vec<(usize, String)> {
        faults(&Source::sample(path, text))
            .into_iter()
            .map(|f| (f.line, f.text))
            .collect()
    }

    #[test]
    fn up_and_sideways_are_faults_and_down_is_none() {
        let up = said("src/store/pg.rs", "\nuse crate::ingest::Writer;");
        assert_eq!(up.len(), 1);
        assert!(
            up[0].0 == 2 && up[0].1.contains("`store` imports `ingest`"),
            "{up:?}"
        );
        assert_eq!(said("src/query.rs", "use crate::ingest::Writer;").len(), 1);
        assert_eq!(said("src/meta/id.rs", "use crate::config::Apps;").len(), 1);
        assert_eq!(said("src/clock.rs", "use crate::meta::Id;").len(), 1);
        assert_eq!(said("src/lib.rs", "pub use crate::cli::run;").len(), 1);
        assert_eq!(said("src/main.rs", "use hookshelf::app::App;").len(), 1);
        assert_eq!(said("src/meta/id.rs", "use crate::clock::Clock;"), []);
        assert_eq!(
            said("src/cli/mod.rs", "use crate::{app, clock, store::Pool};"),
            []
        );
    }

    #[test]
    fn tests_obey_as_well() {
        let text = "#[cfg(test)]\nmod tests {\n    use crate::store::Pool;\n}";
        assert_eq!(said("src/meta/id.rs", text).len(), 1);
    }

    #[test]
    fn an_unknown_room_is_a_fault() {
        assert!(said("src/utils.rs", "")[0].1.contains("not a room"));
        assert!(
            said("src/app.rs", "use crate::utils::x;")[0]
                .1
                .contains("not a room")
        );
    }
}
