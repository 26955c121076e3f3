//! Bodies recorded or documented by others, delivered to the program and read back from Postgres.
//!
//! The bodies lie beside the checkout or in `HOOKSHELF_CORPUS`; `.ci/run` requires them.

use hookshelf::meta::{signature::Secrets, signed_request::SignedRequest};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

use crate::{
    destinations::masks::{assert_masked, masking, sent, stored},
    support::{
        event_schema::EventSchema,
        receiver::Receiver,
        recorded::{Recorded, Row},
        server::{SECRET, Server},
    },
};

fn corpus() -> Recorded {
    Recorded::find("HOOKSHELF_CORPUS", "corpus")
}

#[tokio::test]
#[ignore = "needs bodies that others recorded: HOOKSHELF_CORPUS"]
async fn corpus_bodies_become_the_events_that_their_index_names() {
    let receiver = Receiver::start().await;
    let all = masking("crm", &receiver, r#""text", "username", "media""#);
    let (server, samples) = corpus().deliver(&all).await;
    let mut faults = Vec::new();
    for sample in &samples {
        faults.extend(sample.faults(&sample.outcome(&server).await));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let (events, schema) = (stored(&server), EventSchema::compile());
    assert!(!events.is_empty(), "no event was listed");
    let masked = sent(&receiver, "crm", events.len()).await;
    for (position, event) in &events {
        schema.hold(event);
        assert_masked(&schema, &masked[position], event);
    }
    println!(
        "corpus: {} bodies, {} valid events",
        samples.len(),
        events.len()
    );
}

/// Sends each challenge to an app with the row's verify token. A row may allow several statuses; a
/// row without a status allows any except 5xx.
#[tokio::test]
#[ignore = "needs bodies that others recorded: HOOKSHELF_CORPUS"]
async fn corpus_challenges_are_answered_as_their_table_says() {
    let rows = corpus().table("extra/handshake.tsv");
    let app = |(number, row): (usize, &Row)| {
        let token = match &row["token_configured"] {
            "" => String::new(),
            token => format!("verify_token = \"{token}\"\n"),
        };
        format!("[apps.row_{number}]\napp_secret = \"{SECRET}\"\n{token}")
    };
    let server = Server::start_with(&rows.iter().enumerate().map(app).collect::<String>()).await;
    for (number, row) in rows.iter().enumerate() {
        let answer = server
            .get(&format!("/webhook/row_{number}?{}", &row["query"]))
            .await;
        let allowed = row["expected_status"]
            .split(|c: char| !c.is_ascii_digit())
            .filter(|word| word.len() == 3);
        let allowed: Vec<u16> = allowed.map(|word| word.parse().unwrap()).collect();
        let fits = allowed.is_empty() && answer.status < 500 || allowed.contains(&answer.status);
        assert!(fits, "{row:?}: {answer:?}");
        if answer.status == 200 && !row["expected_body"].contains("verbatim") {
            assert_eq!(answer.body, row["expected_body"].as_bytes(), "{row:?}");
        }
        assert!(
            answer.status == 200 || answer.body.is_empty(),
            "{row:?}: {answer:?}"
        );
    }
}

#[tokio::test]
#[ignore = "needs bodies that others recorded: HOOKSHELF_CORPUS"]
async fn corpus_signatures_verify_and_malformed_bodies_are_kept() {
    let corpus = corpus();
    for row in corpus.table("extra/signature_vectors.tsv") {
        let body = corpus.read(&row["file"]);
        let secrets = Secrets::new([("app", &SecretString::from(&row["secret"]))]);
        let signature = row["sha256_header"].as_bytes();
        assert!(
            secrets.verify(Some(signature), body.into()).is_ok(),
            "{row:?}"
        );
    }
    let server = Server::start().await;
    let malformed = corpus.table("extra/malformed_bodies.tsv");
    for row in &malformed {
        let body: String = serde_json::from_str(&row["raw_body_json_escaped"]).unwrap();
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
#[ignore = "needs bodies that others recorded: HOOKSHELF_CORPUS"]
async fn corpus_signed_requests_open_with_their_secret_and_with_no_other() {
    let text = corpus().read("extra/signed_request.json");
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
