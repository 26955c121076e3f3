//! Ledgers written by `hookshelf simulate`: events that must be stored, and events that must not.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use anyhow::Context;
use serde::Deserialize;
use uuid::Uuid;

/// SHA-256 of a body.
pub(crate) type Digest = [u8; 32];

/// Dedupe keys of all deliveries to one database, and the bodies of acked deliveries.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Acked events: each must be stored once.
    pub(crate) acked: HashSet<Uuid>,
    /// Events of wrongly signed deliveries: none may be stored.
    pub(crate) forged: HashSet<Uuid>,
    /// Number of acked deliveries.
    pub(crate) deliveries: u64,
    /// Bodies of acked deliveries, and the number of deliveries with the same body.
    pub(crate) bodies: HashMap<Digest, u32>,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    forged: bool,
    #[serde(default)]
    body_sha256: String,
    events: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    dedupe_key: Uuid,
}

impl Ledger {
    /// Adds an acked ledger, and returns its number of deliveries. A truncated last line is
    /// skipped.
    pub(crate) fn add_acked(&mut self, path: &Path) -> anyhow::Result<u64> {
        let before = self.deliveries;
        for line in lines(path)? {
            // An acked forgery is not a valid delivery; the stream reports it.
            if !line.forged {
                self.deliveries += 1;
                *self.bodies.entry(line.body()?).or_default() += 1;
                self.acked
                    .extend(line.events.iter().map(|it| it.dedupe_key));
            }
        }
        Ok(self.deliveries - before)
    }

    /// Adds a ledger of forgeries.
    pub(crate) fn add_forged(&mut self, path: &Path) -> anyhow::Result<()> {
        let lines = lines(path)?;
        let events = lines.iter().flat_map(|line| &line.events);
        self.forged.extend(events.map(|it| it.dedupe_key));
        Ok(())
    }
}

impl Line {
    fn body(&self) -> anyhow::Result<Digest> {
        let mut digest = Digest::default();
        hex::decode_to_slice(&self.body_sha256, &mut digest)
            .context("this ledger is of an older version: begin a new run")?;
        Ok(digest)
    }
}

fn lines(path: &Path) -> anyhow::Result<Vec<Line>> {
    let file = File::open(path).with_context(|| format!("no ledger {}", path.display()))?;
    let mut lines = Vec::new();
    let mut text = String::new();
    let mut reader = BufReader::new(file);
    while reader.read_line(&mut text)? > 0 {
        if text.ends_with('\n') {
            let line = serde_json::from_str(&text);
            lines.push(line.with_context(|| format!("{} is damaged", path.display()))?);
        }
        text.clear();
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "00000000-0000-8000-8000-000000000001";
    const SECOND: &str = "00000000-0000-8000-8000-000000000002";

    fn line(forged: bool, key: &str) -> String {
        format!(
            r#"{{"delivery":0,"forged":{forged},"body_sha256":"{}","events":[{{"kind":"message","dedupe_key":"{key}"}}]}}"#,
            "07".repeat(32)
        )
    }

    #[test]
    fn whole_lines_count_and_a_cut_off_one_does_not() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("ledger");
        let whole = line(false, FIRST);
        std::fs::write(&path, format!("{whole}\n{}", &line(false, SECOND)[..40])).unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.add_acked(&path).unwrap(), 1);
        assert_eq!(ledger.acked, HashSet::from([FIRST.parse().unwrap()]));
        assert_eq!(ledger.deliveries, 1);
        assert_eq!(ledger.add_acked(&path).unwrap(), 1);
        assert_eq!(ledger.bodies, HashMap::from([([7; 32], 2)]));
    }

    #[test]
    fn forgeries_are_kept_apart() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("ledger");
        std::fs::write(&path, format!("{}\n", line(true, SECOND))).unwrap();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.add_acked(&path).unwrap(), 0);
        assert!(ledger.acked.is_empty());
        ledger.add_forged(&path).unwrap();
        assert_eq!(ledger.forged, HashSet::from([SECOND.parse().unwrap()]));
        assert!(ledger.add_forged(&dir.path().join("none")).is_err());
    }
}
