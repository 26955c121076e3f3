//! What happens to the tunnel of `serve --tunnel`. Its lines carry no secret any more.

use std::time::Duration;

use super::Happening;
use crate::config::PublicUrl;

/// It said something.
#[derive(Clone, Copy, Debug)]
pub struct TunnelSaid<'a> {
    /// Which program.
    pub program: &'static str,
    /// What.
    pub line: &'a str,
}

impl TunnelSaid<'_> {
    const SAID: &'static str = "tunnel said";
}

impl Happening for TunnelSaid<'_> {
    fn emit(self) {
        tracing::debug!(program = self.program, line = self.line, "{}", Self::SAID);
    }
}

/// It has a public address.
#[derive(Clone, Copy, Debug)]
pub struct TunnelOpened<'a> {
    /// Which program.
    pub program: &'static str,
    /// The address.
    pub url: &'a PublicUrl,
}

impl TunnelOpened<'_> {
    const SAID: &'static str = "tunnel opened";
}

impl Happening for TunnelOpened<'_> {
    fn emit(self) {
        tracing::info!(program = self.program, url = %self.url, "{}", Self::SAID);
    }
}

/// It has said no address for a while.
#[derive(Clone, Copy, Debug)]
pub struct TunnelSilent<'a> {
    /// Which program.
    pub program: &'static str,
    /// What it said last.
    pub said: &'a str,
    /// For how long.
    pub waited: Duration,
}

impl TunnelSilent<'_> {
    const SAID: &'static str = "tunnel has no address yet";
}

impl Happening for TunnelSilent<'_> {
    fn emit(self) {
        let (program, said, waited) = (self.program, self.said, self.waited);
        tracing::warn!(program, said, ?waited, "{}", Self::SAID);
    }
}

/// It ended by itself, and is started again.
#[derive(Clone, Copy, Debug)]
pub struct TunnelEnded<'a> {
    /// Which program.
    pub program: &'static str,
    /// How, as the system tells it.
    pub status: &'a str,
    /// What it said last.
    pub said: &'a str,
    /// After how long it is started again.
    pub again_in: Duration,
}

impl TunnelEnded<'_> {
    const SAID: &'static str = "tunnel ended";
}

impl Happening for TunnelEnded<'_> {
    fn emit(self) {
        let (program, status, said) = (self.program, self.status, self.said);
        tracing::warn!(program, status, said, again_in = ?self.again_in, "{}", Self::SAID);
    }
}
