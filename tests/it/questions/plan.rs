//! Partitions that a query reads, taken from the executed plan.

use std::collections::BTreeSet;

use jiff::ToSpan;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::{page::Reads, stage::LAST_DAY};

/// A partition that was read, and the index that was used, if any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Scan {
    table: String,
    day: String,
    index: Option<String>,
}

impl Scan {
    /// True if the scan uses an index on `column`; the index names of partitions contain the
    /// columns.
    fn is_by(&self, column: &str) -> bool {
        let index = self.index.as_deref().unwrap_or_default();
        index.starts_with(&format!("{}_{}_{column}_", self.table, self.day))
    }
}

/// Differences between the partitions that `query` reads and `reads`. Sequential scans are turned
/// off if indexes are expected, because Postgres prefers them for tables of a few rows.
pub(super) async fn faults(session: &mut PgConnection, query: &str, reads: &Reads) -> Vec<String> {
    if !reads.indexes.is_empty() {
        run(session, "SET enable_seqscan = off").await;
    }
    let explain = format!("EXPLAIN (ANALYZE, FORMAT JSON) {query}");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain)).fetch_all(&mut *session);
    let rows = rows
        .await
        .unwrap_or_else(|error| panic!("{error}\n{query}"));
    run(session, "RESET enable_seqscan").await;
    let text = rows[0].try_get_raw(0).unwrap().as_str().unwrap().to_owned();
    let plan: Value = serde_json::from_str(&text).unwrap();
    let mut scans = BTreeSet::new();
    gather(&plan[0]["Plan"], &mut scans);
    judge(&scans, reads)
}

async fn run(session: &mut PgConnection, sql: &str) {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(session);
    ran.await.unwrap();
}

/// Collects the executed scans. Pruned or unreached plan nodes have no loops.
fn gather(node: &Value, scans: &mut BTreeSet<Scan>) {
    let children = || node["Plans"].as_array().into_iter().flatten();
    if let Some(relation) = node["Relation Name"].as_str()
        && node["Actual Loops"]
            .as_f64()
            .is_some_and(|loops| loops > 0.0)
    {
        let own = node["Index Name"].as_str();
        let of_bitmap = || children().find_map(|child| child["Index Name"].as_str());
        let (table, day) = relation.rsplit_once('_').unwrap_or((relation, ""));
        scans.insert(Scan {
            table: table.to_owned(),
            day: day.to_owned(),
            index: own.or_else(of_bitmap).map(ToOwned::to_owned),
        });
    }
    for child in children() {
        gather(child, scans);
    }
}

fn judge(scans: &BTreeSet<Scan>, reads: &Reads) -> Vec<String> {
    let days: BTreeSet<String> = (0..reads.days)
        .map(|ago| (LAST_DAY - ago.days()).strftime("%Y%m%d").to_string())
        .collect();
    let mut faults = Vec::new();
    for scan in scans {
        let is_whole = days.contains(&scan.day);
        let is_named = reads.indexes.iter().any(|column| scan.is_by(column));
        if !reads.tables.contains(&scan.table) || !(is_whole || is_named) {
            let by = scan.index.as_deref().unwrap_or("no index");
            faults.push(format!("{}_{} is read by {by}", scan.table, scan.day));
        }
    }
    // Naming partitions that are not read is a fault, too.
    for table in &reads.tables {
        let is_read = |day: &&String| {
            scans
                .iter()
                .any(|scan| scan.table == *table && scan.day == **day)
        };
        let unread = days.iter().filter(|day| !is_read(day));
        faults.extend(unread.map(|day| format!("{table}_{day} is not read")));
    }
    let is_used = |column: &&String| scans.iter().any(|scan| scan.is_by(column));
    let unused = reads.indexes.iter().filter(|column| !is_used(column));
    faults.extend(unused.map(|column| format!("no index on {column} is used")));
    faults
}
