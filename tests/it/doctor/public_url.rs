//! Checks of the public URL: each possible problem gets its own finding.

use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{
    DoctorReport,
    front::{Behind, Front, fixture},
    good,
};
use crate::support::server::Server;

/// Runs `doctor` with this public URL and trust in the authority of the fixtures.
fn ask(server: &Server, url: &str) -> DoctorReport {
    let authority = fixture("authority.pem");
    let variables = [
        ("HOOKSHELF__HTTP__PUBLIC_URL", url),
        ("SSL_CERT_FILE", &*authority),
    ];
    DoctorReport::of(server, &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reasons_of_a_refused_certificate_are_told_apart() {
    let server = Server::start_with(&good()).await;
    for (certificate, part) in [
        (["expired.pem", "expired.key"], "has expired, 2020-02-01"),
        (["self.pem", "self.key"], "is self-signed"),
        (["other.pem", "other.key"], "is for another name"),
        (
            ["incomplete.pem", "incomplete.key"],
            "the chain is incomplete",
        ),
    ] {
        let front = Front::open(certificate, Behind::Server(server.public)).await;
        let report = ask(&server, &front.url);
        report.says("certificate", "wrong", part);
        report.says("challenge", "unchecked", "the verify token is not sent");
        assert_eq!(report.code, Some(1));
    }
    let front = Front::closed(Behind::Server(server.public)).await;
    let report = ask(&server, &front.url);
    report.says("certificate", "warning", "ends the TLS handshake");
    let whole = ["complete.pem", "incomplete.key"];
    let front = Front::open(whole, Behind::Server(server.public)).await;
    let report = ask(&server, &front.url);
    report.says("certificate", "ok", "the chain is valid");
    report.says("challenge", "ok", "answers its own challenge");
    report.says("redirect", "ok", "/webhook does not redirect");
    report.says("public_url", "warning", "only a private network reaches");
    let clocks = report.said("clock");
    let agree = clocks.iter().all(|it| it.starts_with("ok"));
    assert!(!clocks.is_empty() && agree, "{clocks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_answers_instead_of_the_server_is_told() {
    let server = Server::start_with(&good()).await;
    for (answer, check, part) in [
        (
            "301 Moved\nLocation: /elsewhere?hub.verify_token=loaves+%26+fishes%2C+5+%2B+2",
            "redirect",
            "redirects (301) to https://localhost:",
        ),
        (
            "200 OK\n\nWelcome",
            "challenge",
            "answers 200 without the challenge",
        ),
        (
            "200 OK\n\n{challenge}",
            "challenge",
            "answers a wrong verify token with 200",
        ),
        ("403 No", "challenge", "refuses the verify token"),
        ("404 Not Found", "challenge", "is not found (404)"),
        ("502 Bad Gateway", "challenge", "does not reach it (502)"),
        ("401 Login", "challenge", "answers a challenge with 401"),
    ] {
        let front = Front::good(Behind::Answer(answer)).await;
        let report = ask(&server, &front.url);
        report.says(check, "wrong", part);
        assert_eq!(report.code, Some(1));
    }
    let past = "404 Not Found\nDate: Sun, 06 Nov 1994 08:49:37 GMT";
    let front = Front::good(Behind::Answer(past)).await;
    let report = ask(&server, &front.url);
    report.says("clock", "warning", "the server at the public URL is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_where_nobody_speaks_https_is_told() {
    let server = Server::start_with(&good()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let plain = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
            let _: std::io::Result<()> = TcpStream::shutdown(&mut stream).await;
        }
    });
    let report = ask(&server, &url);
    report.says("certificate", "wrong", "does not speak TLS");
    plain.abort();
    let _ = plain.await;
    // Reuses a port on which nothing listens any more.
    let report = ask(&server, &url);
    report.says("public_url", "wrong", "failed to connect");
    report.says("challenge", "unchecked", "nothing answers");
    // The name is too long for a DNS query.
    let report = ask(&server, &format!("https://{}.example", "x".repeat(64)));
    report.says("public_url", "wrong", "does not resolve");
    assert_eq!(report.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_the_running_server_does_not_know_is_not_found() {
    let server = Server::start_with(&good()).await;
    let front = Front::good(Behind::Server(server.public)).await;
    let (secret, token) = (super::APP_SECRET, super::VERIFY_TOKEN);
    let shop = format!("[apps.shop]\napp_secret = {secret:?}\nverify_token = {token:?}\n");
    let file = server.directory.join("hookshelf.toml");
    std::fs::write(file, good() + shop.as_str()).unwrap();
    let report = ask(&server, &front.url);
    report.says("challenge", "wrong", "/webhook/shop is not found (404)");
    report.says("challenge", "ok", "/webhook answers its own challenge");
    let lines = report.lines.iter();
    let apps = lines.filter(|line| line.check == "challenge");
    assert_eq!(
        apps.map(|line| line.app.as_deref()).collect::<Vec<_>>(),
        [Some("default"), Some("shop")]
    );
}
