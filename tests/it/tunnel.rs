//! `serve --tunnel` with fake programs, which print the output of the real programs and open no
//! tunnel.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    errno::Errno,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    directory::Directory,
    eventually,
    message::EMPTY,
    postgres::TestDatabase,
    server::{SECRET, Server, apps},
};
use hookshelf::meta::signature::sign;

/// Output of `cloudflared` up to the creation of a quick tunnel.
const CLOUDFLARED: &str = r#"
say() { echo "2026-11-21T03:00:00Z $*" >&2; }
say "ERR Configuration file /dev/null was empty"
say "INF Thank you for trying Cloudflare Tunnel (https://www.cloudflare.com/website-terms/)"
say "INF Requesting new quick Tunnel on trycloudflare.com..."
say "INF +----------------------------------------------------------------------+"
say "INF |  Your quick Tunnel has been created! Visit it at (it may take some time to be reachable):  |"
say "INF |  https://$name.trycloudflare.com                         |"
say "INF +----------------------------------------------------------------------+"
say "INF Registered tunnel connection connIndex=0 protocol=quic"
"#;

/// Output of `ngrok`.
const NGROK: &str = r#"
echo '{"lvl":"info","msg":"no configuration paths supplied","t":"2026-11-21T03:00:00Z"}'
echo '{"addr":"127.0.0.1:4040","lvl":"info","msg":"starting web service","obj":"web"}'
echo '{"addr":"http://127.0.0.1:8080","lvl":"info","msg":"started tunnel","name":"command_line","obj":"tunnels","url":"https://'$name'.ngrok-free.app"}'
"#;

/// Waits to be killed.
const STAYS: &str = "exec sleep 600";

/// A server with a tunnel, and the directory with the fake programs.
struct Tunnelled {
    server: Server,
    programs: PathBuf,
}

impl Tunnelled {
    /// Starts a server with these scripts as programs. Each first records its process id, arguments
    /// and environment.
    async fn start(arguments: &[&str], programs: &[(&str, &str)]) -> Self {
        let directory = Directory::create();
        let database = TestDatabase::create().await;
        let configuration = apps(["default", "shop"]);
        fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
        let dir = directory.join("programs");
        fs::create_dir(&dir).unwrap();
        for (name, script) in programs {
            write_program(&dir, name, script);
        }
        let arguments = [&["--tunnel"], arguments].concat();
        let server = Server::start_called(directory, Some(database), &arguments, Some(&dir));
        let programs = dir;
        Self { server, programs }
    }

    async fn says(&self, part: &str) {
        let what = format!("it says {part:?}");
        eventually(&what, async || self.server.said_later().contains(part)).await;
    }

    async fn logs(&self, part: &str) {
        let what = format!("the log has {part:?}");
        eventually(&what, async || self.server.log().contains(part)).await;
    }

    /// Recorded value of a fake program.
    fn noted(&self, what: &str) -> String {
        fs::read_to_string(self.programs.join(what)).unwrap()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.noted("pid").trim().parse().unwrap())
    }
}

/// Writes a program with a second process. If this process wrote the file, a concurrently forked
/// child could inherit the open descriptor, and executing the file would fail with ETXTBSY.
fn write_program(dir: &Path, name: &str, script: &str) {
    let draft = dir.join("draft");
    let here = dir.display();
    let note = r#"echo $$ >"$here/pid"; echo "$@" >"$here/arguments"; env >"$here/env""#;
    let text = format!("#!/bin/sh\nhere='{here}'\n{note}\n{script}\n");
    fs::write(&draft, text).unwrap();
    let mut install = Command::new("install");
    install.args(["-m", "755"]).arg(&draft).arg(dir.join(name));
    assert!(install.status().unwrap().success());
}

async fn is_gone(pid: Pid) {
    eventually("the tunnel is gone", async || {
        kill(pid, None) == Err(Errno::ESRCH)
    })
    .await;
}

