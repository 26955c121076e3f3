//! A tab of a browser, over the protocol for drivers of the W3C.
//!
//! The crates for it turn on the feature `preserve_order` of `serde_json` or bring a second TLS; the
//! former would change the program under test.

use std::net::SocketAddr;

use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};

use crate::support::server::try_ask;

/// A tab, in a session with the driver.
pub(super) struct Tab {
    driver: SocketAddr,
    /// Path of the session.
    session: String,
}

/// Path of an element in an answer of the driver.
pub(super) fn path_of(element: &Value) -> Option<String> {
    let id = element.as_object()?.values().next()?.as_str()?;
    Some(format!("/element/{id}"))
}

impl Tab {
    /// Opens a browser with one tab.
    pub(super) async fn open(driver: SocketAddr) -> Self {
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu"];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let mut tab = Self {
            driver,
            session: String::new(),
        };
        let opened = tab.post("/session", wanted).await;
        let opened = opened.expect("Chromium starts; install the package chromium");
        tab.session = format!("/session/{}", opened["sessionId"].as_str().unwrap());
        tab
    }

    /// Sends a command; the error is the message of the driver.
    async fn send(&self, method: &str, command: &str, body: &Value) -> Result<Value, String> {
        let body = match method {
            "POST" => serde_json::to_vec(body).unwrap(),
            _ => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{command}", self.session))
            .header("Host", self.driver.to_string())
            .header("Content-Type", "application/json")
            .body(Full::from(body))
            .unwrap();
        let answer = try_ask(self.driver, request).await.unwrap();
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        match answer.status {
            200 => Ok(said["value"].clone()),
            _ => Err(said["value"]["message"].as_str().unwrap().to_owned()),
        }
    }

    pub(super) async fn post(&self, command: &str, body: Value) -> Result<Value, String> {
        self.send("POST", command, &body).await
    }

    pub(super) async fn get(&self, command: &str) -> Result<Value, String> {
        self.send("GET", command, &Value::Null).await
    }

    /// Path of the first element with this selector, if there is one.
    pub(super) async fn find(&self, selector: &str) -> Option<String> {
        let query = json!({"using": "css selector", "value": selector});
        path_of(&self.post("/element", query).await.ok()?)
    }

    /// Shown text of an element; `None` if it is gone.
    pub(super) async fn text(&self, element: &str) -> Option<String> {
        let text = self.get(&format!("{element}/text")).await.ok()?;
        Some(text.as_str()?.to_owned())
    }

    /// Messages of the console since the last look.
    pub(super) async fn console(&self) -> Vec<Value> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        log.unwrap().as_array().unwrap().clone()
    }

    /// Closes the browser.
    pub(super) async fn close(self) {
        self.send("DELETE", "", &Value::Null).await.unwrap();
    }
}
