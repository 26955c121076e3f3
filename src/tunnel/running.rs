//! One run of a tunnel: the child, what it says, and its end.

use std::{collections::VecDeque, io, process::Stdio, time::Duration};

use tokio::{
    process::{Child, ChildStdin, Command},
    time::{Instant, timeout, timeout_at},
};

use super::{
    Program, Tunnel,
    lines::{Lines, shown},
};
use crate::{
    config::PublicUrl,
    telemetry::{Happening, TunnelSaid},
};

/// The shell that stands between: it ends the program, and whatever that has started, as soon as
/// nobody holds the other end of standard input. A pipe closes however its holder dies, so not
/// even a killed server leaves a tunnel. It relies on being the head of a process group.
///
/// Killing at once is enough: the server has answered everything before it lets go.
const GUARD: &str = r#"
exec 3<&0 2>&1
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -KILL 0; } >/dev/null 2>&1 &
exec 3<&-
wait "$program"
status=$?
trap '' TERM
kill -TERM 0
exit "$status"
"#;

/// How many lines are kept to tell what a program said last.
const KEPT: usize = 5;

/// How long the end of a killed child may take.
const END: Duration = Duration::from_secs(5);

/// Variables that make `cloudflared` do something else than it is asked for, and the socket on
/// which only the server tells the service manager how it is.
const MISLEADING: [&str; 3] = ["TUNNEL_NAME", "TUNNEL_UNIX_SOCKET", "NOTIFY_SOCKET"];

/// A tunnel that runs; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    program: Program,
    guard: Child,
    /// The program lives as long as this end of the pipe is open.
    input: Option<ChildStdin>,
    lines: Lines,
    /// What it said last, the newest at the end.
    said: VecDeque<String>,
    address: Option<PublicUrl>,
    /// When it is to be called silent.
    deadline: Option<Instant>,
}

/// What comes of a tunnel.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// It has this address from now on.
    Opened(PublicUrl),
    /// It has said no address in time. It may still do so.
    Silent {
        /// What it said last.
        said: String,
    },
    /// It has ended by itself.
    Ended(Ended),
}

/// How a tunnel ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// As the system tells it.
    pub status: String,
    /// What it said last.
    pub said: String,
}

impl Tunnel {
    /// Starts the program.
    ///
    /// # Errors
    /// No shell can be started.
    pub fn start(&self) -> io::Result<Running> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "tunnel"]).arg(&self.path);
        command.args(self.program.arguments(self.target));
        for name in self.hidden.iter().map(String::as_str).chain(MISLEADING) {
            command.env_remove(name);
        }
        // The guard kills its group, so it must have one of its own. Ctrl-C goes to the whole group
        // of a terminal, and the tunnel has to outlive the server's orderly stop.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard = command.stderr(Stdio::null()).spawn()?;
        let (Some(input), Some(output)) = (guard.stdin.take(), guard.stdout.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        Ok(Running {
            program: self.program,
            guard,
            input: Some(input),
            lines: Lines::new(output),
            said: VecDeque::new(),
            address: None,
            deadline: Some(Instant::now() + self.patience),
        })
    }
}

impl Running {
    /// What comes next. Nothing is lost where this is given up half way; after the end it is not
    /// to be asked again.
    pub async fn next(&mut self) -> News {
        loop {
            match self.line().await {
                Some(Some(line)) => {
                    if let Some(address) = self.hear(&line) {
                        self.deadline = None;
                        return News::Opened(address);
                    }
                }
                Some(None) => return News::Ended(self.ended().await),
                None => {
                    self.deadline = None;
                    return News::Silent { said: self.said() };
                }
            }
        }
    }

    /// Ends it, and returns when it is gone.
    pub async fn end(mut self) {
        drop(self.input.take());
        if timeout(END, self.guard.wait()).await.is_err() {
            tracing::warn!(program = self.program.name(), "the tunnel does not end");
        }
    }

