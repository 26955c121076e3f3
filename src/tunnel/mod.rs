//! A way to this server from the public internet: `cloudflared` or `ngrok`, run as a child.
//!
//! For the first hours, where no public https URL leads here yet. This room knows the two
//! programs: where they are found, how they are called, how the address is read out of what they
//! say. It makes one run of them at a time; starting again is the matter of whoever asked.

mod lines;
mod running;

use std::{
    borrow::Cow,
    ffi::OsStr,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use serde::Deserialize;

pub use running::{Ended, News, Running};

use crate::config::{PublicUrl, reachable};

/// How long a program may take to say an address before this is worth a word.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The hosts of quick tunnels, and the one that gives them out.
const CLOUDFLARE: &str = ".trycloudflare.com";
const CLOUDFLARE_SERVICE: &str = "https://api.trycloudflare.com";

/// A program that makes tunnels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Cloudflare's, which needs no account.
    Cloudflared,
    /// ngrok's, which needs one.
    Ngrok,
}

impl Program {
    /// All, the first one to be taken first.
    pub const ALL: [Self; 2] = [Self::Cloudflared, Self::Ngrok];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloudflared => "cloudflared",
            Self::Ngrok => "ngrok",
        }
    }

    /// Where it is installed, by the value of `PATH`.
    pub fn find(self, search_path: &OsStr) -> Option<PathBuf> {
        std::env::split_paths(search_path)
            .map(|dir| dir.join(self.name()))
            .find(|path| is_program(path))
    }

    /// What it is called with to lead to `target`. No secret is among it: whoever lists the
    /// processes sees it.
    fn arguments(self, target: SocketAddr) -> Vec<String> {
        let target = format!("http://{target}");
        let fixed: &[&str] = match self {
            // A configuration of the user's own tunnels would answer 404 for this one. An update
            // would start a process of its own.
            Self::Cloudflared => &[
                "tunnel",
                "--config",
                "/dev/null",
                "--no-autoupdate",
                "--loglevel",
                "info",
                "--url",
                &target,
            ],
            Self::Ngrok => &[
                "http",
                "--log",
                "stdout",
                "--log-format",
                "json",
                "--log-level",
                "info",
                &target,
            ],
        };
        fixed.iter().map(|it| (*it).to_owned()).collect()
    }

    /// A line that it said, for a person to read.
    fn readable(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Cloudflared => line.into(),
            Self::Ngrok => without_json(line),
        }
    }

    /// The address in a line that it said.
    fn address(self, line: &str) -> Option<PublicUrl> {
        match self {
            Self::Cloudflared => quick_tunnel(line),
            Self::Ngrok => started_tunnel(line),
        }
    }
}

/// A tunnel that can be started again and again.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// Which program.
    pub program: Program,
    /// Where it is.
    pub path: PathBuf,
    /// Where it is to lead.
    pub target: SocketAddr,
    /// Variables of the environment that are not its business.
    pub hidden: Vec<String>,
    /// How long it may take to say an address before it is called silent.
    pub patience: Duration,
}

