//! Bodies that others recorded or documented, through the front door into Postgres.
//!
//! They are not ours to publish, so they lie beside the checkout, or where `HOOKSHELF_CORPUS`
//! says;
//! `.ci/run` insists on them. Their `INDEX.tsv` says what comes out of each.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use hookshelf::meta::{signature::Secrets, signed_request::SignedRequest};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::support::server::{SECRET, Server, apps};

/// One row of `INDEX.tsv`.
struct Sample {
    file: String,
    app: String,
    events: i32,
    kinds: String,
}

#[tokio::test]
async fn corpus_bodies_become_the_events_that_their_index_names() {
    let Some(corpus) = corpus() else { return };
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

/// Where the corpus is. It may be missing on a developer's machine, but not where it is decided.
fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus");
    let named = std::env::var_os("HOOKSHELF_CORPUS").map(PathBuf::from);
    let found = named.unwrap_or_else(|| beside.into());
    if found.join("INDEX.tsv").exists() {
        return Some(found);
    }
    let decides = std::env::var_os("CI").is_some();
    assert!(!decides, "the corpus is missing: set HOOKSHELF_CORPUS");
    println!("corpus: none here; set HOOKSHELF_CORPUS to run it");
    None
}

/// The rows of a table beside the samples, without its head.
fn table(corpus: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(corpus.join("extra").join(name)).unwrap();
    let rows = text.lines().skip(1).filter(|row| !row.is_empty());
    rows.map(|row| row.split('\t').map(ToOwned::to_owned).collect())
        .collect()
}

/// Each challenge goes to an app with the row's verify token. A row may leave a choice, or say no
/// status at all: then any but a 5xx will do.
#[tokio::test]
async fn corpus_challenges_are_answered_as_their_table_says() {
    let Some(corpus) = corpus() else { return };
    let rows = table(&corpus, "handshake.tsv");
    let app = |(number, row): (usize, &Vec<String>)| {
        let token = match &*row[1] {
            "" => String::new(),
            token => format!("verify_token = \"{token}\"\n"),
        };
        format!("[apps.row_{number}]\napp_secret = \"{SECRET}\"\n{token}")
    };
    let server = Server::start_with(&rows.iter().enumerate().map(app).collect::<String>()).await;
    for (number, row) in rows.iter().enumerate() {
        let answer = server
            .get(&format!("/webhook/row_{number}?{}", row[0]))
            .await;
        let allowed = row[2]
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| word.len() == 3);
        let allowed: Vec<u16> = allowed.map(|word| word.parse().unwrap()).collect();
        let fits = allowed.is_empty() && answer.status < 500 || allowed.contains(&answer.status);
        assert!(fits, "{row:?}: {answer:?}");
        if answer.status == 200 && !row[3].contains("verbatim") {
            assert_eq!(answer.body, row[3].as_bytes(), "{row:?}");
        }
        assert!(
            answer.status == 200 || answer.body.is_empty(),
            "{row:?}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn corpus_signatures_verify_and_malformed_bodies_are_kept() {
    let Some(corpus) = corpus() else { return };
    for row in table(&corpus, "signature_vectors.tsv") {
        let body = std::fs::read(corpus.join(&row[0])).unwrap();
        let secrets = Secrets::new([("app", &SecretString::from(&*row[1]))]);
        assert!(
            secrets.verify(Some(row[3].as_bytes()), body.into()).is_ok(),
            "{row:?}"
        );
    }
    let server = Server::start().await;
    let malformed = table(&corpus, "malformed_bodies.tsv");
    for row in &malformed {
        let body: String = serde_json::from_str(&row[0]).unwrap();
        assert_eq!(
            server.deliver("/webhook", body).await.status,
            200,
            "{row:?}"
        );
    }
    let count = sqlx::query_scalar("SELECT count(*) FROM deliveries");
    let kept: i64 = count.fetch_one(&mut server.database().await).await.unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), malformed.len());
}

#[tokio::test]
async fn corpus_signed_requests_open_with_their_secret_and_with_no_other() {
    let Some(corpus) = corpus() else { return };
    let text = std::fs::read(corpus.join("extra/signed_request.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    for sample in [&all, &all["classic_vector"]] {
        let value = sample["signed_request"].as_str().unwrap();
        let open = |secret: &str| {
            let secrets = Secrets::new([("app", &SecretString::from(secret))]);
            SignedRequest::verify(value.as_bytes(), &secrets, Timestamp::MAX)
        };
        let opened = open(sample["secret"].as_str().unwrap()).unwrap();
        let payload = &sample["payload"];
        assert_eq!(opened.user_id(), payload["user_id"].as_str());
        let moments = [opened.issued_at(), opened.expires()];
        let moments = moments.map(|it| it.map(Timestamp::as_second));
        let expected = ["issued_at", "expires"].map(|key| payload[key].as_i64());
        assert_eq!(moments, expected);
        assert!(open("another").is_err());
    }
}

fn samples(corpus: &Path) -> Vec<Sample> {
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
