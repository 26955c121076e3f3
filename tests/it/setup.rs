//! Statements of `docs/setup.md` on Meta's Test button, and its configuration.

use std::{fs, path::Path};

use crate::support::{
    samples::{fill, samples},
    server::Server,
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Bodies of the Test button at a click; only the time of sending differs between clicks.
fn clicks(sent: i64) -> Vec<String> {
    let own = |name: &str| match name {
        "sent" => Some(format!("{sent}000")),
        "sent_seconds" => Some(sent.to_string()),
        _ => None,
    };
    let of_it = samples()
        .iter()
        .filter(|(name, _)| name.contains("test_button"));
    of_it.map(|(_, text)| fill(text, own)).collect()
}

/// Numbers of stored rows from the Test button.
#[derive(Debug, PartialEq, Eq, sqlx::FromRow)]
struct Stored {
    deliveries: i64,
    items: i64,
    events: i64,
    repeats: i64,
}

async fn stored(server: &Server) -> Stored {
    sqlx::query_as(
        "SELECT count(*) AS deliveries, sum(event_count)::bigint AS items,
            (SELECT count(*) FROM events WHERE source = 'test' AND account_id = '0') AS events,
            (SELECT count(*) FROM repeats JOIN deliveries AS d ON d.id = delivery_id
             WHERE d.source = 'test') AS repeats
         FROM deliveries WHERE source = 'test'",
    )
    .fetch_one(&mut server.database().await)
    .await
    .unwrap()
}

/// Number of items that are new on a second click: the edit in Page spelling has no item time, so
/// its key contains the time of sending.
const ANEW: i64 = 1;

#[tokio::test]
async fn the_second_click_of_the_test_button_is_a_repeat_but_for_samples_without_id_and_time() {
    let server = Server::start().await;
    let first_clicks = clicks(1_794_471_300);
    assert!(first_clicks.len() >= 13, "{}", first_clicks.len());
    for body in &first_clicks {
        assert_eq!(server.deliver("/webhook", body.clone()).await.status, 200);
    }
    let first = stored(&server).await;
    assert_eq!(first.deliveries, i64::try_from(first_clicks.len()).unwrap());
    // Both logins send the same message, in different forms.
    assert!(first.repeats >= 1 && first.events + first.repeats == first.items);

    for later in clicks(1_794_471_377) {
        assert_eq!(server.deliver("/webhook", later).await.status, 200);
    }
    let expected = Stored {
        deliveries: 2 * first.deliveries,
        items: 2 * first.items,
        events: first.events + ANEW,
        repeats: first.repeats + first.items - ANEW,
    };
    assert_eq!(stored(&server).await, expected);
}

#[tokio::test]
async fn messages_of_the_test_button_get_their_kind_in_the_form_of_changes() {
    let server = Server::start().await;
    let (_, click) = samples()
        .iter()
        .find(|(name, _)| *name == "message/test_button_in_changes")
        .unwrap();
    server.deliver("/webhook", fill(click, |_| None)).await;
    let found: (String, String) = sqlx::query_as("SELECT kind, channel FROM events")
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(found, ("message".to_owned(), "changes".to_owned()));
}

#[tokio::test]
async fn the_configuration_of_the_page_is_right() {
    let server = Server::start().await;
    let page = fs::read_to_string(root().join("docs/setup.md")).unwrap();
    let example = page.split("```toml\n").nth(1).unwrap();
    let file = server.directory.join("setup.toml");
    fs::write(&file, example.split("```").next().unwrap()).unwrap();
    let checked = server.run(&["config", "check", "--config", file.to_str().unwrap()]);
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(said.contains("the configuration is valid"), "{said}");
}
