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

    /// The apps were read again. A fault is for a person to read, and carries no secret.
    ReloadFinished { apps: usize, result: &'static str, fault: Option<String> }
        "reload finished" [apps, result, fault] ERROR if fault.is_some(), INFO
        => RELOADS.count([("result", result.into())]);

    /// The private Postgres had ended by itself, for the `attempt`th time, and runs again.
    PostgresRestarted { attempt: u32 }
        "private Postgres restarted" [attempt] WARN
        => POSTGRES_RESTARTS.count([]);

    /// The process was asked to stop, by a signal or otherwise. Deliveries in flight have sent
    /// their head and have no outcome.
    StopRequested { by: &'static str, in_flight: usize }
        "stop requested" [by, in_flight] INFO;

    /// After a stop was asked for, all deliveries on their way have ended or had their time: they
    /// were answered with 200, refused for good, or come again.
    DrainFinished { acked: usize, refused: usize, unfinished: usize, took: Duration }
        "deliveries in flight ended" [acked, refused, unfinished, millis = millis(took)]
        INFO if unfinished == 0, WARN;

    /// Everything has ended in order.
    Stopped { took: Duration }
        "stopped" [millis = millis(took)] INFO;
}
