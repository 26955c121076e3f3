//! `[admin]`: the listener for operators.

use std::net::SocketAddr;

use super::http::{ADDRESS, origin};
use super::print::Printer;
use super::reader::Reader;
use super::tokens::{self, Token};

/// Expected form of `advertise`.
const ADVERTISED: &str = "http:// or https:// and a host, without a user, path or query";

/// The listener of the API, the pages and the metrics; never the public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Listen address.
    pub listen: SocketAddr,
    /// Host names under which clients reach the listener, beside localhost and its own address.
    pub names: Vec<String>,
    /// URL of this listener for other processes, without a slash at the end.
    pub advertise: Option<String>,
    /// Maximum number of open streams of events.
    pub max_streams: usize,
    /// The tokens; without any, a loopback client is an operator.
    pub tokens: Vec<Token>,
}

impl Admin {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            listen: reader.parsed("listen", ADDRESS)?,
            names: reader.list("names", "host names without a port", host),
            advertise: reader.optional("advertise", ADVERTISED, |text| {
                origin(text, &["http", "https"])
            }),
            max_streams: reader.number("max_streams", 0..=100_000)?,
            tokens: tokens::read(reader),
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("admin");
        out.text("listen", self.listen);
        out.list("names", &self.names);
        out.optional("advertise", self.advertise.as_ref());
        out.plain("max_streams", self.max_streams);
        tokens::print(&self.tokens, out);
    }
}

/// A host name or address as in the header `Host`, without a port, in lower case.
fn host(text: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    let is_name = !text.is_empty() && text.bytes().all(allowed);
    let has_port = text.contains(':') && !text.starts_with('[');
    (is_name && !has_port).then(|| text.to_ascii_lowercase())
}
