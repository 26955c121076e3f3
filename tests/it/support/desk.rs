//! A shell beside a running server with some data, as an operator has it.
//!
//! Commands from documents and help texts run here unchanged, except for values that belong to the
//! reader: the path of the configuration, the id of a delivery, the database URL.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use hookshelf::store::{
    consumers::{self, ConsumerKind, NewConsumer},
    follow::Start,
    replays::{self, NewReplay, ReplayChoice},
};

use super::{eventually, postgres::TestDatabase, server::Server};

/// Path of the configuration in the documents.
const CONFIGURATION: &str = "/etc/hookshelf/hookshelf.toml";

/// Database URL in the documents.
const DATABASE: &str = "postgres://user@host/hookshelf";

/// Verbs that exit with 1 if they find problems, and the problems that they find here.
const JUDGES: [(&str, &str); 1] = [(
    "hookshelf doctor",
    "the database of the tests is not durable, on purpose, and no public URL is set",
)];

/// A fake `cloudflared` that reports a tunnel at once.
const TUNNEL: &str = "#!/bin/sh
echo 'INF |  https://three-plain-words.trycloudflare.com  |' >&2
exec sleep 3600
";

/// Meta's POST for a deletion request, signed with openssl:
/// `{"algorithm":"HMAC-SHA256","user_id":"90210"}`.
const DELETION: &str = "signed_request=lFnC4QAmqDv_X9EuO6H4SW0vzlLcBl2E2ZAfBD6NwHQ.\
    eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsInVzZXJfaWQiOiI5MDIxMCJ9";

/// A shell beside a server.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) server: Server,
    /// Delivery id that replaces the ids in documents.
    delivery: String,
}

impl Desk {
    /// Starts a server, sends simulated deliveries of every kind, and writes files with a body, its
    /// headers and a signed request.
    pub(crate) async fn create() -> Self {
        let server = Server::start().await;
        furnish(&server);
        let desk = Self {
            server,
            delivery: String::new(),
        };
        desk.print("hookshelf simulate");
        let shown = desk.print("hookshelf events show 1");
        let delivery = shown.lines().find_map(|it| it.strip_prefix("delivery_id"));
        let delivery = delivery.unwrap().trim().to_owned();
        let desk = Self { delivery, ..desk };
        eventually("conversations and media are listed", async || {
            let lists = ["conversations list --json", "comments list --json"];
            let printed = lists.map(|list| desk.print(&format!("hookshelf {list}")));
            printed.iter().all(|list| !list.is_empty())
        })
        .await;
        desk.print(&format!(
            "hookshelf deliveries show {0} --body > body.json
             hookshelf deliveries show {0} | sed -n 's/^headers *//p' > headers.json",
            desk.delivery
        ));
        desk
    }

    /// Adds the consumer and the destination of the documents, with dead letters at position 42, and
    /// the replays 1 and 2.
    pub(crate) async fn add_consumers(&self) {
        let file = self.server.directory.join("hookshelf.toml");
        let configuration = fs::read_to_string(&file).unwrap();
        let url = "https://chatwoot.example.com/webhooks/instagram";
        let added = format!("[consumers.bot]\n[destinations.chatwoot]\nurl = \"{url}\"\n");
        fs::write(file, format!("{configuration}\n{added}")).unwrap();
        let mut database = self.server.database().await;
        for (name, kind) in [
            ("bot", ConsumerKind::Consumer),
            ("chatwoot", ConsumerKind::Destination),
        ] {
            let new = NewConsumer {
                name,
                kind,
                lane: "person",
                start: Start::Beginning,
            };
            consumers::register(&mut database, new).await.unwrap();
        }
        let bury = "INSERT INTO dead_letters
                    SELECT consumer, position, received_at, 5, now(), now(), 'attempts', 'graph_429',
                        'dead'
                    FROM stored_events, unnest(ARRAY['bot', 'chatwoot']) AS consumer
                    WHERE position = 42";
        sqlx::query(bury).execute(&mut database).await.unwrap();
        // Nobody owns this consumer, so the replays do not end.
        for _ in 1..=2 {
            let new = NewReplay {
                consumer: "former",
                choice: ReplayChoice::default(),
                rate: None,
                note: None,
                operator: "local",
                events: 42,
                after: 0,
                through: 42,
            };
            replays::create(&mut database, new).await.unwrap();
        }
    }

    /// Sends an unsigned delivery and waits until its rejection is stored.
    pub(crate) async fn be_refused(&self) {
        let refused = self.server.post("/webhook", &[], "{}").await;
        assert_eq!(refused.status, 401);
        eventually("the rejection is written down", async || {
            !self.print("hookshelf rejections list --json").is_empty()
        })
        .await;
    }

    /// Path of a file in the working directory of the shell.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        work(&self.server).join(name)
    }

    /// Runs a script.
    pub(crate) fn run(&self, script: &str) -> Output {
        let mut shell = self.command("sh");
        shell.args(["-eu", "-c", &self.own(script)]);
        shell.stdin(Stdio::null()).output().unwrap()
    }

    /// Standard output of a successful script, else all of its output.
    pub(crate) fn try_out(&self, script: &str) -> Result<String, String> {
        let output = self.run(script);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (printed, said) = (text(&output.stdout), text(&output.stderr));
        let judges = JUDGES
            .iter()
            .any(|(call, _)| self.own(script).starts_with(call));
        let found_something = judges && output.status.code() == Some(1) && said.is_empty();
        if output.status.success() || found_something && !printed.is_empty() {
            Ok(printed)
        } else {
            Err(printed + said.as_str())
        }
    }

    /// A command in the environment of this operator.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.server.settle(&mut command);
        let work = work(&self.server);
        command.env("HOME", &work).current_dir(work);
        command
    }

    /// Standard output of a script that must succeed.
    pub(crate) fn print(&self, script: &str) -> String {
        let output = self.run(script);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{script}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Replaces the reader's values in a script.
    pub(crate) fn own(&self, script: &str) -> String {
        let configuration = self.server.directory.join("hookshelf.toml");
        let database = self.server.place.as_ref().map(TestDatabase::url);
        let script = script
            .replace("cargo run -- ", "hookshelf ")
            .replace(CONFIGURATION, &configuration.display().to_string())
            .replace(DATABASE, &database.unwrap_or_default());
        let is_part = |char: char| char.is_ascii_hexdigit() || char == '-';
        let mut text = String::new();
        for piece in script.split_inclusive(|char| !is_part(char)) {
            let word = piece.trim_end_matches(|char| !is_part(char));
            let mine = if is_uuid(word) { &self.delivery } else { word };
            text = text + mine + &piece[word.len()..];
        }
        text
    }
}

fn work(server: &Server) -> PathBuf {
    server.directory.join("desk")
}

/// Puts the program and a fake tunnel on the `PATH`, and writes the signed request.
fn furnish(server: &Server) {
    let bin = server.directory.join("bin");
    fs::create_dir(&bin).unwrap();
    fs::create_dir(work(server)).unwrap();
    symlink(env!("CARGO_BIN_EXE_hookshelf"), bin.join("hookshelf")).unwrap();
    executable(&bin.join("cloudflared"), TUNNEL);
    fs::write(work(server).join("deletion.txt"), DELETION).unwrap();
}

fn executable(path: &Path, script: &str) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.matches('-').count() == 4
}
