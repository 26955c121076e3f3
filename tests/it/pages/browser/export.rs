//! Journey of an export: from a list to a file with the rows of the database.

use std::{fs, path::PathBuf};

use super::*;
use crate::support::message::{comment, message};

const ACCOUNT: &str = "17840000000000001";

/// The complete file among the downloads.
fn file_in(downloads: &Directory) -> Option<PathBuf> {
    let mut files = fs::read_dir(downloads.path()).unwrap();
    let found = files.find_map(|file| {
        let path = file.unwrap().path();
        path.extension()
            .is_some_and(|it| it == "csv")
            .then_some(path)
    });
    found.filter(|path| fs::metadata(path).is_ok_and(|it| it.len() > 0))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn the_downloaded_rows_are_those_of_the_database() {
    let server = Server::start().await;
    for number in 0..20 {
        let text = format!("=\\\"so nice\\\", {number}");
        for body in [
            comment(ACCOUNT, &format!("90{number}"), &text),
            message(&format!("mid.{number}"), "fresh rolls"),
        ] {
            assert_eq!(server.deliver("/webhook", body).await.status, 200);
        }
    }
    let browser = Browser::open(server).await;
    let downloads = Directory::create();
    let folder = json!({"behavior": "allow", "downloadPath": downloads.path()});
    browser.tell("Browser.setDownloadBehavior", folder).await;

    browser.visit("/events?kind=comment").await;
    browser.click("#pages a[href*='/export?from=']").await;
    browser.see("form.form input[value=comment]:checked").await;
    browser
        .see("form.form input[value=message]:not(:checked)")
        .await;
    browser.click("form.form details summary").await;
    for column in ["position", "text"] {
        browser
            .click(&format!("input[name=columns][value={column}]"))
            .await;
    }
    browser.click("form.form .button").await;
    browser.see("a[download][href*='columns=position']").await;
    browser.click("a[download]").await;
    eventually("the file is there", async || file_in(&downloads).is_some()).await;
    let csv = fs::read_to_string(file_in(&downloads).unwrap()).unwrap();

    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT position::text, text FROM events WHERE kind = 'comment' ORDER BY events.position",
    )
    .fetch_all(&mut browser.server.database().await)
    .await
    .unwrap();
    let quoted = |text: &str| text.replace('"', "\"\"");
    let lines = rows.iter().map(|(position, text)| {
        // A spreadsheet would run the cell.
        format!("\"{position}\",\"'{}\"\r\n", quoted(text))
    });
    let expected = format!("position,text\r\n{}", lines.collect::<String>());
    assert_eq!(rows.len(), 20);
    assert_eq!(csv, expected);
    browser.close().await;
}
