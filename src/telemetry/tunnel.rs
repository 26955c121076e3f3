//! Events of the tunnel of `serve --tunnel`. Secrets were removed from its output.

use std::time::Duration;

use super::messages::messages;
use crate::config::PublicUrl;

messages! {
    target: "tunnel";

    /// A line of the tunnel's output, without long words, which could be secrets.
    TunnelSaid<'a> { program: &'static str, line: &'a str }
        "tunnel output" [program, line] DEBUG;

    /// The tunnel has this public URL.
    TunnelOpened<'a> { program: &'static str, url: &'a PublicUrl }
        "tunnel opened" [program, url = display(url)] INFO;

    /// `last_line` is the last line of its output.
    TunnelSilent<'a> { program: &'static str, said: &'a str, waited: Duration }
        "tunnel has no public URL yet; check the network of this machine" [program, last_line = said, waited = debug(waited)] WARN;

    /// The program did not end in time at the stop of the server.
    TunnelStuck { program: &'static str }
        "tunnel does not end" [program] WARN;

    /// The tunnel starts again after `restart_in`.
    TunnelEnded<'a> { program: &'static str, status: &'a str, said: &'a str, again_in: Duration }
        "tunnel ended; restarting it" [program, status, last_line = said, restart_in = debug(again_in)] WARN;
}
