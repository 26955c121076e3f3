//! `[admin]`: the listener for operators.

use std::net::SocketAddr;

use super::http::ADDRESS;
use super::print::Printer;
use super::reader::Reader;

/// The listener of the API, the pages and the metrics; never the public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Listen address.
    pub listen: SocketAddr,
}

impl Admin {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            listen: reader.parsed("listen", ADDRESS)?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("admin");
        out.text("listen", self.listen);
    }
}
