//! Verbs that need no server: signatures, configuration, and usage errors.

use super::{Shelf, complaint};

const SECRETS: &str = "[apps.default]\napp_secret = \"one\"\ninstagram_app_secret = \"two\"\n";

/// HMAC-SHA256 of `{"a":1}` with the keys `one` and `two`, computed with openssl.
const ONE: &str = "sha256=e79be63e110f0c08969f5b4df3f8cfa79349f9b03758c28822fb8bda8cb6d312";
const TWO: &str = "sha256=8fb84cd0f727f5dda4da05cc68cd62200b48578a621f31478ed566c5327a34cf";
const BODY: &[u8] = br#"{"a":1}"#;

async fn shelf() -> Shelf {
    let shelf = Shelf::create().await;
    std::fs::write(shelf.directory.join("hookshelf.toml"), SECRETS).unwrap();
    std::fs::write(shelf.directory.join("body"), BODY).unwrap();
    shelf
}

fn path(shelf: &Shelf, name: &str) -> String {
    shelf.directory.join(name).display().to_string()
}

#[tokio::test]
async fn a_body_is_signed_with_the_secret_that_is_named() {
    let shelf = shelf().await;
    let body = path(&shelf, "body");
    let sign = |arguments: &[&str]| shelf.says(&[&["signature", "sign"], arguments].concat());
    assert_eq!(sign(&[&body]), format!("{ONE}\n"));
    assert_eq!(sign(&[&body, "--secret", "instagram"]), format!("{TWO}\n"));
    let output = shelf.answers(&["signature", "sign", "-"], BODY);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        format!("{ONE}\n")
    );
    std::fs::write(shelf.directory.join("secret"), "two\n").unwrap();
    assert_eq!(
        sign(&[&body, "--secret-file", &path(&shelf, "secret")]),
        format!("{TWO}\n")
    );
    let (code, said) = shelf.complains(&["signature", "sign", &body, "--secret", "previous-1"]);
    assert!(
        code == 1 && said.contains("there is: app, instagram"),
        "{said}"
    );
}

#[tokio::test]
async fn a_signature_names_the_secret_that_made_it() {
    let shelf = shelf().await;
    let body = path(&shelf, "body");
    let said = shelf.says(&["signature", "verify", &body, "--signature", TWO]);
    assert_eq!(said, "the secret instagram made this signature\n");
    let headers = format!("Host: a\r\nx-hub-signature-256: {ONE}\r\n");
    std::fs::write(shelf.directory.join("headers"), headers).unwrap();
    let from_file = [
        "signature",
        "verify",
        &body,
        "--headers",
        &path(&shelf, "headers"),
    ];
    assert_eq!(
        shelf.says(&from_file),
        "the secret app made this signature\n"
    );
    let json = format!("{{\"x-hub-signature-256\":\"{ONE}\"}}");
    let from_stdin = ["signature", "verify", &body, "--headers", "-"];
    let output = shelf.answers(&from_stdin, json.as_bytes());
    assert_eq!(output.stdout, b"the secret app made this signature\n");
}

#[tokio::test]
async fn a_wrong_signature_is_a_failure_that_says_why() {
    let shelf = shelf().await;
    let verify = |value: &str, body: &[u8]| {
        let arguments = ["signature", "verify", "-", "--signature", value];
        complaint(&shelf.answers(&arguments, body))
    };
    let (code, said) = verify(ONE, b"{\"a\":2}");
    assert!(
        code == 1 && said.contains("tried: app, instagram"),
        "{said}"
    );
    let (code, said) = verify("sha1=00", BODY);
    assert!(
        code == 1 && said.contains("64 hexadecimal digits"),
        "{said}"
    );
    let both = ["signature", "verify", "-", "--headers", "-"];
    let (code, said) = complaint(&shelf.answers(&both, b""));
    assert!(code == 1 && said.contains("cannot be both"), "{said}");
}

/// `{"algorithm":"HMAC-SHA256","user_id":"90210","issued_at":1793000000,"expires":0}`, signed with
/// the key `two` with openssl.
const REQUEST: &str = "rD4VmPsU8wLa0htX6xBsKOCIVmdOx19CyCvJzzT4vas.\
    eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsInVzZXJfaWQiOiI5MDIxMCIsImlzc3VlZF9hdCI6MTc5\
    MzAwMDAwMCwiZXhwaXJlcyI6MH0";

