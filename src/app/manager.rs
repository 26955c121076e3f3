//! What the service manager is told: systemd, or another that sets `NOTIFY_SOCKET` as it does.
//! Where nobody asked, telling does nothing; one that does not listen holds nothing up for long.

use std::{
    fmt::Write as _,
    io,
    os::unix::net::{SocketAddr, UnixDatagram as Socket},
    time::{Duration, Instant},
};

use sd_notify::NotifyState;
use tokio::{net::UnixDatagram, time::timeout};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::Started;
use crate::{
    config::Sources,
    ingest::{Watchdog, WriterProgress},
    telemetry::{Happening, WriterStuck},
    worker,
};

/// How long a manager may leave its messages unread; then it is not told this one.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who started this process and wants to know how it is, if anybody does.
#[derive(Clone, Debug)]
pub struct Manager {
    /// `NOTIFY_SOCKET`.
    socket: Option<String>,
}

impl Manager {
    /// The manager that the environment names.
    pub fn of(sources: &Sources) -> Self {
        let socket = sources.var("NOTIFY_SOCKET").map(str::to_owned);
        Self { socket }
    }

    /// Deliveries are accepted.
    pub(super) async fn ready(&self, started: &Started) {
        let status = format!(
            "accepting deliveries on {}, storing them in {}",
            started.public, started.database
        );
        self.tell(&[NotifyState::Ready, NotifyState::Status(&status)])
            .await;
    }

    /// The configuration is being read again. The time tells the manager which of two this one is.
    pub(super) async fn reloading(&self) {
        let now = NotifyState::monotonic_usec_now();
        let states: Vec<_> = [NotifyState::Reloading].into_iter().chain(now).collect();
        self.tell(&states).await;
    }

    /// Nothing new is accepted.
    pub(super) async fn stopping(&self) {
        let status = NotifyState::Status("answering what is in flight");
        self.tell(&[NotifyState::Stopping, status]).await;
    }

    /// Shows the manager's watchdog, where there is one, that the server is well, until the handle
    /// is dropped: the runtime still keeps time, and the writer gets on.
    pub(super) fn watched(&self, progress: WriterProgress) -> Option<AbortOnDropHandle<()>> {
        let patience = sd_notify::watchdog_enabled().filter(|patience| !patience.is_zero())?;
        let mut watchdog = Watchdog::new(progress, Instant::now());
        let mut well = true;
        let manager = self.clone();
        let beat = move || {
            let was = std::mem::replace(&mut well, watchdog.is_well(Instant::now()));
            if was && !well {
                WriterStuck.emit();
            }
            let (manager, well) = (manager.clone(), well);
            async move {
                if well {
                    manager.tell(&[NotifyState::Watchdog]).await;
                }
                // Twice within the manager's patience, as systemd asks for.
                patience / 2
            }
        };
        let beats = worker::repeat(CancellationToken::new(), beat);
        Some(AbortOnDropHandle::new(tokio::spawn(beats)))
    }

    /// A manager that cannot be reached will act by its own lights; the server goes on.
    async fn tell(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else {
            return;
        };
        let told = timeout(PATIENCE, send(socket, states)).await;
        if let Err(error) = told.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            tracing::warn!(%error, "the service manager cannot be told how the server is");
        }
    }
}

/// Sends it as one message. A manager whose queue is full is waited for, but by no thread:
/// deliveries go on meanwhile.
async fn send(socket: &str, states: &[NotifyState<'_>]) -> io::Result<()> {
    let mut message = String::new();
    for state in states {
        let _ = writeln!(message, "{state}");
    }
    let ours = Socket::unbound()?;
    ours.set_nonblocking(true)?;
    ours.connect_addr(&address(socket)?)?;
    UnixDatagram::from_std(ours)?
        .send(message.as_bytes())
        .await?;
    Ok(())
}

/// A path, or after `@` a name that is in no file system, which only Linux has.
fn address(socket: &str) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}
