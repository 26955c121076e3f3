//! Events of the process: start, reload, restart of Postgres, stop.

use std::{net::SocketAddr, time::Duration};

use super::{
    messages::{messages, millis},
    metrics::RELOADS,
    sparingly::sparingly,
};

messages! {
    target: "process";

    /// A listener accepts connections.
    ListenerStarted { listener: &'static str, address: SocketAddr }
        "listening" [listener, address = display(address)] INFO;

    /// Local commands need a configured token.
    OwnTokenFailed { cause: String }
        "failed to write the server's own token; free disk space and start the server again"
        [cause] WARN;

    /// Content is not shown, because the audit could not name its subject.
    AuditKeyFailed { cause: String }
        "failed to read or create audit.key in the data directory; content is shown when it can be"
        [cause] WARN if sparingly!();

    /// Counts a reload and emits [`Reloaded`], or [`ReloadFailed`] if there is a fault.
    ReloadFinished { apps: usize, result: &'static str, fault: Option<String> }
        => {
            RELOADS.count([("result", result.into())]);
            match fault {
                Some(fault) => ReloadFailed { fault }.emit(),
                None => Reloaded { apps }.emit(),
            }
        };

    /// The apps of the configuration are in use.
    Reloaded { apps: usize }
        "configuration reloaded" [apps] INFO;

    /// `fault` contains no secret.
    ReloadFailed { fault: String }
        "failed to reload the configuration; the apps stay as they were" [fault] ERROR;

    /// `in_flight` deliveries have sent their head and have no answer.
    StopRequested { by: &'static str, in_flight: usize }
        "stop requested" [by, in_flight] INFO;

    /// WARN if any are `unfinished`: Meta sends those again.
    DrainFinished { acked: usize, refused: usize, unfinished: usize, took: Duration }
        "deliveries in flight ended" [acked, rejected = refused, unfinished, duration_ms = millis(took)]
        INFO if unfinished == 0, WARN;

    /// `needed` files for `http.max_connections`; `connections` are accepted.
    ConnectionsLimited { limit: u64, needed: u64, connections: usize }
        "open file limit is too low for http.max_connections; raise LimitNOFILE or lower http.max_connections"
        [limit, needed, connections] WARN;

    /// The limit stays as it was.
    FileLimitUnraised { cause: std::io::Error }
        "failed to raise the open file limit" [cause = display(cause)] WARN;

    /// systemd may restart the server.
    ManagerUnreachable { cause: std::io::Error }
        "failed to notify the service manager" [cause = display(cause)] WARN;

    /// The process stopped in order.
    Stopped { took: Duration }
        "stopped" [duration_ms = millis(took)] INFO;
}
