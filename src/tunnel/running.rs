//! A single run of a tunnel program: the child process, its output, and its end.

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
    telemetry::{LogEvent, TunnelSaid, TunnelStuck},
};

/// Shell script between the server and the program. It kills the program and its children as soon
/// as the other end of standard input is closed. A pipe closes however its owner dies, so even a
/// killed server leaves no tunnel behind. The script must be the leader of a process group.
///
/// Killing at once is safe: the server closes the pipe after it has answered every request.
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

/// Number of output lines kept for the report of a failure.
const KEPT: usize = 5;

/// Maximum time for the end of a killed child.
const END: Duration = Duration::from_secs(5);

/// Environment variables that change the behaviour of `cloudflared`, and the notification socket of
/// the service manager, which is for the server only.
const MISLEADING: [&str; 3] = ["TUNNEL_NAME", "TUNNEL_UNIX_SOCKET", "NOTIFY_SOCKET"];

/// A running tunnel, ended on drop.
#[derive(Debug)]
pub struct Running {
    program: Program,
    guard: Child,
    /// Pipe that keeps the program alive.
    input: Option<ChildStdin>,
    lines: Lines,
    /// Last output lines, the newest at the end.
    said: VecDeque<String>,
    address: Option<PublicUrl>,
    /// Time at which the tunnel counts as silent.
    deadline: Option<Instant>,
}

/// Event of a running tunnel.
#[derive(Debug, PartialEq, Eq)]
pub enum TunnelEvent {
    /// The tunnel has this address from now on.
    Opened(PublicUrl),
    /// No address arrived in time. It may still arrive.
    Silent {
        /// Last output lines.
        said: String,
    },
    /// The program ended by itself.
    Ended(Ended),
}

/// End of a tunnel.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit status, as text.
    pub status: String,
    /// Last output lines.
    pub said: String,
}

impl Tunnel {
    /// Starts the program.
    ///
    /// # Errors
    /// If the shell cannot be started.
    pub fn start(&self) -> io::Result<Running> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "tunnel"]).arg(&self.path);
        command.args(self.program.arguments(self.target));
        for name in self.hidden.iter().map(String::as_str).chain(MISLEADING) {
            command.env_remove(name);
        }
        // The script kills its process group, so it needs a group of its own. Ctrl-C also goes to
        // the whole group of a terminal, and the tunnel must stay up during the server's orderly
        // stop.
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
    /// Waits for the next event. Cancel safe. Must not be called after [`TunnelEvent::Ended`].
    pub async fn next(&mut self) -> TunnelEvent {
        loop {
            match self.line().await {
                Some(Some(line)) => {
                    if let Some(address) = self.hear(&line) {
                        self.deadline = None;
                        return TunnelEvent::Opened(address);
                    }
                }
                Some(None) => return TunnelEvent::Ended(self.ended().await),
                None => {
                    self.deadline = None;
                    return TunnelEvent::Silent { said: self.said() };
                }
            }
        }
    }

    /// Ends the tunnel, and returns when the program is gone.
    pub async fn end(mut self) {
        drop(self.input.take());
        if timeout(END, self.guard.wait()).await.is_err() {
            let program = self.program.name();
            TunnelStuck { program }.emit();
        }
    }

    /// `Some(Some)` is a line, `Some(None)` the end of the output, and `None` the deadline.
    async fn line(&mut self) -> Option<Option<String>> {
        match self.deadline {
            Some(deadline) => timeout_at(deadline, self.lines.next()).await.ok(),
            None => Some(self.lines.next().await),
        }
    }

    /// Logs a line, and returns the address if the line contains a new one.
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

    /// A tunnel whose program is a shell script of these lines, with its directory as `$here`.
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

    /// Writes a program in another process. If this process had the file open for writing, a child
    /// spawned by another test could inherit it, and the file could not be executed.
    fn install(path: &Path, text: &str) {
        let draft = path.with_extension("draft");
        fs::write(&draft, text).unwrap();
        let mut install = std::process::Command::new("install");
        install.args(["-m", "755"]).arg(&draft).arg(path);
        assert!(install.status().unwrap().success());
    }

    async fn all_events(script: &str) -> Vec<TunnelEvent> {
        let dir = tempfile::tempdir().unwrap();
        let mut running = tunnel(dir.path(), script, super::super::PATIENCE)
            .start()
            .unwrap();
        let mut heard = Vec::new();
        while !matches!(heard.last(), Some(TunnelEvent::Ended(_))) {
            heard.push(running.next().await);
        }
        heard
    }

    fn opened(url: &str) -> TunnelEvent {
        TunnelEvent::Opened(PublicUrl::parse(url).unwrap())
    }

    #[tokio::test]
    async fn addresses_are_told_once_each_and_the_end_with_what_was_said() {
        let script = r#"
            say() { echo "{\"msg\":\"started tunnel\",\"url\":\"$1\"}"; }
            say https://a.example; say https://a.example; echo noise >&2; say https://b.example
            echo "last words"; exit 3"#;
        let heard = all_events(script).await;
        let [first, second, TunnelEvent::Ended(ended)] = &*heard else {
            panic!("{heard:?}")
        };
        assert_eq!(first, &opened("https://a.example"));
        assert_eq!(second, &opened("https://b.example"));
        assert_eq!(ended.status, "exit status: 3");
        assert!(ended.said.contains("noise |") && ended.said.ends_with(" | last words"));
    }

    #[tokio::test]
    async fn only_the_last_lines_are_kept() {
        let heard = all_events("for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done").await;
        let [TunnelEvent::Ended(ended)] = &*heard else {
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
        assert!(matches!(running.next().await, TunnelEvent::Silent { .. }));
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
            // A killed process takes a moment to end.
            let gone = timeout(Duration::from_mins(1), async {
                while !is_gone(word.parse().unwrap()) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            assert!(gone.await.is_ok(), "{word} is left");
        }
    }

    /// True if the process is gone, or a zombie that its new parent has not reaped.
    fn is_gone(pid: i32) -> bool {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let dead = stat
            .rsplit_once(')')
            .is_some_and(|(_, it)| it.trim_start().starts_with('Z'));
        dead || kill(Pid::from_raw(pid), None) == Err(Errno::ESRCH)
    }
}
