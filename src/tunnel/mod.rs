//! Tunnel from the public internet to this server: `cloudflared` or `ngrok`, run as a child
//! process.
//!
//! For a first setup without a public https URL. This module finds the two programs, builds their
//! arguments, and parses the address from their output. It makes one run at a time; restarts are up
//! to the caller.

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

pub use running::{Ended, Running, TunnelEvent};

use crate::config::{PublicUrl, reachable};

/// Time without an address after which a warning is logged.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Host suffix of quick tunnels, and the URL of the service that assigns them.
const CLOUDFLARE: &str = ".trycloudflare.com";
const CLOUDFLARE_SERVICE: &str = "https://api.trycloudflare.com";

/// A tunnel program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `cloudflared` of Cloudflare, which needs no account.
    Cloudflared,
    /// `ngrok`, which needs an account.
    Ngrok,
}

impl Program {
    /// All programs, in order of preference.
    pub const ALL: [Self; 2] = [Self::Cloudflared, Self::Ngrok];

    /// Name of the executable.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloudflared => "cloudflared",
            Self::Ngrok => "ngrok",
        }
    }

    /// Searches the directories of `PATH`.
    pub fn find(self, search_path: &OsStr) -> Option<PathBuf> {
        std::env::split_paths(search_path)
            .map(|dir| dir.join(self.name()))
            .find(|path| is_program(path))
    }

    /// Command line arguments for a tunnel to `target`. They contain no secret, since every user
    /// can list the arguments of processes.
    fn arguments(self, target: SocketAddr) -> Vec<String> {
        let target = format!("http://{target}");
        let fixed: &[&str] = match self {
            // A configuration of the user's own tunnels would answer 404 for this tunnel. An update
            // would start a separate process.
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

    /// Converts an output line for people.
    fn readable(self, line: &str) -> Cow<'_, str> {
        match self {
            Self::Cloudflared => line.into(),
            Self::Ngrok => without_json(line),
        }
    }

    /// Parses the address in an output line.
    fn address(self, line: &str) -> Option<PublicUrl> {
        match self {
            Self::Cloudflared => quick_tunnel(line),
            Self::Ngrok => started_tunnel(line),
        }
    }
}

/// A tunnel that can be started any number of times.
#[derive(Clone, Debug)]
pub struct Tunnel {
    /// The program to run.
    pub program: Program,
    /// Path of the program.
    pub path: PathBuf,
    /// Address of the local listener.
    pub target: SocketAddr,
    /// Environment variables to hide from the program.
    pub hidden: Vec<String>,
    /// Time without an address after which the tunnel counts as silent.
    pub patience: Duration,
}

/// Source addresses of deliveries through a tunnel: this machine's own.
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

/// Parses the box that `cloudflared` draws around the address. An error may contain the URL of the
/// service instead.
fn quick_tunnel(line: &str) -> Option<PublicUrl> {
    let start = line.find("https://")?;
    let is_end = |char: char| !char.is_ascii_alphanumeric() && !":/.-".contains(char);
    let url = line[start..].split(is_end).next()?;
    (url.ends_with(CLOUDFLARE) && url != CLOUDFLARE_SERVICE)
        .then(|| PublicUrl::parse(url))
        .flatten()
}

/// Parses a line of `ngrok`, which writes JSON. Older versions start an http tunnel beside the
/// https tunnel.
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

/// Message of a JSON line of `ngrok`, with the error if there is one.
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
