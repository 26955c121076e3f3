//! A stream of simulated deliveries beside a test.

use std::process::{Child, Output, Stdio};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::server::Server;

/// `simulate` beside a server, over kept connections, for an hour or until it is stopped. The
/// process is killed if the test fails.
#[derive(Debug)]
pub(crate) struct Senders(Option<Child>);

impl Senders {
    /// Starts `simulate` with these arguments; its ledger is the file `ledger` of the server's
    /// directory.
    pub(crate) fn start(server: &Server, arguments: &[&str]) -> Self {
        let ledger = server.directory.join("ledger");
        let mut simulate = server.verb(&["simulate", "--json", "--duration=1h", "--ledger"]);
        simulate.arg(ledger).args(arguments);
        let piped = simulate.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(Some(piped.spawn().unwrap()))
    }

    /// Stops the senders and returns their output.
    pub(crate) fn stop(mut self) -> Output {
        let process = self.0.take().unwrap();
        let pid = Pid::from_raw(process.id().try_into().unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        process.wait_with_output().unwrap()
    }
}

impl Drop for Senders {
    fn drop(&mut self) {
        if let Some(mut process) = self.0.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
