//! Page of exports: its form, the outline of an export, and the ways to get it.

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        eventually,
        message::{comment, message},
    },
};

const ACCOUNT: &str = "17840000000000001";

impl Page {
    /// Target of the button *Download*.
    #[track_caller]
    fn download(&self) -> String {
        let all = self.links("format=");
        let found = all.iter().find(|link| link.contains("/v1/"));
        found.unwrap_or_else(|| panic!("{}", self.text())).clone()
    }

    /// Text of the command with this name.
    fn command(&self, name: &str) -> Option<String> {
        let end = format!("\" aria-label=\"Copy {name}\"");
        let before = self.html.split_once(&end)?.0;
        let text = before.rsplit_once("data-copy=\"")?.1;
        Some(
            text.replace("&#39;", "'")
                .replace("&quot;", "\"")
                .replace("&amp;", "&"),
        )
    }
}

/// A desk with a comment and two messages, and an operator with content.
async fn desk() -> Desk {
    let own = crate::api::table("chief", "role = 'operator'\ncontent = true");
    let desk = Desk::open_with(&format!("{}{own}", tokens())).await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.deliver(message("mid.1", "fresh rolls")).await;
    desk.deliver(message("mid.2", "two, please")).await;
    desk.be_all_counted().await;
    desk
}

impl Desk {
    /// Waits until the events are counted.
    pub(super) async fn be_all_counted(&self) {
        let list = self.read_as("reader", "/v1/events?limit=1000").await;
        let stored = i64::try_from(list["events"].as_array().unwrap().len()).unwrap();
        eventually("the events are counted", async || {
            let counts = self.read_as("reader", "/v1/stats").await;
            counts["events"].as_i64() == Some(stored)
        })
        .await;
    }

    async fn export(&self, name: &str, path: &str) -> Page {
        let page = self.page_as(name, path).await;
        assert_eq!(page.answer.status, 200, "{path}: {}", page.text());
        page
    }
}

#[tokio::test]
async fn the_link_of_a_page_leads_to_a_form_with_its_filters() {
    let desk = desk().await;
    for (page, form) in [
        (
            "/events?kind=message&text=rolls&limit=1",
            "/export?data=events&kind=message&text=rolls",
        ),
        (
            "/deliveries?source=live",
            "/export?data=deliveries&source=live",
        ),
        ("/rejections?since=2h", "/export?data=rejections&since=2h"),
        ("/events?late=true", "/export?data=events&late=true"),
        (
            "/deliveries?problem=any",
            "/export?data=deliveries&problem=any",
        ),
        (
            "/conversations?client=bakery",
            "/export?data=conversations&client=bakery",
        ),
        (
            "/comments?client=bakery",
            "/export?data=media&client=bakery",
        ),
        ("/", "/export?data=events"),
    ] {
        let link = desk.page(page).await.links("/export?from=")[0].clone();
        let answer = desk.ask_as("reader", &link).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (303, &form.parse().unwrap())
        );
        desk.export("chief", form).await;
    }
    let form = desk
        .export("chief", "/export?data=events&kind=message&person=7001")
        .await;
    assert!(form.html.contains("value=\"message\" checked"));
    assert!(form.html.contains("name=\"person\" value=\"7001\""));
    assert!(!form.html.contains("value=\"comment\" checked"));
}

#[tokio::test]
async fn the_form_tells_rows_and_size_of_the_file_that_it_offers() {
    let desk = desk().await;
    let page = desk
        .export("chief", "/export?data=events&kind=message")
        .await;
    page.says("2 rows")
        .says("Included: texts, user names and payloads");
    let file = desk.ask_as("chief", &page.download()).await;
    assert_eq!(file.status, 200);
    let name = file.headers["content-disposition"].to_str().unwrap();
    assert!(
        name.starts_with("attachment; filename=\"events-format=csv-kind=message-"),
        "{name}"
    );
    let csv = String::from_utf8(file.body.to_vec()).unwrap();
    let (_, rows) = csv.split_once("\r\n").unwrap();
    assert_eq!(rows.matches("\r\n").count(), 2, "{csv}");
    page.says(&hookshelf::amounts::size(rows.len() as u64));

    let lines = desk
        .export("chief", "/export?data=events&format=ndjson&text=rolls")
        .await;
    lines.says("Not known in advance");
    let file = desk.ask_as("chief", &lines.download()).await;
    assert_eq!(String::from_utf8_lossy(&file.body).lines().count(), 1);

    let deliveries = desk.export("chief", "/export?data=deliveries").await;
    deliveries
        .says("Not counted in advance")
        .says("a row, the average of the first 3 rows");
    deliveries.says("Not a part of these rows");
}

