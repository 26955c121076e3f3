//! `deliveries list`, `deliveries show` and `rejections list`.

use hookshelf::store::rejections::{self, Count};
use jiff::SignedDuration;
use serde_json::json;

use super::{Shelf, columns, keys};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn a_body_comes_out_byte_for_byte() {
    let shelf = Shelf::create().await;
    for body in [
        &b"{ \"object\":\"instagram\",\r\n\"entry\":[] }\n\n"[..],
        b"\x00\xff\xfe\x1b[2J",
        b"",
    ] {
        let delivery = shelf.store("shop", HOUR, body).await;
        let id = delivery.envelope.id.to_string();
        let shown = shelf
            .command(&["deliveries", "show", &id, "--body"])
            .output()
            .unwrap();
        assert!(shown.status.success() && shown.stderr.is_empty());
        assert_eq!(shown.stdout, body);
    }
}

#[tokio::test]
async fn deliveries_are_found_in_the_order_of_arrival() {
    let shelf = Shelf::create().await;
    let mut ids = Vec::new();
    for (app, hours, body) in [
        ("shop", 50, r#"{"entry":[]}"#),
        ("shop", 3, "?"),
        ("bar", 2, "?"),
        ("shop", 1, r#"{"object":"page","entry":[]}"#),
    ] {
        ids.push(
            shelf
                .store(app, HOUR * hours, body)
                .await
                .envelope
                .id
                .to_string(),
        );
    }
    let after = ids[0].clone();
    for (filter, found) in [
        (&[] as &[&str], &[0_usize, 1, 2, 3] as &[usize]),
        (&["--limit", "2"], &[2, 3]),
        (&["--source", "live,test"], &[0, 1, 2, 3]),
        (&["--source", "test"], &[]),
        (&["--app", "shop"], &[0, 1, 3]),
        (&["--problem", "not_json"], &[1, 2]),
        (&["--since", "1 day", "--until", "90 min"], &[1, 2]),
        (&["--after", &after, "--limit", "2"], &[1, 2]),
        (&["--after", &after, "--app", "shop"], &[1, 3]),
    ] {
        let rows = shelf.rows(&[&["deliveries", "list"], filter].concat());
        let rows: Vec<_> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
        let found: Vec<_> = found.iter().map(|&index| &*ids[index]).collect();
        assert_eq!(rows, found, "{filter:?}");
    }
}

#[tokio::test]
async fn a_delivery_is_shown_with_every_column_but_its_bytes() {
    let shelf = Shelf::create().await;
    let id = shelf
        .store("shop", HOUR, r#"{"object":"page","entry":[]}"#)
        .await
        .envelope
        .id
        .to_string();
    let row = &shelf.rows(&["deliveries", "show", &id])[0];
    assert_eq!(
        shelf.rows(&["deliveries", "list"]),
        std::slice::from_ref(row)
    );
    for (column, value) in [
        ("id", json!(id)),
        ("object", json!("page")),
        ("body_bytes", json!(28)),
        ("headers", json!({"x-hub-signature-256": "sha256=00"})),
        ("remote_addr", json!("192.0.2.7")),
        ("secret", json!("app")),
        ("problem", json!(null)),
        ("event_count", json!(0)),
        ("new", json!(0)),
        ("repeated", json!(0)),
        ("repeats", json!([])),
        ("repeated_events", json!([])),
        ("source", json!("live")),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    let expected = columns(&shelf.database, "deliveries").await;
    let expected: Vec<_> = expected
        .into_iter()
        .map(|name| {
            if name == "body" {
                "body_bytes".to_owned()
            } else {
                name
            }
        })
        .chain(["new", "repeated", "repeats", "repeated_events"].map(str::to_owned))
        .collect();
    assert_eq!(
        keys(&shelf.says(&["deliveries", "show", &id, "--json"])),
        expected
    );
    let shown = shelf.says(&["deliveries", "show", &id]);
    assert!(shown.contains("\nobject               page\n"), "{shown}");
}

#[tokio::test]
async fn a_delivery_that_is_not_there_is_a_failure() {
    let shelf = Shelf::create().await;
    let id = "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a";
    let said = format!(
        "hookshelf: no delivery has the id {id}; `hookshelf deliveries list` shows those that are \
         there\n"
    );
    let expected = (1, said);
    assert_eq!(shelf.complains(&["deliveries", "show", id]), expected);
    assert_eq!(
        shelf.complains(&["deliveries", "show", id, "--body"]),
        expected
    );
    assert_eq!(shelf.complains(&["deliveries", "show", "7"]).0, 2);
}

#[tokio::test]
async fn an_erased_body_is_said_to_be_erased() {
    let shelf = Shelf::create().await;
    let stored = shelf.store("shop", HOUR, "{}").await;
    let id = stored.envelope.id.to_string();
    let erase = sqlx::query(
        "UPDATE stored_deliveries
         SET body = NULL, header_set = NULL, signature = NULL, erased_at = now()",
    );
    erase
        .execute(&mut shelf.database.connect().await)
        .await
        .unwrap();
    let (code, said) = shelf.complains(&["deliveries", "show", &id, "--body"]);
    assert_eq!(
        (code, said),
        (
            1,
            format!(
                "hookshelf: the body of delivery {id} was erased; its other columns are kept\n"
            )
        )
    );
    assert!(shelf.says(&["deliveries", "list"]).contains("erased"));
    assert_eq!(
        shelf.rows(&["deliveries", "show", &id])[0]["body_bytes"],
        json!(null)
    );
}

#[tokio::test]
async fn rejections_are_listed_the_newest_last() {
    let shelf = Shelf::create().await;
    let count = |hour: &str, app: &str, count| Count {
        hour: hour.parse().unwrap(),
        app: app.to_owned(),
        reason: "signature_missing",
        prefix: Some("192.0.2.0/24".to_owned()),
        count,
        last_at: hour.parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_mins(5),
        proxy_header: None,
    };
    let counts = [
        count("2026-11-20T10:00:00Z", "shop", 3),
        count("2026-11-20T12:00:00Z", "bar", 2),
        count("2026-11-20T11:00:00Z", "shop", 1),
    ];
    let mut connection = shelf.database.connect().await;
    rejections::add(&mut connection, &counts, 1000)
        .await
        .unwrap();
    for (filter, found) in [
        (&[] as &[&str], &[3_i64, 1, 2] as &[i64]),
        (&["--limit", "2"], &[1, 2]),
        (&["--app", "shop"], &[3, 1]),
        (
            &["--since", "2026-11-20T11:03", "--until", "2026-11-20T12:00"],
            &[1],
        ),
    ] {
        let rows = shelf.rows(&[&["rejections", "list"], filter].concat());
        let rows: Vec<_> = rows
            .iter()
            .map(|row| row["count"].as_i64().unwrap())
            .collect();
        assert_eq!(rows, found, "{filter:?}");
    }
    let line = shelf.says(&["rejections", "list", "--json", "--app", "bar"]);
    let mut all = columns(&shelf.database, "rejections").await;
    all.extend(["quarantined", "owner", "cause", "remedy"].map(str::to_owned));
    assert_eq!(keys(&line), all);
    let table = shelf.says(&["rejections", "list"]);
    let rows = table.lines().take_while(|line| !line.starts_with("total"));
    let last = rows.last();
    assert!(
        last.unwrap().contains("signature_missing  192.0.2.0/24  2"),
        "{table}"
    );
}
