//! Notifications to the service manager: systemd, or another that sets `NOTIFY_SOCKET`. Without the
//! variable nothing is sent. A manager that does not read delays the server only briefly.

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
    telemetry::{LogEvent, ManagerUnreachable, WriterStuck},
    worker,
};

/// Maximum time to wait for a manager that does not read its messages. After that the message is
/// dropped.
const PATIENCE: Duration = Duration::from_secs(2);

/// The service manager that started this process, if any.
#[derive(Clone, Debug)]
pub struct Manager {
    /// Value of `NOTIFY_SOCKET`.
    socket: Option<String>,
}

impl Manager {
    /// The manager named by the environment.
    pub fn of(sources: &Sources) -> Self {
        let socket = sources.var("NOTIFY_SOCKET").map(str::to_owned);
        Self { socket }
    }

    /// Reports that deliveries are accepted.
    pub(super) async fn ready(&self, started: &Started) {
        let status = format!(
            "accepting deliveries on {}, storing them in {}",
            started.public, started.database
        );
        self.notify(&[NotifyState::Ready, NotifyState::Status(&status)])
            .await;
    }

    /// Reports a reload. The timestamp distinguishes this reload from others.
    pub(super) async fn reloading(&self) {
        let now = NotifyState::monotonic_usec_now();
        let states: Vec<_> = [NotifyState::Reloading].into_iter().chain(now).collect();
        self.notify(&states).await;
    }

    /// Reports that the server stops accepting.
    pub(super) async fn stopping(&self) {
        let status = NotifyState::Status("stopping; answering requests in flight");
        self.notify(&[NotifyState::Stopping, status]).await;
    }

    /// Pings the manager's watchdog, if it has one, until the handle is dropped. A ping means that
    /// the runtime's timers work and that the writer makes progress.
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
                    manager.notify(&[NotifyState::Watchdog]).await;
                }
                // Twice within the manager's patience, as systemd asks for.
                patience / 2
            }
        };
        let beats = worker::repeat(CancellationToken::new(), beat);
        Some(AbortOnDropHandle::new(tokio::spawn(beats)))
    }

    /// Sends a notification. If the manager cannot be reached, the server goes on.
    async fn notify(&self, states: &[NotifyState<'_>]) {
        let Some(socket) = &self.socket else {
            return;
        };
        let told = timeout(PATIENCE, send(socket, states)).await;
        if let Err(cause) = told.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            ManagerUnreachable { cause }.emit();
        }
    }
}

/// Sends the states as one message. If the manager's queue is full, the task waits without blocking
/// a thread.
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

/// Address of the socket: a path, or after `@` an abstract name, which only Linux has.
fn address(socket: &str) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.strip_prefix('@') {
        use std::os::linux::net::SocketAddrExt;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}