/// The addresses that deliveries through a tunnel come from: this machine's own.
pub fn peers(listens: SocketAddr) -> [IpNet; 3] {
    [
        Ipv4Addr::LOCALHOST.into(),
        Ipv6Addr::LOCALHOST.into(),
        reachable(listens).ip(),
    ]
    .map(IpNet::from)
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

/// `cloudflared` draws a box around the address; an error may name the service instead.
fn quick_tunnel(line: &str) -> Option<PublicUrl> {
    let start = line.find("https://")?;
    let is_end = |char: char| !char.is_ascii_alphanumeric() && !":/.-".contains(char);
    let url = line[start..].split(is_end).next()?;
    (url.ends_with(CLOUDFLARE) && url != CLOUDFLARE_SERVICE)
        .then(|| PublicUrl::parse(url))
        .flatten()
}

/// `ngrok` says one JSON object a line; older ones start an http tunnel beside the https one.
fn started_tunnel(line: &str) -> Option<PublicUrl> {
    #[derive(Deserialize)]
    struct Line {
        msg: String,
        url: String,
    }
    let line: Line = serde_json::from_str(line).ok()?;
    line.msg
        .starts_with("started ")
        .then(|| PublicUrl::parse(&line.url))
        .flatten()
}

/// What `ngrok` says in a line of JSON, with why where there is a reason.
fn without_json(line: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        msg: Cow<'a, str>,
        #[serde(borrow, default)]
        err: Cow<'a, str>,
    }
    match serde_json::from_str(line) {
        Ok(Line { msg, err }) if matches!(&*err, "" | "nil" | "<nil>") => msg.into_owned().into(),
        Ok(Line { msg, err }) => format!("{msg}: {err}").into(),
        Err(_) => line.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(program: Program, line: &str) -> Option<String> {
        program.address(line).map(|url| url.to_string())
    }

    #[test]
    fn the_address_is_read_out_of_the_box_of_cloudflared() {
        let read = |line| read(Program::Cloudflared, line);
        let box_line =
            "2026-11-21T03:00:00Z INF |  https://three-plain-words.trycloudflare.com    |";
        let expected = Some("https://three-plain-words.trycloudflare.com".to_owned());
        assert_eq!(read(box_line), expected);
        let json =
            r#"{"level":"info","message":"|  https://three-plain-words.trycloudflare.com  |"}"#;
        assert_eq!(read(json), expected);
        for other in [
            "INF Thank you for trying Cloudflare Tunnel (https://www.cloudflare.com/website-terms/)",
            "INF Requesting new quick Tunnel on trycloudflare.com...",
            r#"failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": no host"#,
            "see https://api.trycloudflare.com",
            "http://three-plain-words.trycloudflare.com",
            "https://three-plain-words.trycloudflare.com.example.org",
            "https://example.org/?https://a.trycloudflare.com",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn the_address_is_read_out_of_the_lines_of_ngrok() {
        let read = |line| read(Program::Ngrok, line);
        let line = r#"{"addr":"http://127.0.0.1:8080","lvl":"info","msg":"started tunnel",
            "name":"command_line","obj":"tunnels","url":"https://ab12.ngrok-free.app"}"#;
        assert_eq!(read(line), Some("https://ab12.ngrok-free.app".to_owned()));
        for other in [
            r#"{"msg":"started tunnel","url":"http://ab12.ngrok.io"}"#,
            r#"{"msg":"failed to reconnect session","err":"see https://ngrok.com"}"#,
            r#"{"msg":"starting web service","addr":"127.0.0.1:4040"}"#,
            r#"{"msg":"client update","url":"https://ngrok.com"}"#,
            r#"{"msg":"started tunnel","url":"https://"}"#,
            "ERROR: https://dashboard.ngrok.com",
            "[]",
            "",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn lines_of_json_are_readable() {
        for (line, shown) in [
            (
                r#"{"lvl":"info","msg":"started","err":"\u003cnil\u003e"}"#,
                "started",
            ),
            (r#"{"lvl":"info","msg":"start"}"#, "start"),
            (
                r#"{"err":"no \"host\"","msg":"failed"}"#,
                "failed: no \"host\"",
            ),
            ("ERROR: in words", "ERROR: in words"),
            (r#"{"msg":7}"#, r#"{"msg":7}"#),
        ] {
            assert_eq!(Program::Ngrok.readable(line), shown);
        }
        assert_eq!(Program::Cloudflared.readable("{}"), "{}");
    }

    #[test]
    fn a_tunnel_leads_to_its_target() {
        let arguments = Program::Cloudflared.arguments("[::1]:8080".parse().unwrap());
        assert_eq!(arguments.last().unwrap(), "http://[::1]:8080");
    }

    #[test]
    fn only_what_can_be_run_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ngrok");
        std::fs::write(&file, "").unwrap();
        let path = std::env::join_paths([Path::new("/nowhere"), dir.path()]).unwrap();
        assert_eq!(Program::Ngrok.find(&path), None);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(Program::Ngrok.find(&path), Some(file));
        assert_eq!(Program::Cloudflared.find(&path), None);
    }
}