#[tokio::test]
async fn the_file_has_the_chosen_columns() {
    let desk = desk().await;
    let page = desk
        .export("chief", "/export?data=events&columns=kind&columns=text")
        .await;
    assert!(page.html.contains("value=\"text\" checked"));
    assert!(!page.html.contains("value=\"payload\" checked"));
    let file = desk.ask_as("chief", &page.download()).await;
    let csv = String::from_utf8(file.body.to_vec()).unwrap();
    assert!(
        csv.starts_with("kind,text\r\n\"comment\",\"how much?\"\r\n"),
        "{csv}"
    );
    assert_eq!(
        page.command("command"),
        None,
        "the command exports all columns"
    );
}

#[tokio::test]
async fn each_list_has_its_own_filters_and_rows() {
    let desk = desk().await;
    desk.be_listed().await;
    let conversation = desk.read_as("chief", "/v1/conversations").await;
    let person = conversation["conversations"][0]["person_id"]
        .as_str()
        .unwrap();
    let account = conversation["conversations"][0]["account_id"]
        .as_str()
        .unwrap();
    for (query, rows) in [
        ("data=conversations&kind=comment", 1),
        (
            &*format!("data=conversation&account={account}&person={person}"),
            2,
        ),
        ("data=deliveries&source=live", 3),
        ("data=rejections", 0),
    ] {
        let page = desk
            .export("chief", &format!("/export?{query}&format=ndjson"))
            .await;
        let file = desk.ask_as("chief", &page.download()).await;
        assert_eq!(file.status, 200, "{query}");
        assert_eq!(
            String::from_utf8_lossy(&file.body).lines().count(),
            rows,
            "{query}"
        );
    }
    let page = desk
        .export("chief", "/export?data=conversation&account=1")
        .await;
    page.says("Name the account and the person")
        .hides("Download<");
    let page = desk.export("chief", "/export?data=comments").await;
    page.says("Name the media");
}

#[tokio::test]
async fn a_refusal_of_the_api_is_shown_beside_the_form() {
    let desk = desk().await;
    let page = desk.export("reader", "/export?data=events").await;
    page.says("an export with content needs a token with the role operator");
    assert!(page.links("/v1/events").is_empty());
    let page = desk
        .export("chief", "/export?data=events&since=soon&person=70%22%3E01")
        .await;
    page.says("wrong value of since");
    assert!(page.html.contains("name=\"since\" value=\"soon\""));
    assert!(
        page.html
            .contains("name=\"person\" value=\"70&quot;&gt;01\"")
    );
    let page = desk.export("chief", "/export?data=audit").await;
    page.says("this needs a token with the role privacy");
    page.hides("value=\"audit\"");
    let page = desk.export("privacy", "/export?data=audit").await;
    assert!(page.html.contains("value=\"audit\" checked"));
    assert_eq!(desk.ask_as("privacy", &page.download()).await.status, 200);
}

#[tokio::test]
async fn a_token_without_content_exports_none_and_is_told_so() {
    let desk = desk().await;
    let page = desk.export("viewer", "/export?data=events").await;
    page.says("Not included, since this token does not see it");
    let file = desk.ask_as("viewer", &page.download()).await;
    let csv = String::from_utf8(file.body.to_vec()).unwrap();
    assert!(
        csv.contains("comment") && !csv.contains("how much?"),
        "{csv}"
    );
}

#[tokio::test]
async fn a_client_exports_its_own_events_only() {
    let desk = desk_with(&tokens()).await;
    let page = desk.export("bakery", "/export?data=events").await;
    let file = desk.ask_as("bakery", &page.download()).await;
    let csv = String::from_utf8(file.body.to_vec()).unwrap();
    assert!(csv.contains(BAKERY) && !csv.contains(FLORIST), "{csv}");
}

#[tokio::test]
async fn command_and_request_give_the_same_rows_with_any_quotes() {
    let desk = desk().await;
    let hostile = "it's \"50%\" $HOME `id`";
    let body = message("mid.3", "hello").replace("mid.3", &hostile.replace('"', "\\\""));
    desk.deliver(body).await;
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("message", hostile)
        .finish();
    let path = format!("/export?data=events&format=ndjson&{query}");
    let host = desk.server.admin.to_string();
    let page = desk.page_with("chief", &path, &[("Host", &host)]).await;
    let folder = crate::support::directory::Directory::create();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_hookshelf"));
    let programs = program.parent().unwrap().display();
    for name in ["command", "request"] {
        let command = page.command(name).unwrap();
        let output = std::process::Command::new("sh")
            .args(["-c", &command])
            .current_dir(folder.path())
            .env_clear()
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .env("HOOKSHELF_TOKEN", token("chief"))
            .output()
            .unwrap();
        let problem = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command}\n{problem}");
        let file = folder.join("events.ndjson");
        let row: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(
            (&row["message_id"], &row["text"]),
            (&hostile.into(), &"hello".into())
        );
        std::fs::remove_file(file).unwrap();
    }
}