    /// The next line, or none at the end of the output; none at all where patience ends first.
    async fn line(&mut self) -> Option<Option<String>> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, self.lines.next()).await.ok(),
            None => Some(self.lines.next().await),
        }
    }

    /// Takes note of a line; gives the address where it is a new one.
    fn hear(&mut self, line: &str) -> Option<PublicUrl> {
        let said = shown(&self.program.readable(line));
        TunnelSaid {
            program: self.program.name(),
            line: &said,
        }
        .emit();
        if !said.is_empty() {
            self.said.push_back(said);
            self.said.drain(..self.said.len().saturating_sub(KEPT));
        }
        let address = self.program.address(line)?;
        let known = self.address.replace(address.clone());
        (known.as_ref() != Some(&address)).then_some(address)
    }

    async fn ended(&mut self) -> Ended {
        let status = match self.guard.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let said = self.said();
        Ended { status, said }
    }

    fn said(&self) -> String {
        let lines: Vec<_> = self.said.iter().map(String::as_str).collect();
        lines.join(" | ")
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use nix::{errno::Errno, sys::signal::kill, unistd::Pid};

    use super::*;

    /// A program that is the given lines of shell, and has its directory as `$here`.
    fn tunnel(dir: &Path, script: &str, patience: Duration) -> Tunnel {
        let path = dir.join("ngrok");
        let text = format!("#!/bin/sh\nhere='{}'\n{script}\n", dir.display());
        install(&path, &text);
        Tunnel {
            program: Program::Ngrok,
            path,
            target: ([127, 0, 0, 1], 8080).into(),
            hidden: vec!["CARGO_MANIFEST_DIR".to_owned()],
            patience,
        }
    }

    /// Writes a program by another process: while this one has it open, a child of another test
    /// may have it open too, and what is open for writing cannot be run.
    fn install(path: &Path, text: &str) {
        let draft = path.with_extension("draft");
        fs::write(&draft, text).unwrap();
        let mut install = std::process::Command::new("install");
        install.args(["-m", "755"]).arg(&draft).arg(path);
        assert!(install.status().unwrap().success());
    }

    async fn all_news(script: &str) -> Vec<News> {
        let dir = tempfile::tempdir().unwrap();
        let mut running = tunnel(dir.path(), script, super::super::PATIENCE)
            .start()
            .unwrap();
        let mut heard = Vec::new();
        while !matches!(heard.last(), Some(News::Ended(_))) {
            heard.push(running.next().await);
        }
        heard
    }

    fn opened(url: &str) -> News {
        News::Opened(PublicUrl::parse(url).unwrap())
    }

    #[tokio::test]
    async fn addresses_are_told_once_each_and_the_end_with_what_was_said() {
        let script = r#"
            say() { echo "{\"msg\":\"started tunnel\",\"url\":\"$1\"}"; }
            say https://a.example; say https://a.example; echo noise >&2; say https://b.example
            echo "last words"; exit 3"#;
        let heard = all_news(script).await;
        let [first, second, News::Ended(ended)] = &*heard else {
            panic!("{heard:?}")
        };
        assert_eq!(first, &opened("https://a.example"));
        assert_eq!(second, &opened("https://b.example"));
        assert_eq!(ended.status, "exit status: 3");
        assert!(ended.said.contains("noise |") && ended.said.ends_with(" | last words"));
    }

    #[tokio::test]
    async fn only_the_last_lines_are_kept() {
        let heard = all_news("for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done").await;
        let [News::Ended(ended)] = &*heard else {
            panic!("{heard:?}")
        };
        assert!(ended.said.starts_with("line 6 |"), "{}", ended.said);
    }

    #[tokio::test]
    async fn a_silent_one_is_told_of_and_may_still_speak() {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"echo waiting; until [ -e "$here/go" ]; do sleep 0.01; done
            echo '{"msg":"started tunnel","url":"https://late.example"}'; exec sleep 600"#;
        let silent = tunnel(dir.path(), script, Duration::from_millis(300));
        let mut running = silent.start().unwrap();
        assert!(matches!(running.next().await, News::Silent { .. }));
        fs::write(dir.path().join("go"), "").unwrap();
        assert_eq!(running.next().await, opened("https://late.example"));
        running.end().await;
    }

    #[tokio::test]
    async fn it_ends_with_whatever_it_has_started() {
        let dir = tempfile::tempdir().unwrap();
        let script = r#"sleep 600 & echo "$! $$ ${CARGO_MANIFEST_DIR-unset}"; wait"#;
        let mut running = tunnel(dir.path(), script, super::super::PATIENCE)
            .start()
            .unwrap();
        let line = running.line().await.flatten().unwrap();
        let words: Vec<_> = line.split(' ').collect();
        assert_eq!(words[2], "unset", "the environment is not all its business");
        running.end().await;
        for word in &words[..2] {
            // Who is killed takes a moment to go.
            let gone = timeout(Duration::from_mins(1), async {
                while !is_gone(word.parse().unwrap()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            assert!(gone.await.is_ok(), "{word} is left");
        }
    }

    /// Gone, or waiting to be taken note of by whatever took the orphan over.
    fn is_gone(pid: i32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let dead = stat
            .rsplit_once(')')
            .is_some_and(|(_, it)| it.trim_start().starts_with('Z'));
        dead || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
    }
}
