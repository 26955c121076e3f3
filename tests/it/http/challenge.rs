//! Meta's verification challenge (GET).

use super::{
    door::{Door, Setup, fresh_app, keys, metric},
    wire::request,
};
use hookshelf::http::AppKeys;

/// Opens a door whose app `default` has the verify token `token`.
fn expecting(token: &str) -> Door {
    let verify_token = (!token.is_empty()).then(|| token.into());
    Door::with(Setup {
        apps: vec![AppKeys {
            verify_token,
            ..keys("default")
        }],
        ..Setup::default()
    })
}

/// Query, configured token, expected status and body.
const CASES: &str = "
    hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=ham    | ham | 200 | 1158201444
    hub.verify_token=ham&hub.challenge=007&hub.mode=subscribe           | ham | 200 | 007
    hub.mode=subscribe&hub.challenge=hello&hub.verify_token=a-b         | a-b | 200 | hello
    hub.mode=subscribe&hub.challenge=a%20%2B+b&hub.verify_token=t%26t   | t&t | 200 | a + b
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=t&more=x        | t   | 200 | 1
    hub.mode=subscribe&hub.challenge=%3Cb%3E1&hub.verify_token=t        | t   | 200 | <b>1
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=other           | t   | 403 |
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=T               | t   | 403 |
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=tt              | t   | 403 |
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=                | t   | 403 |
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=                |     | 403 |
    hub.mode=subscribe&hub.challenge=1&hub.verify_token=t               |     | 403 |
    hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=t             | t   | 403 |
    hub.mode=subscribe&hub.verify_token=t                               | t   | 400 |
    hub.mode=subscribe&hub.challenge=&hub.verify_token=t                | t   | 400 |
    hub.mode=subscribe&hub.challenge=1                                  | t   | 400 |
    hub.challenge=1&hub.verify_token=t                                  | t   | 400 |
    hub_mode=subscribe&hub_challenge=5&hub_verify_token=t               | t   | 400 |
                                                                        | t   | 400 |
";

#[tokio::test]
async fn every_sort_of_challenge_gets_its_answer() {
    let lines = CASES.trim_matches('\n').lines();
    for line in lines {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [query, token, status, body] = cells[..] else {
            panic!("not four cells: {line}")
        };
        let target = format!("/webhook?{query}");
        let answer = expecting(token).ask(request("GET", &target)).await;
        assert_eq!(
            (&*answer.status.to_string(), &*answer.body),
            (status, body),
            "{line}"
        );
    }
    let without_a_query = expecting("t").ask(request("GET", "/webhook")).await;
    assert_eq!(without_a_query.bare(), 400);
}

#[tokio::test]
async fn an_echo_is_plain_text_and_not_to_be_sniffed() {
    let query = "/webhook?hub.mode=subscribe&hub.challenge=1&hub.verify_token=t";
    let answer = expecting("t").ask(request("GET", query)).await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn each_app_has_its_own_token() {
    let (one, two) = (fresh_app(), fresh_app());
    let door = Door::with(Setup::with_apps(&[&one, &two]));
    let ask = |app: &str, token_of: &str| {
        let query =
            format!("hub.mode=subscribe&hub.challenge=1&hub.verify_token=token-of-{token_of}");
        door.ask(request("GET", &format!("/webhook/{app}?{query}")))
    };
    assert_eq!(ask(&one, &one).await.status, 200);
    assert_eq!(ask(&two, &two).await.status, 200);
    assert_eq!(ask(&one, &two).await.bare(), 403);
    assert_eq!(ask("nobody", &one).await.bare(), 404);

    let answers = |app: &str, answer: &str| {
        let labels = [&*format!("app=\"{app}\""), &*format!("answer=\"{answer}\"")];
        metric("hookshelf_challenges_total", &labels)
    };
    assert_eq!(answers(&one, "echoed"), Some(1.0));
    assert_eq!(answers(&one, "token"), Some(1.0));
    assert_eq!(answers(&two, "token"), None);
}
