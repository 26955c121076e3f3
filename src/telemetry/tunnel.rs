//! What happens to the tunnel of `serve --tunnel`. Its lines carry no secret any more.

use std::time::Duration;

use super::messages::messages;
use crate::config::PublicUrl;

messages! {
    /// A line of the tunnel's output, without long words, which could be secrets.
    TunnelSaid<'a> { program: &'static str, line: &'a str }
        "tunnel said" [program, line] DEBUG;

    /// The tunnel has this public URL.
    TunnelOpened<'a> { program: &'static str, url: &'a PublicUrl }
        "tunnel opened" [program, url = display(url)] INFO;

    /// The tunnel has no URL yet. `said` is its last line.
    TunnelSilent<'a> { program: &'static str, said: &'a str, waited: Duration }
        "tunnel has no address yet" [program, said, waited = debug(waited)] WARN;

    /// The tunnel ended and is started again after `again_in`.
    TunnelEnded<'a> { program: &'static str, status: &'a str, said: &'a str, again_in: Duration }
        "tunnel ended" [program, status, said, again_in = debug(again_in)] WARN;
}
