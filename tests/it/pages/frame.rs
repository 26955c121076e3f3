//! Frame of the pages: headers, assets, problems, preferences.

use std::path::Path;

use super::*;

#[tokio::test]
async fn a_page_allows_nothing_of_another_site_and_nothing_inline() {
    let desk = Desk::open().await;
    let page = desk.page("/events").await;
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.split("; ").any(|it| it == part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "same-origin");
    assert_eq!(page.header("cache-control"), "no-store");
    for inline in ["<style", " style=", "hx-on", " onclick=", "javascript:"] {
        page.hides(inline);
    }
    assert!(!page.html.contains("<script>"), "no inline script");
}

#[tokio::test]
async fn each_asset_is_kept_for_ever_under_its_version() {
    let desk = Desk::open().await;
    let page = desk.page("/events").await;
    let mut assets = page.links("/assets/");
    let scripts = page.html.split("src=\"").skip(1);
    assets.extend(scripts.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
    assert!(assets.len() > 5, "{assets:?}");
    for asset in assets {
        let path = asset.split('#').next().unwrap();
        let file = desk.page(path).await;
        assert!(file.header("cache-control").contains("immutable"), "{path}");
        assert!(!file.header("content-type").contains("html"), "{path}");
    }
    let other = desk.page("/assets/0000000000000000/styles.css").await;
    assert_eq!(other.header("cache-control"), "no-store");
    for path in [
        "/assets/0/vendor/SOURCES.toml",
        "/assets/0/vendor/check.py",
        "/assets/0/../Cargo.toml",
        "/assets/0/..%2fCargo.toml",
        "/assets/0/none.css",
    ] {
        let answer = desk.page_as("reader", path).await.answer;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_browser_gets_a_problem_as_a_page_and_a_program_as_json() {
    let desk = Desk::open().await;
    let page = desk.page_as("reader", "/events/99999").await;
    assert_eq!(page.answer.status, 404);
    page.says("Nothing is here").says("no such path or object");
    let wrong = desk.page_as("reader", "/events?kind=shout").await;
    assert_eq!(wrong.answer.status, 400);
    wrong.says("wrong value of kind");
    let unknown = desk.page_as("reader", "/nowhere").await;
    assert_eq!(unknown.answer.status, 404);
    unknown.says("Nothing is here");
    let stranger = desk.page_as("stranger", "/events").await;
    assert_eq!(stranger.answer.status, 401);
    for path in ["/events/99999", "/v1/events/99999"] {
        let answer = desk.ask_as("reader", path).await;
        let media = answer.headers["content-type"].to_str().unwrap();
        assert_eq!(media, "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn no_link_of_a_problem_leads_to_another_server() {
    let desk = Desk::open().await;
    let page = desk.page_as("reader", "//evil.example/login").await;
    assert_eq!(page.answer.status, 404);
    page.hides("=\"//");
}

#[tokio::test]
async fn htmx_gets_the_changed_parts_only() {
    let desk = Desk::open().await;
    let htmx = [("HX-Request", "true")];
    let part = desk.page_with("reader", "/events", &htmx).await;
    part.says("Nothing here yet").hides("<html");
    assert!(part.html.contains("<main id=\"main\""));
    assert!(part.html.contains("<title>Events"));
    assert_eq!(part.html.matches("hx-swap-oob").count(), 4);
}

#[tokio::test]
async fn an_element_that_replaces_its_own_part_gets_the_page_without_the_frame_around_it() {
    let desk = Desk::open().await;
    let guide = desk.page("/").await;
    assert!(guide.html.contains("hx-select=\"#main\""), "{}", guide.html);
    let headers = [("HX-Request", "true"), ("HX-Request-Type", "full")];
    let page = desk.page_with("reader", "/", &headers).await;
    page.says("Waiting for the first delivery")
        .hides("hx-swap-oob");
}

#[tokio::test]
async fn preferences_of_a_form_are_rendered_by_the_server() {
    let desk = Desk::open().await;
    let form = "scheme=dark&density=comfortable&time=utc&back=%2Fevents%3Fkind%3Dmessage";
    let bearer = format!("Bearer {}", token("reader"));
    let headers = [("Authorization", bearer.as_str())];
    let request = ("POST", "/preferences");
    let answer = desk.server.send_admin(request, &headers, form).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/events?kind=message");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let cookie = [("Cookie", cookie.split(';').next().unwrap())];
    let page = desk.page_with("reader", "/events", &cookie).await;
    let root = "data-scheme=\"dark\" data-density=\"comfortable\" data-time=\"utc\"";
    assert!(page.html.contains(root), "{}", page.html);
}

#[tokio::test]
async fn another_site_changes_no_preferences() {
    let desk = Desk::open().await;
    let bearer = format!("Bearer {}", token("reader"));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    let request = ("POST", "/preferences");
    let answer = desk
        .server
        .send_admin(request, &headers, "scheme=dark")
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_problem_takes_the_place_of_the_part_that_failed() {
    let desk = Desk::open().await;
    let selected = [("HX-Request", "true"), ("HX-Request-Type", "full")];
    let failed = desk
        .page_with("reader", "/events?open=99999", &selected)
        .await;
    assert_eq!(failed.answer.status, 404);
    failed.says("Try again").hides("hx-swap-oob");
    assert_eq!(failed.header("hx-reselect"), ".empty");
    assert_eq!(failed.header("hx-push-url"), "false");
    let page = desk.page_with("reader", "/events", &selected).await;
    assert!(
        page.html.contains("<html"),
        "htmx selects from the whole page"
    );
    let beside = [("HX-Request", "true"), ("HX-Target", "div#beside")];
    let failed = desk
        .page_with("reader", "/events?open=99999", &beside)
        .await;
    failed.says("Try again").hides("hx-swap-oob");
    assert_eq!(failed.header("hx-reselect"), ".empty");
    let opened = desk.page_with("reader", "/events", &beside).await;
    assert_eq!(opened.header("hx-reselect"), ".pane");
    assert_eq!(opened.header("hx-reswap"), "innerHTML show:none");
    let main = [("HX-Request", "true")];
    let whole = desk.page_with("reader", "/events?open=99999", &main).await;
    assert_eq!(whole.header("hx-reselect"), "");
}

#[tokio::test]
async fn single_letters_can_be_switched_off() {
    let desk = Desk::open().await;
    let page = desk.page("/events").await;
    page.says("Next color scheme").hides("data-keys");
    let cookie = [("Cookie", "hookshelf_view=keys:off")];
    let page = desk.page_with("reader", "/events", &cookie).await;
    assert!(page.html.contains("data-keys=\"off\""));
}

#[test]
fn own_scripts_stay_under_thirty_kilobytes() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/js");
    let sizes = scripts
        .read_dir()
        .unwrap()
        .map(|it| it.unwrap().metadata().unwrap().len());
    let size: u64 = sizes.sum();
    assert!(size < 30_000, "{size} bytes");
}
