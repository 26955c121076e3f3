//! Journeys of an operator in a real browser, while its console and its policy stay silent.
//!
//! They need Debian's `chromium` and `chromium-driver`, so `cargo test` alone leaves them out.

mod accessibility;
mod chat;
mod events;
mod export;
mod front;
mod journeys;
mod keys;
mod live;
mod look;
mod measure;
mod palette;
mod preferences;
mod swaps;
mod tab;
mod tail;
mod views;

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};

use self::{
    front::Front,
    look::Look,
    tab::{Tab, path_of},
};
use crate::{
    api::{Desk, token},
    support::{directory::Directory, eventually, server::Server},
};

/// Size of a desk and of a phone, in CSS pixels.
const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (375, 800);

/// Keys without a letter.
const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";
const END: &str = "\u{e010}";

/// A browser with one tab, on the pages of a server.
struct Browser {
    tab: Tab,
    server: Server,
    front: Front,
    _driver: Driver,
    look: Look,
}

/// The process that drives the browser, in a process group of its own.
struct Driver {
    process: Child,
    _directory: Directory,
}

impl Driver {
    /// Starts the driver. Returns it with its port.
    fn start() -> (Self, u16) {
        let directory = Directory::create();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", directory.path())
            .env("HOME", directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is in PATH; install the package chromium-driver");
        let output = BufReader::new(process.stdout.take().unwrap());
        let port = output.lines().map_while(Result::ok).find_map(|line| {
            let said = line.split_once("successfully on port ")?.1;
            said.trim_end_matches('.').parse().ok()
        });
        let driver = Self {
            process,
            _directory: directory,
        };
        (driver, port.expect("the driver says its port"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.process.id().try_into().unwrap());
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Opens a browser of the size of a desk.
    async fn open(server: Server) -> Self {
        let (driver, port) = Driver::start();
        let browser = Self {
            tab: Tab::open(([127, 0, 0, 1], port).into()).await,
            front: Front::of(&server).await,
            server,
            _driver: driver,
            look: Look::USUAL,
        };
        browser.resize(DESK).await;
        browser
    }

    async fn post(&self, command: &str, body: Value) -> Value {
        let answer = self.tab.post(command, body).await;
        answer.unwrap_or_else(|said| panic!("{command}: {said}"))
    }

    /// Sets the size of the window.
    async fn resize(&self, (width, height): (u32, u32)) {
        let size = json!({"width": width, "height": height});
        self.post("/window/rect", size).await;
    }

    /// Scripts are off from the next page on.
    async fn without_scripts(&self) {
        let off = json!({"value": true});
        self.tell("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// Prefers a color scheme of the system, and no motion: a color is at once what it will be.
    async fn prefer(&self, scheme: &str) {
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        let media = json!({"features": features});
        self.tell("Emulation.setEmulatedMedia", media).await;
    }

    /// Sends a command of Chromium's own protocol.
    async fn tell(&self, command: &str, arguments: Value) -> Value {
        let command = json!({"cmd": command, "params": arguments});
        self.post("/goog/cdp/execute", command).await
    }

    /// Opens a page.
    async fn visit(&self, path: &str) {
        let url = format!("{}{path}", self.front.url);
        self.post("/url", json!({"url": url})).await;
    }

    /// Goes back to the page before.
    async fn go_back(&self) {
        self.post("/back", json!({})).await;
    }

    /// Address of the page.
    async fn address(&self) -> String {
        let address = self.tab.get("/url").await.unwrap();
        address.as_str().unwrap().to_owned()
    }

    /// Waits for an element. Returns its path.
    async fn see(&self, selector: &str) -> String {
        eventually(selector, async || self.tab.find(selector).await.is_some()).await;
        self.tab.find(selector).await.unwrap()
    }

    /// Waits until an element is gone.
    async fn see_no_more(&self, selector: &str) {
        let gone = format!("{selector} is gone");
        eventually(&gone, async || self.tab.find(selector).await.is_none()).await;
    }

    /// Waits until an element has a text.
    async fn read(&self, selector: &str, text: &str) {
        let what = format!("{selector} says {text}");
        eventually(&what, async || match self.tab.find(selector).await {
            Some(element) => self.tab.text(&element).await.as_deref() == Some(text),
            None => false,
        })
        .await;
    }

    /// Clicks an element, also if a swap replaces it meanwhile.
    async fn click(&self, selector: &str) {
        let what = format!("{selector} is clicked");
        eventually(&what, async || {
            let click = format!("{}/click", self.see(selector).await);
            match self.tab.post(&click, json!({})).await {
                Ok(_) => true,
                Err(said) => {
                    assert!(said.starts_with("stale element"), "{what}: {said}");
                    false
                }
            }
        })
        .await;
    }

    /// Presses keys, one after the other.
    async fn press(&self, keys: &str) {
        let press = |key: char| {
            [
                json!({"type": "keyDown", "value": key}),
                json!({"type": "keyUp", "value": key}),
            ]
        };
        let keys: Vec<_> = keys.chars().flat_map(press).collect();
        let actions = json!({"actions": [{"type": "key", "id": "keys", "actions": keys}]});
        self.post("/actions", actions).await;
    }

    /// Value of a script.
    async fn value(&self, script: &str) -> Value {
        let script = json!({"script": script, "args": []});
        self.post("/execute/sync", script).await
    }

    /// Kills the server, and starts another one in its place.
    fn kill_server(self) -> Self {
        let server = self.server;
        let listeners = [server.admin, server.public].map(|it| it.to_string());
        server.signal(Signal::SIGKILL);
        let (_, directory, place) = server.wait();
        let variables = [
            ("HOOKSHELF__ADMIN__LISTEN", Path::new(&listeners[0])),
            ("HOOKSHELF__HTTP__LISTEN", Path::new(&listeners[1])),
        ];
        Self {
            server: Server::start_where(directory, place, &variables),
            ..self
        }
    }

    /// Expects that nothing was refused by the policy or reported on the console, and closes. The
    /// server goes on.
    async fn leave(self) -> Server {
        let said = self.tab.console().await;
        self.tab.close().await;
        assert!(said.is_empty(), "the console says {said:?}");
        self.server
    }

    /// The same, and stops the server.
    async fn close(self) {
        drop(self.leave().await);
    }
}