#[tokio::test]
async fn the_address_of_cloudflared_is_printed_with_all_that_is_to_be_pasted() {
    let script = format!("name=three-plain-words\n{CLOUDFLARED}{STAYS}");
    let tunnelled = Tunnelled::start(&[], &[("cloudflared", &script), ("ngrok", STAYS)]).await;
    tunnelled.says("the next start has another address").await;
    let said = tunnelled.server.said_later();
    for part in [
        "The tunnel of cloudflared is open: https://three-plain-words.trycloudflare.com\n",
        "https://three-plain-words.trycloudflare.com/webhook  (app default)\n",
        "https://three-plain-words.trycloudflare.com/webhook/shop  (app shop)\n",
        "verify_token of [apps.default]",
        "App Dashboard > Instagram > API setup with Instagram login",
        "App Dashboard > Webhooks > Instagram",
    ] {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
    let before = tunnelled.server.said().join("\n");
    assert!(
        before.contains("follows below as soon as cloudflared"),
        "{before}"
    );
    let (arguments, env) = (tunnelled.noted("arguments"), tunnelled.noted("env"));
    let target = format!("--url http://127.0.0.1:{}", tunnelled.server.public.port());
    assert!(arguments.starts_with("tunnel ") && arguments.trim().ends_with(&target));
    assert!(arguments.contains("--no-autoupdate") && !arguments.contains(SECRET));
    assert!(
        !env.contains("HOOKSHELF_") && !env.contains("DATABASE_URL"),
        "{env}"
    );

    let pid = tunnelled.pid();
    let (status, ..) = tunnelled.server.stop();
    assert!(status.success());
    is_gone(pid).await;
}

#[tokio::test]
async fn ngrok_is_taken_where_it_is_named_and_ends_even_with_a_killed_server() {
    let script = format!("name=ab12\n{NGROK}{STAYS}");
    let programs = [("ngrok", &*script), ("cloudflared", STAYS)];
    let tunnelled = Tunnelled::start(&["ngrok"], &programs).await;
    tunnelled
        .says("The tunnel of ngrok is open: https://ab12.ngrok-free.app\n")
        .await;
    tunnelled
        .says("https://ab12.ngrok-free.app/webhook  (app default)\n")
        .await;
    tunnelled
        .says("the next start may have another address")
        .await;
    assert!(tunnelled.noted("arguments").starts_with("http "));
    let pid = tunnelled.pid();
    assert_eq!(kill(pid, None), Ok(()));
    tunnelled.server.signal(Signal::SIGKILL);
    is_gone(pid).await;
}

#[tokio::test]
async fn one_that_ends_is_told_of_started_again_and_its_new_address_is_said_loudly() {
    let script = format!(
        "if [ -e \"$here/again\" ]; then name=second; else name=first; fi\n{CLOUDFLARED}
        [ -e \"$here/again\" ] && {STAYS}
        touch \"$here/again\"; echo 'unregistered: the last words' >&2; exit 7"
    );
    let tunnelled = Tunnelled::start(&[], &[("cloudflared", &script)]).await;
    tunnelled
        .says("has a NEW ADDRESS: https://second.trycloudflare.com\n")
        .await;
    tunnelled
        .says("https://second.trycloudflare.com/webhook/shop")
        .await;
    let said = tunnelled.server.said_later();
    assert!(
        said.contains("still sends to https://first.trycloudflare.com"),
        "{said}"
    );
    let log = tunnelled.server.log();
    for part in [
        "tunnel ended; restarting it",
        "exit status: 7",
        "the last words",
        "restart_in=1s",
    ] {
        assert!(log.contains(part), "no {part:?} in:\n{log}");
    }
}

#[tokio::test]
async fn garbage_is_no_address_and_hides_no_server() {
    let script = format!(
        "head -c 100000 /dev/urandom; head -c 100000 /dev/zero; echo
        echo 'see https://api.trycloudflare.com or http://example.org or https://'
        echo 'Your authtoken: 2abcDEF0123456789_0123456789abcdefGHI' >&2
        name=late\n{CLOUDFLARED}{STAYS}"
    );
    let tunnelled = Tunnelled::start(&["cloudflared"], &[("cloudflared", &script)]).await;
    tunnelled
        .says("is open: https://late.trycloudflare.com\n")
        .await;
    assert_eq!(tunnelled.server.said_later().matches("is open").count(), 1);
    assert_eq!(tunnelled.server.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn one_that_fails_at_once_does_not_disturb_and_tells_no_secret() {
    let script = "echo 'ERROR: Your authtoken: 2abcDEF0123456789_0123456789abcdefGHI' >&2; exit 1";
    let tunnelled = Tunnelled::start(&[], &[("ngrok", script)]).await;
    tunnelled.logs("Your authtoken: [hidden]").await;
    assert!(!tunnelled.server.log().contains("2abcDEF0123456789"));
    assert_eq!(
        tunnelled.server.deliver("/webhook", EMPTY).await.status,
        200
    );
    let (status, ..) = tunnelled.server.stop();
    assert!(status.success());
}

#[tokio::test]
async fn deliveries_through_it_are_recorded_with_who_sent_them() {
    let tunnelled = Tunnelled::start(&[], &[("cloudflared", STAYS)]).await;
    let signature = sign(&SECRET.to_owned().into(), EMPTY.as_bytes());
    let headers = [
        ("X-Hub-Signature-256", &*signature),
        ("X-Forwarded-For", "198.51.100.66, 203.0.113.9"),
    ];
    let answer = tunnelled.server.post("/webhook", &headers, EMPTY).await;
    assert_eq!(answer.status, 200);
    let sender: String = sqlx::query_scalar("SELECT host(remote_addr) FROM deliveries")
        .fetch_one(&mut tunnelled.server.database().await)
        .await
        .unwrap();
    assert_eq!(
        sender, "203.0.113.9",
        "the tunnel adds the right end, a stranger the left"
    );
}

#[test]
fn without_a_program_it_says_how_to_get_one() {
    let directory = Directory::create();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hookshelf"))
            .args(["serve", "--tunnel"])
            .args(arguments)
            .env_clear()
            .env("PATH", directory.path())
            .env("HOOKSHELF__DATA_DIR", directory.join("data"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(!directory.join("data").exists(), "nothing was started");
        String::from_utf8(output.stderr).unwrap()
    };
    let said = run(&[]);
    for part in [
        "cloudflared or ngrok",
        "brew install",
        "apt-get install",
        "add-authtoken",
    ] {
        assert!(said.contains(part), "no {part:?} in:\n{said}");
    }
    write_program(directory.path(), "cloudflared", STAYS);
    let said = run(&["ngrok"]);
    assert!(
        said.contains("hookshelf serve --tunnel cloudflared"),
        "{said}"
    );
}
