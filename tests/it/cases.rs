//! Bodies whose keys and kinds are easily misread, each with an SQL check of the stored rows.
//!
//! The bodies lie beside the checkout or in `HOOKSHELF_CASES`; `.ci/run` requires them.

use sqlx::AssertSqlSafe;

use crate::support::{
    recorded::{Recorded, Sample},
    server::Server,
};

/// Known failing cases with reasons. Each must fail, so that a fixed case is removed from the list.
const KNOWN: [(&str, &str); 0] = [];

#[tokio::test]
#[ignore = "needs bodies that others recorded: HOOKSHELF_CASES"]
async fn cases_are_stored_as_their_index_says() {
    let (server, samples) = Recorded::find("HOOKSHELF_CASES", "cases").deliver("").await;
    let mut faults = Vec::new();
    for sample in &samples {
        let found = faults_of(sample, &server).await;
        match known(sample) {
            Some(_) if !found.is_empty() => {}
            Some(reason) => {
                faults.push(format!("{} is right, but known as: {reason}", file(sample)));
            }
            None => faults.extend(found),
        }
    }
    for (name, _) in KNOWN {
        let is_there = samples.iter().any(|it| file(it).starts_with(name));
        assert!(is_there, "{name} is known, but not in the index");
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    println!("cases: {} bodies", samples.len());
}

fn file(sample: &Sample) -> &str {
    &sample.row["file"]
}

fn known(sample: &Sample) -> Option<&'static str> {
    let is_it = |(name, _): &&(&str, &str)| file(sample).starts_with(&format!("{name}__"));
    KNOWN.iter().find(is_it).map(|(_, reason)| *reason)
}

/// Differences between the stored rows and the index.
async fn faults_of(sample: &Sample, server: &Server) -> Vec<String> {
    let outcome = sample.outcome(server).await;
    let mut faults = sample.faults(&outcome);
    let (events, file) = (outcome.kinds.len().to_string(), file(sample));
    if events != sample.row["expected_stored"] {
        faults.push(format!("{file}: {events} distinct events"));
    }
    let check = sample.row["check"].replace("{app}", &sample.app);
    let is_true = sqlx::query_scalar(AssertSqlSafe(check.clone()))
        .fetch_one(&mut server.database().await)
        .await;
    match is_true {
        Ok(Some(true)) => {}
        said => faults.push(format!("{file}: {said:?}: {check}")),
    }
    faults
}
