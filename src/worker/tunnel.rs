//! Runs the tunnel of `serve --tunnel` until the server stops.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::PublicUrl,
    telemetry::{LogEvent, TunnelEnded, TunnelOpened, TunnelSilent},
    tunnel::{Ended, Running, Tunnel, TunnelEvent},
};

const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Maximum backoff: providers of free tunnels limit the rate of connections.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A tunnel that ran this long counts as healthy, which resets the backoff.
const WELL: Duration = Duration::from_mins(1);

/// Starts the tunnel, with retries, and publishes each address, until `stop`. Returns after the
/// tunnel process has ended.
pub async fn keep_tunnel(
    stop: CancellationToken,
    tunnel: Tunnel,
    address: watch::Sender<Option<PublicUrl>>,
) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let began = Instant::now();
        let Some(ended) = run(&stop, &tunnel, &address).await else {
            return;
        };
        if began.elapsed() > WELL {
            pause = SHORTEST_PAUSE;
        }
        TunnelEnded {
            program: tunnel.program.name(),
            status: &ended.status,
            said: &ended.said,
            again_in: pause,
        }
        .emit();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Runs the tunnel program. Returns how it ended by itself, or none if it was stopped.
async fn run(
    stop: &CancellationToken,
    tunnel: &Tunnel,
    address: &watch::Sender<Option<PublicUrl>>,
) -> Option<Ended> {
    let mut running = match tunnel.start() {
        Ok(running) => running,
        Err(error) => {
            let (status, said) = (error.to_string(), String::new());
            return Some(Ended { status, said });
        }
    };
    let ended = tokio::select! {
        () = stop.cancelled() => None,
        ended = follow(&mut running, tunnel, address) => Some(ended),
    };
    if ended.is_none() {
        running.end().await;
    }
    ended
}

async fn follow(
    running: &mut Running,
    tunnel: &Tunnel,
    address: &watch::Sender<Option<PublicUrl>>,
) -> Ended {
    let program = tunnel.program.name();
    loop {
        match running.next().await {
            TunnelEvent::Opened(url) => {
                TunnelOpened { program, url: &url }.emit();
                address.send_replace(Some(url));
            }
            TunnelEvent::Silent { said } => TunnelSilent {
                program,
                said: &said,
                waited: tunnel.patience,
            }
            .emit(),
            TunnelEvent::Ended(ended) => return ended,
        }
    }
}
