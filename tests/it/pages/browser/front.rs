//! Front of a server for a browser: the admin listener itself, or, in a run below a base path,
//! Debian's Caddy before it.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use http_body_util::Full;
use hyper::Request;

use crate::support::{
    directory::Directory,
    eventually,
    server::{Server, base_path, try_ask},
};

/// Address of the pages.
pub(super) struct Front {
    /// Start of the address of every page.
    pub(super) url: String,
    _proxy: Option<Caddy>,
}

/// A running proxy.
struct Caddy {
    process: Child,
    _directory: Directory,
}

impl Front {
    pub(super) async fn of(server: &Server) -> Self {
        let base = base_path();
        if base.is_empty() {
            let url = format!("http://{}", server.admin);
            return Self { url, _proxy: None };
        }
        let (proxy, address) = Caddy::start(server.admin, &base).await;
        Self {
            url: format!("http://{address}{base}"),
            _proxy: Some(proxy),
        }
    }
}

impl Caddy {
    /// Starts a proxy that passes on the paths below `base`, and no other.
    async fn start(upstream: SocketAddr, base: &str) -> (Self, SocketAddr) {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let directory = Directory::create();
        let file = directory.join("Caddyfile");
        let configuration = format!(
            "{{\n\tadmin off\n}}\nhttp://{address} {{\n\tbind 127.0.0.1\n\
             \thandle {base}/* {{\n\t\treverse_proxy {upstream}\n\t}}\n\trespond 404\n}}\n"
        );
        fs::write(&file, configuration).unwrap();
        let process = Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(&file)
            .env("HOME", directory.path())
            .env("XDG_DATA_HOME", directory.path())
            .env("XDG_CONFIG_HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("caddy is in PATH; install the package caddy");
        let caddy = Self {
            process,
            _directory: directory,
        };
        let probe = format!("{base}/healthz");
        eventually("Caddy answers", async || {
            let request = Request::get(&probe).header("Host", address.to_string());
            let request = request.body(Full::default()).unwrap();
            let answer = try_ask(address, request).await;
            answer.is_ok_and(|answer| answer.status == 200)
        })
        .await;
        (caddy, address)
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
