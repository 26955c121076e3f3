//! Reading verbs with `--url`: the same output as over the database, clear refusals, streams and
//! exports that survive interruptions.

mod both;
mod export;
mod refused;
mod tail;

use std::process::{Command, Stdio};

use crate::support::{
    message::message,
    server::{Server, apps},
};

/// Token of a role.
fn token(role: &str) -> String {
    format!("hsk_token-of-{role}-0123456789abcdef0123456789abcdef")
}

/// Configuration with an app and the tokens of two roles.
fn configuration() -> String {
    let table = |role: &str| {
        let token = token(role);
        format!("[[admin.tokens]]\nname = '{role}'\nrole = '{role}'\ntoken = '{token}'\n")
    };
    let [viewer, privacy] = ["viewer", "privacy"].map(table);
    format!("{}{viewer}content = true\n{privacy}", apps(["default"]))
}

impl Server {
    fn url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// A verb on another machine: without configuration and database, with this URL and the token
    /// of a role.
    fn verb_elsewhere(&self, role: &str, arguments: &[&str]) -> Command {
        let mut command = elsewhere(&self.url(), arguments);
        command.env("HOOKSHELF_TOKEN", token(role));
        command
    }

    async fn store(&self, mids: impl IntoIterator<Item = String>) {
        for mid in mids {
            let answer = self.deliver("/webhook", message(&mid, &mid)).await;
            assert_eq!(answer.status, 200);
        }
    }
}

/// A verb that asks the server at `url`, in an empty environment.
fn elsewhere(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    command.env_clear().env("HOOKSHELF_URL", url);
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Exit code, output and error output.
fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}
