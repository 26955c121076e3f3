//! What happens to the process itself: start, reload, trouble with Postgres, stop.

use std::{net::SocketAddr, time::Duration};

use super::{
    messages::{messages, millis},
    metrics::{POSTGRES_RESTARTS, RELOADS},
};

messages! {
    /// A listener accepts connections.
    ListenerStarted { listener: &'static str, address: SocketAddr }
        "listening" [listener, address = display(address)] INFO;

    /// The apps were read again. ERROR if they were kept because of `fault`, which contains no
    /// secret.
    ReloadFinished { apps: usize, result: &'static str, fault: Option<String> }
        "reload finished" [apps, result, fault] ERROR if fault.is_some(), INFO
        => RELOADS.count([("result", result.into())]);

    /// The private Postgres ended by itself and was restarted.
    PostgresRestarted { attempt: u32 }
        "private Postgres restarted" [attempt] WARN
        => POSTGRES_RESTARTS.count([]);

    /// A stop was requested. `in_flight` deliveries have sent their head and have no answer.
    StopRequested { by: &'static str, in_flight: usize }
        "stop requested" [by, in_flight] INFO;

    /// Deliveries in flight at the stop got 200, were rejected for good, or got neither (WARN).
    /// Meta sends the unfinished ones again.
    DrainFinished { acked: usize, refused: usize, unfinished: usize, took: Duration }
        "deliveries in flight ended" [acked, refused, unfinished, millis = millis(took)]
        INFO if unfinished == 0, WARN;

    /// The process stopped in order.
    Stopped { took: Duration }
        "stopped" [millis = millis(took)] INFO;
}
