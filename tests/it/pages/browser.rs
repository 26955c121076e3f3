//! Journeys of an operator in a real browser, while its console and its policy stay silent.
//!
//! They need Debian's `chromium` and `chromium-driver`, so `cargo test` alone leaves them out.

mod events;
mod live;

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use serde_json::{Value, json};
use thirtyfour::{LoggingPrefsLogLevel, TypingData, prelude::*};

use crate::support::{directory::Directory, server::Server};

/// Size of a desk and of a phone, in CSS pixels.
const DESK: (u32, u32) = (1440, 900);
const PHONE: (u32, u32) = (375, 800);

/// Time for a page to change.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two looks.
const SOON: Duration = Duration::from_millis(50);

/// A browser with one tab, on the pages of a server.
struct Browser {
    tab: WebDriver,
    server: Server,
    driver: Driver,
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
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ["--headless=new", "--no-sandbox", "--disable-gpu"] {
            wanted.add_arg(argument).unwrap();
        }
        wanted
            .set_browser_log_level(LoggingPrefsLogLevel::All)
            .unwrap();
        let tab = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted);
        let browser = Self {
            tab: tab
                .await
                .expect("Chromium starts; install the package chromium"),
            server,
            driver,
        };
        browser.resize(DESK).await;
        browser
    }

    /// Sets the size of the window.
    async fn resize(&self, (width, height): (u32, u32)) {
        self.tab.set_window_rect(0, 0, width, height).await.unwrap();
    }

    /// Scripts are off from the next page on.
    async fn without_scripts(&self) {
        let off = json!({"value": true});
        self.tell("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// Prefers a color scheme of the system.
    async fn prefer(&self, scheme: &str) {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.tell("Emulation.setEmulatedMedia", feature).await;
    }

    /// Sends a command of Chromium's own protocol.
    async fn tell(&self, command: &str, arguments: Value) {
        let protocol = self.tab.cdp();
        protocol.send_raw(command, arguments).await.unwrap();
    }

    /// Opens a page.
    async fn visit(&self, path: &str) {
        let url = format!("http://{}{path}", self.server.admin);
        self.tab.goto(url).await.unwrap();
    }

    /// Waits for an element.
    async fn see(&self, selector: &str) -> WebElement {
        let found = self.tab.query(By::Css(selector.to_owned()));
        let found = found.wait(PATIENCE, SOON);
        found.first().await.unwrap()
    }

    /// Waits until an element is gone.
    async fn see_no_more(&self, selector: &str) {
        let query = self.tab.query(By::Css(selector.to_owned()));
        let query = query.wait(PATIENCE, SOON);
        assert!(query.not_exists().await.unwrap(), "{selector} stays");
    }

    /// Clicks an element.
    async fn click(&self, selector: &str) {
        self.see(selector).await.click().await.unwrap();
    }

    /// Presses keys, without a field.
    async fn press(&self, keys: impl Into<TypingData>) {
        let keys: TypingData = keys.into();
        let action = self.tab.action_chain().send_keys(keys);
        action.perform().await.unwrap();
    }

    /// Value of a script.
    async fn value(&self, script: &str) -> Value {
        let value = self.tab.execute(script, Vec::new()).await.unwrap();
        value.json().clone()
    }

    /// Expects that nothing was refused by the policy or reported on the console, and closes.
    async fn close(self) {
        let entries = self.tab.browser_log().await.unwrap();
        let said: Vec<_> = entries.iter().map(|it| format!("{it:?}")).collect();
        self.tab.quit().await.unwrap();
        assert!(said.is_empty(), "the console says {said:?}");
        drop(self.driver);
    }
}
