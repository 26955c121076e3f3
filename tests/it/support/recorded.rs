//! Bodies outside of the repository, with an `INDEX.tsv` of expected results.

use std::{
    collections::HashMap,
    env, fs,
    ops::Index,
    path::{Path, PathBuf},
};

use super::server::{Server, apps};

/// A directory of bodies. It may not be published, so its tests are ignored by default.
pub(crate) struct Recorded {
    directory: PathBuf,
}

/// A row of a table, by column name.
#[derive(Debug)]
pub(crate) struct Row(HashMap<String, String>);

/// A body of the index, and the app that receives it.
pub(crate) struct Sample {
    pub(crate) row: Row,
    pub(crate) app: String,
    body: Vec<u8>,
}

/// Stored result of a body.
#[derive(sqlx::FromRow)]
pub(crate) struct Outcome {
    body: Vec<u8>,
    event_count: i32,
    /// Kinds of its distinct events in order, spelled as in the index.
    pub(crate) kinds: Vec<String>,
    repeats: i64,
}

const OUTCOME: &str = "
    SELECT body, event_count,
           array(SELECT CASE channel WHEN 'standby' THEN 'standby:' ELSE '' END || kind
                        || CASE WHEN is_echo AND kind = 'message' THEN '!echo' ELSE '' END
                 FROM events WHERE delivery_id = id ORDER BY position) AS kinds,
           (SELECT count(*) FROM repeats WHERE delivery_id = id) AS repeats
    FROM deliveries WHERE app = $1";

impl Index<&str> for Row {
    type Output = str;

    fn index(&self, column: &str) -> &str {
        let cell = self.0.get(column);
        cell.unwrap_or_else(|| panic!("no column {column}"))
    }
}

impl Recorded {
    /// The directory in a variable, or else the one with this name beside the checkout.
    pub(crate) fn find(variable: &str, name: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let beside = root.join("../shared").join(name);
        let directory = env::var_os(variable).map_or(beside, PathBuf::from);
        assert!(
            directory.join("INDEX.tsv").exists(),
            "no bodies in {}: set {variable}",
            directory.display()
        );
        Self { directory }
    }

    /// Contents of a file.
    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        fs::read(self.directory.join(file)).unwrap()
    }

    /// Rows of a table, at least one.
    pub(crate) fn table(&self, file: &str) -> Vec<Row> {
        let text = String::from_utf8(self.read(file)).unwrap();
        let mut lines = text.lines().filter(|line| !line.is_empty());
        let columns: Vec<_> = lines.next().unwrap().split('\t').collect();
        let row = |line: &str| {
            let cells: Vec<_> = line.split('\t').collect();
            assert_eq!(cells.len(), columns.len(), "{file}: {line}");
            let cells = columns.iter().zip(cells);
            let owned = cells.map(|(column, cell)| ((*column).to_owned(), cell.to_owned()));
            Row(owned.collect())
        };
        let rows: Vec<_> = lines.map(row).collect();
        assert!(!rows.is_empty(), "{file} has no row");
        rows
    }

    /// Posts each body of the index to its own app, with this further configuration.
    pub(crate) async fn deliver(&self, configuration: &str) -> (Server, Vec<Sample>) {
        let samples = (0..).zip(self.table("INDEX.tsv"));
        let samples: Vec<_> = samples
            .map(|(number, row)| Sample {
                app: format!("sample_{number}"),
                body: self.read(&row["file"]),
                row,
            })
            .collect();
        let apps = apps(samples.iter().map(|it| &*it.app));
        let server = Server::start_with(&[&apps, configuration].concat()).await;
        for sample in &samples {
            let path = format!("/webhook/{}", sample.app);
            let answer = server.deliver(&path, sample.body.clone()).await;
            let answer = (answer.status, answer.body.len());
            assert_eq!(answer, (200, 0), "{}", &sample.row["file"]);
        }
        (server, samples)
    }
}

impl Sample {
    /// Stored result of this body.
    pub(crate) async fn outcome(&self, server: &Server) -> Outcome {
        let outcome = sqlx::query_as(OUTCOME).bind(&self.app);
        outcome
            .fetch_one(&mut server.database().await)
            .await
            .unwrap()
    }

    /// Differences between the result and the index.
    pub(crate) fn faults(&self, outcome: &Outcome) -> Vec<String> {
        let count = outcome.event_count.to_string();
        let settled = outcome.kinds.len() + usize::try_from(outcome.repeats).unwrap();
        let expected = expected(&self.row["expected_kinds"], &outcome.kinds);
        let faults = [
            (
                outcome.body != self.body,
                "another body is stored".to_owned(),
            ),
            (
                count != self.row["expected_events"],
                format!("{count} items"),
            ),
            (
                settled.to_string() != count,
                format!("{settled} events and repeats"),
            ),
            (
                expected != outcome.kinds,
                format!("kinds {:?}", outcome.kinds),
            ),
        ];
        let wrong = faults.into_iter().filter(|(is_wrong, _)| *is_wrong);
        wrong
            .map(|(_, what)| format!("{}: {what}", &self.row["file"]))
            .collect()
    }
}

/// Kinds in the index, in order. An item that repeats an earlier item of its body is no event, so
/// `found` may have fewer events of a kind than the index.
fn expected(kinds: &str, found: &[String]) -> Vec<String> {
    let named: Vec<_> = kinds.split(',').filter(|kind| *kind != "-").collect();
    let mut expected = Vec::new();
    for kind in &named {
        let wanted = found.iter().filter(|one| one == kind).count().max(1);
        let so_far = expected.iter().filter(|one: &&String| one == kind).count();
        if so_far < wanted {
            expected.push((*kind).to_owned());
        }
    }
    expected
}
