//! Bodies that others recorded or documented, through the front door into Postgres.
//!
//! They are not ours to publish, so they lie beside the checkout, or where `HOOKSHELF_CORPUS`
//! says;
//! `.ci/run` insists on them. Their `INDEX.tsv` says what comes out of each.

use std::{collections::HashMap, path::PathBuf};

use crate::support::server::{Server, apps};

/// One row of `INDEX.tsv`.
struct Sample {
    file: String,
    app: String,
    events: i32,
    kinds: String,
}

#[tokio::test]
async fn corpus_bodies_become_the_events_that_their_index_names() {
    let Some(corpus) = corpus() else {
        assert!(
            std::env::var_os("CI").is_none(),
            "the corpus is missing: set HOOKSHELF_CORPUS"
        );
        println!("corpus: none here; set HOOKSHELF_CORPUS to run it");
        return;
    };
    let samples = samples(&corpus);
    let server = Server::start_with(&apps(samples.iter().map(|sample| &*sample.app))).await;
    for sample in &samples {
        let body = std::fs::read(corpus.join(&sample.file)).unwrap();
        let answer = server
            .deliver(&format!("/webhook/{}", sample.app), body.clone())
            .await;
        assert_eq!(
            (answer.status, answer.body.len()),
            (200, 0),
            "{}",
            sample.file
        );
    }
    let (stored, distinct) = (stored(&server).await, distinct(&server).await);
    for sample in &samples {
        let body = std::fs::read(corpus.join(&sample.file)).unwrap();
        let (event_count, kept) = &stored[&sample.app];
        assert_eq!(
            (*event_count, kept),
            (sample.events, &body),
            "{}",
            sample.file
        );
        let found = distinct.get(&sample.app).map_or(Vec::new(), Clone::clone);
        assert_eq!(found, expected(&sample.kinds, &found), "{}", sample.file);
    }
    println!("corpus: {} bodies", samples.len());
}

fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let named = std::env::var_os("HOOKSHELF_CORPUS").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(beside)).filter(|beside| beside.join("INDEX.tsv").exists()))
}

fn samples(corpus: &std::path::Path) -> Vec<Sample> {
    let index = std::fs::read_to_string(corpus.join("INDEX.tsv")).unwrap();
    let rows = index.lines().skip(1).filter(|row| !row.is_empty());
    rows.enumerate()
        .map(|(number, row)| {
            let cells: Vec<_> = row.split('\t').collect();
            Sample {
                file: cells[0].to_owned(),
                app: format!("sample_{number}"),
                events: cells[3].parse().unwrap(),
                kinds: cells[4].to_owned(),
            }
        })
        .collect()
}

/// Per app the number of its items and the body.
async fn stored(server: &Server) -> HashMap<String, (i32, Vec<u8>)> {
    let rows: Vec<(String, i32, Vec<u8>)> =
        sqlx::query_as("SELECT app, event_count, body FROM deliveries")
            .fetch_all(&mut server.database().await)
            .await
            .unwrap();
    rows.into_iter()
        .map(|(app, count, body)| (app, (count, body)))
        .collect()
}

/// Per app its events in order, spelled as in the index.
async fn distinct(server: &Server) -> HashMap<String, Vec<String>> {
    let rows: Vec<(String, Vec<String>)> = sqlx::query_as(
        "SELECT app, array_agg(CASE channel WHEN 'standby' THEN 'standby:' ELSE '' END || kind
                               || CASE WHEN is_echo THEN '!echo' ELSE '' END ORDER BY position)
         FROM events GROUP BY app",
    )
    .fetch_all(&mut server.database().await)
    .await
    .unwrap();
    rows.into_iter().collect()
}

/// The kinds that the index names, in order; an item that repeats another of its body is no event
/// of its own, so `found` may lack later ones of a kind that the body has several of.
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
