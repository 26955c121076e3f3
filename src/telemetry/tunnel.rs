//! What happens to the tunnel of `serve --tunnel`. Its lines carry no secret any more.

use std::time::Duration;

use super::messages::messages;
use crate::config::PublicUrl;

messages! {
    /// The program said something.
    TunnelSaid<'a> { program: &'static str, line: &'a str }
        "tunnel said" [program, line] DEBUG;

    /// The tunnel has a public address.
    TunnelOpened<'a> { program: &'static str, url: &'a PublicUrl }
        "tunnel opened" [program, url = display(url)] INFO;

    /// The program has said no address for a while, and this last.
    TunnelSilent<'a> { program: &'static str, said: &'a str, waited: Duration }
        "tunnel has no address yet" [program, said, waited = debug(waited)] WARN;

    /// The program ended by itself, and is started again.
    TunnelEnded<'a> { program: &'static str, status: &'a str, said: &'a str, again_in: Duration }
        "tunnel ended" [program, status, said, again_in = debug(again_in)] WARN;
}