#[tokio::test]
async fn a_signed_request_names_its_secret_and_the_person_only_when_asked() {
    let shelf = shelf().await;
    let verify = ["signature", "verify", "-", "--signed-request"];
    let form = format!("signed_request={REQUEST}\n");
    for input in [REQUEST, &format!("{REQUEST}\n"), &form] {
        let output = shelf.answers(&verify, input.as_bytes());
        assert_eq!(
            output.stdout, b"the secret instagram made this signed request\n",
            "{input}"
        );
    }
    std::fs::write(shelf.directory.join("request"), REQUEST).unwrap();
    let request = path(&shelf, "request");
    let said = shelf.says(&[
        "signature",
        "verify",
        &request,
        "--signed-request",
        "--fields",
    ]);
    let said: Vec<_> = said
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .collect();
    assert_eq!(
        said[1..],
        [["user_id", "90210"], ["issued_at", "2026-10-26T07:33:20Z"]]
    );
}

#[tokio::test]
async fn a_wrong_signed_request_is_a_failure_that_says_why() {
    let shelf = shelf().await;
    let verify = |input: &str| {
        let arguments = ["signature", "verify", "-", "--signed-request", "--fields"];
        complaint(&shelf.answers(&arguments, input.as_bytes()))
    };
    let (code, said) = verify(&REQUEST[..REQUEST.len() - 4]);
    assert!(
        code == 1 && said.contains("tried: app, instagram"),
        "{said}"
    );
    assert!(!said.contains("90210"), "{said}");
    let (code, said) = verify("{}");
    assert!(code == 1 && said.contains("both base64url"), "{said}");
}

#[tokio::test]
async fn every_fault_of_the_configuration_is_told_at_once() {
    let shelf = shelf().await;
    assert_eq!(
        shelf.says(&["config", "check"]),
        "the configuration is valid; apps: default\n"
    );
    let faulty = "data_dri = \"x\"\n[dedupe]\nwindow_days = 1\n[apps.A]\napp_secret = \"hush\"\n";
    std::fs::write(shelf.directory.join("hookshelf.toml"), faulty).unwrap();
    let (code, said) = shelf.complains(&["config", "check"]);
    assert_eq!(code, 1);
    for part in [
        "3 faults",
        "data_dri",
        "dedupe.window_days",
        "2 to 366",
        "a-z, 0-9 and _",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("hush"), "{said}");
}

#[tokio::test]
async fn the_configuration_is_printed_without_its_secrets() {
    let shelf = shelf().await;
    let said = shelf.says(&["config", "print"]);
    assert!(
        said.contains("[apps.default]") && said.contains("[redacted]"),
        "{said}"
    );
    assert!(
        !said.contains("\"one\"") && !said.contains("\"two\""),
        "{said}"
    );
    let printed = said.parse::<toml::Table>().unwrap();
    assert_eq!(printed["dedupe"]["window_days"].as_integer(), Some(7));
}

#[tokio::test]
async fn wrong_usage_is_told_apart_from_failure() {
    let shelf = shelf().await;
    for (arguments, part) in [
        (&["events", "lst"] as &[&str], "list"),
        (&["events"], "show"),
        (&["events", "list", "--kind", "comments"], "live_comment"),
        (
            &["events", "list", "--since", "soon"],
            "2026-11-20T13:45:00Z",
        ),
        (&["events", "list", "--until", "-2h"], "invalid time"),
        (&["events", "list", "--app", "Shop"], "1 to 32 of a-z"),
        (&["events", "list", "--limit", "0"], "from 1 to 10000"),
        (&["events", "list", "--after", "x"], "--after"),
        (&["deliveries", "list", "--problem", "odd"], "not_utf8"),
        (
            &[
                "deliveries",
                "show",
                "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
                "--body",
                "--json",
            ],
            "cannot be used",
        ),
        (&["signature", "verify", "x"], "--signature"),
        (
            &["signature", "verify", "x", "--signature", "y", "--fields"],
            "cannot be used",
        ),
        (
            &["signature", "verify", "x", "--fields"],
            "--signed-request",
        ),
        (
            &[
                "signature",
                "sign",
                "x",
                "--secret",
                "a",
                "--secret-file",
                "b",
            ],
            "cannot be used",
        ),
    ] {
        let (code, said) = shelf.complains(arguments);
        assert!(
            code == 2 && said.contains(part),
            "{arguments:?} ({code}): {said}"
        );
    }
}

#[tokio::test]
async fn without_a_running_server_its_start_is_proposed() {
    let shelf = shelf().await;
    let mut list = shelf.command(&["events", "list"]);
    let (code, said) = complaint(&list.env_remove("DATABASE_URL").output().unwrap());
    assert!(
        code == 1 && said.contains("start the server with `hookshelf serve`"),
        "{said}"
    );
    let gone = "postgres://nobody@127.0.0.1:1/gone";
    let (code, said) = complaint(&list.env("DATABASE_URL", gone).output().unwrap());
    assert!(
        code == 1 && said.contains("Postgres is not available"),
        "{said}"
    );
}
