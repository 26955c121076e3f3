//! Output of `serve --tunnel`: the program used, the address to paste, how to install a program.

use std::{
    convert::Infallible,
    ffi::OsString,
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::anyhow;
use clap::ValueEnum;
use tokio::sync::watch;

use crate::{
    app::Started,
    config::{PublicUrl, Sources},
    tunnel::Program,
};

/// Values of `--tunnel`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Choice {
    /// Whichever is installed, cloudflared first.
    Any,
    /// Cloudflare's quick tunnel; needs no account.
    Cloudflared,
    /// ngrok; needs an account.
    Ngrok,
}

impl Choice {
    /// The one that is named, if one is.
    fn named(self) -> Option<Program> {
        match self {
            Self::Any => None,
            Self::Cloudflared => Some(Program::Cloudflared),
            Self::Ngrok => Some(Program::Ngrok),
        }
    }
}

/// The program to take and where it is: the wanted one, else the first that is installed.
pub(super) fn installed(choice: Choice, sources: &Sources) -> anyhow::Result<(Program, PathBuf)> {
    let search_path = OsString::from(sources.var("PATH").unwrap_or_default());
    let found = |program: Program| Some((program, program.find(&search_path)?));
    let wanted = choice.named();
    let taken = match wanted {
        Some(program) => found(program),
        None => Program::ALL.into_iter().find_map(found),
    };
    taken.ok_or_else(|| {
        let other = Program::ALL.into_iter().find(|it| found(*it).is_some());
        anyhow!(missing(wanted, other))
    })
}

/// Prints each address as it comes, for as long as it is let.
pub(super) async fn print_addresses(
    program: Program,
    started: Started,
    mut address: watch::Receiver<Option<PublicUrl>>,
) -> Infallible {
    let mut before: Option<PublicUrl> = None;
    loop {
        if address.changed().await.is_err() {
            // The server stops: nothing comes any more.
            std::future::pending::<()>().await;
        }
        let Some(url) = address.borrow_and_update().clone() else {
            continue;
        };
        let mut out = io::stdout();
        let text = opened(program, &url, before.as_ref(), &started);
        // A server whose output nobody reads serves all the same.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        before = Some(url);
    }
}

/// Instructions for the address of a tunnel, and its lifetime.
fn opened(
    program: Program,
    url: &PublicUrl,
    before: Option<&PublicUrl>,
    started: &Started,
) -> String {
    let name = program.name();
    let mut text = match before {
        None => format!("The tunnel of {name} is open: {url}\n"),
        Some(before) if before == url => {
            return format!("The tunnel of {name} is open again at the same address: {url}\n");
        }
        Some(before) => format!(
            "The tunnel of {name} has a NEW ADDRESS: {url}\n  \
             Meta still sends to {before}, which leads nowhere now. Enter the new one:\n"
        ),
    };
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<13} {value}");
    };
    for reached in &started.reached {
        let (app, token) = (&reached.app, reached.verify_token.as_ref());
        let path = url.join(&app.path());
        line("callback URL", &format!("{path}  (app {app})"));
        let none = || "none: set verify_token to answer Meta's challenge".to_owned();
        let token = token.map_or_else(none, ToString::to_string);
        line("verify token", &token);
    }
    line("paste into", PASTE[0]);
    PASTE[1..].iter().for_each(|more| line("", more));
    if let Some(made) = &started.credentials {
        let file = made.path.display();
        let then = format!("write Meta's secrets into {file} in place of app_secret,");
        line("then", &then);
        let and = "and run `hookshelf reload`: until then Meta's deliveries get 401";
        line("", and);
    }
    line("it lasts", &format!("until {name} or this server ends"));
    let next = match program {
        Program::Cloudflared => "has",
        Program::Ngrok => "may have",
    };
    let told = format!("the next start {next} another address; enter the new one at Meta then");
    line("", &told);
    text
}

/// Places in Meta's dashboard to paste the address.
const PASTE: [&str; 3] = [
    "App Dashboard > Instagram > API setup with Instagram login > Configure webhooks",
    "or, with Facebook login: App Dashboard > Webhooks > Instagram",
    "and save; if Meta cannot reach it yet, save again after some seconds",
];

/// Error message for a missing tunnel program, with install instructions.
fn missing(wanted: Option<Program>, other: Option<Program>) -> String {
    let needs = wanted.map_or(
        "cloudflared or ngrok, and neither is on PATH".to_owned(),
        |program| format!("{}, which is not on PATH", program.name()),
    );
    let mut text = format!("--tunnel needs {needs}; nothing was started\n");
    if let Some(other) = other.map(Program::name) {
        let _ = writeln!(text, "{other} is there: hookshelf serve --tunnel {other}");
    }
    text + GET
}

/// Install commands for each program, from their vendors.
const GET: &str = "\
to get one:
  cloudflared (needs no account)
    macOS           brew install cloudflared
    Debian, Ubuntu  curl -LO https://github.com/cloudflare/cloudflared/releases/latest/download/\
cloudflared-linux-$(dpkg --print-architecture).deb
                    sudo apt-get install ./cloudflared-linux-*.deb
  ngrok (needs a free account, and once: ngrok config add-authtoken TOKEN)
    macOS           brew install ngrok
    Debian, Ubuntu  sudo snap install ngrok, or the lines for apt on https://ngrok.com/download
or put a server with TLS in front and set http.public_url: docs/setup.md";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::Reached,
        config::{
            BasePath, SecretSource,
            credentials::{self, Credentials},
        },
    };

    fn url(text: &str) -> PublicUrl {
        PublicUrl::parse(text).unwrap()
    }

    fn started(apps: &[&str], credentials: Option<Credentials>) -> Started {
        let address = "127.0.0.1:1".parse().unwrap();
        let reached = |name: &&str| Reached {
            app: name.parse().unwrap(),
            callback_url: "http://127.0.0.1:1/webhook".to_owned(),
            verify_token: Some(SecretSource::Key {
                key: format!("apps.{name}.verify_token"),
                file: credentials.as_ref().map(|made| made.path.clone()),
            }),
            challenge: None,
            delivery: None,
        };
        Started {
            public: address,
            admin: address,
            base_path: BasePath::default(),
            reached: apps.iter().map(reached).collect(),
            credentials,
            data_dir: PathBuf::new(),
            database: String::new(),
            away: None,
            spool: None,
            left_behind: Vec::new(),
        }
    }

    #[test]
    fn another_address_is_said_loudly_and_the_same_one_in_a_line() {
        let again = |before| {
            let (now, before) = (url("https://b.example"), url(before));
            opened(
                Program::Cloudflared,
                &now,
                Some(&before),
                &started(&["default", "shop"], None),
            )
        };
        let new = again("https://a.example");
        assert!(new.contains("NEW ADDRESS: https://b.example"), "{new}");
        assert!(new.contains("still sends to https://a.example"), "{new}");
        assert!(new.contains("https://b.example/webhook"), "{new}");
        assert_eq!(again("https://b.example").lines().count(), 1);
    }

    fn generated() -> Started {
        let directory = tempfile::tempdir().unwrap();
        let made = credentials::load_or_create(directory.path()).unwrap();
        let path = "/var/lib/hookshelf/credentials.toml".into();
        started(&["default"], Some(Credentials { path, ..made }))
    }

    #[test]
    fn the_page_shows_what_is_printed() {
        let page = include_str!("../../docs/setup.md");
        let address = url("https://three-plain-words.trycloudflare.com");
        let text = opened(Program::Cloudflared, &address, None, &generated());
        assert!(page.contains(&format!("```console\n{text}```\n")), "{text}");
    }
}
