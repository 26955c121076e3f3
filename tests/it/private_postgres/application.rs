//! An application that can be killed: a second process of this test binary that runs a private
//! Postgres.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use hookshelf::store::private::PrivatePostgres;

use super::settings;
use crate::support::directory::{Directory, is_open_to_all};

/// Variable that passes the data directory to the second process.
const DATA_DIR: &str = "HOOKSHELF_TEST_DATA_DIR";

/// Line that the second process prints once its Postgres answers.
const READY: &str = "the private Postgres is ready";

/// The second process. It ends with its input, so it does not outlive this process.
pub(super) struct Application {
    process: Child,
    /// Kept open, because a test binary that cannot print fails.
    output: BufReader<ChildStdout>,
    _program: Option<Directory>,
}

impl Application {
    /// Starts the process and waits until its Postgres answers.
    pub(super) fn start(directory: &Directory, user: Option<(u32, u32)>) -> Self {
        let mut this = Self::spawn(directory, user);
        let mut lines = this.output.by_ref().lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains(READY)),
            "the application does not start"
        );
        this
    }

    /// Starts the process without waiting.
    pub(super) fn spawn(directory: &Directory, user: Option<(u32, u32)>) -> Self {
        let program = std::env::current_exe().unwrap();
        let copy = user.and_then(|_| reachable_copy(&program));
        let program = copy.as_ref().map_or(program, |copy| copy.join("it"));
        let mut command = Command::new(program);
        command.args(["--exact", "--ignored", "--nocapture"]);
        command.arg("private_postgres::application::the_application");
        command.env(DATA_DIR, directory.path()).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            output,
            _program: copy,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills the process without any cleanup.
    pub(super) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Ends the process in order.
    pub(super) fn end(mut self) {
        drop(self.process.stdin.take());
        assert!(
            self.process.wait().unwrap().success(),
            "the application ends in order"
        );
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// A copy of the program in a directory open to all users, if the program itself is not accessible
/// to them.
fn reachable_copy(program: &Path) -> Option<Directory> {
    if is_open_to_all(program) {
        return None;
    }
    let directory = Directory::create();
    let copy: PathBuf = directory.join("it");
    std::fs::copy(program, copy).unwrap();
    Some(directory)
}

#[tokio::test]
#[ignore = "the other process of tests that need one"]
async fn the_application() {
    let Some(data_dir) = std::env::var_os(DATA_DIR) else {
        return;
    };
    let postgres = PrivatePostgres::start(settings(Path::new(&data_dir)))
        .await
        .unwrap();
    println!("{READY}");
    let input = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    input.await.unwrap();
    postgres.stop().await.unwrap();
}
