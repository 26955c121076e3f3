//! Events of sending to destinations. A record names the destination, never its URL.

use std::time::Duration;

use super::{
    messages::messages,
    metrics::{DESTINATION_ATTEMPTS, DESTINATION_DOWN, DESTINATION_DURATION},
};

messages! {
    target: "destination";

    /// An attempt ended. Moves metrics only.
    AttemptEnded { destination: String, outcome: &'static str, took: Duration }
        => {
            DESTINATION_ATTEMPTS.count([
                ("destination", destination.clone().into()),
                ("outcome", outcome.into()),
            ]);
            DESTINATION_DURATION.histogram([("destination", destination.into())]).record(took);
        };

    /// Half of the last 20 attempts failed with no answer, a 5xx or a 429. Events wait, and no attempt counts. `code` is that of the last failure.
    BreakerOpened { destination: String, code: String }
        "destination is down; probing it until it answers" [destination, code] WARN
        => DESTINATION_DOWN.show([("destination", destination.into())], 1);

    /// A probe was answered. Events are sent again.
    BreakerClosed { destination: String, after: Duration }
        "destination is up again" [destination, seconds = after.as_secs()] INFO
        => DESTINATION_DOWN.show([("destination", destination.into())], 0);

    /// The destination wants no more events. They wait.
    DestinationGone { destination: String }
        "destination answered 410 Gone and is paused; run `hookshelf destinations resume`" [destination] WARN;

    /// The certificates of the authorities cannot be read. Install them, then restart the server.
    DestinationsUnavailable { cause: String }
        "cannot make an HTTPS client; nothing is sent to destinations" [cause] ERROR;

    /// `code`: `no_secret` (the app has no secret to sign with), `no_client` (no HTTPS client) or `unreadable` (Postgres did not return the delivery). The event is tried again later.
    EventUnsent { destination: String, position: i64, code: &'static str, first: bool }
        "event not sent" [destination, position, code] WARN if first, DEBUG;
}
