//! Why a connection ended: the bounded words of `hookshelf_connections_closed_total`.

use super::{connection::Connection, stream::Stream};

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// In order: between two requests, or after an answer that said so.
    Done,
    /// Kept by a peer who had asked before, and unused for as long as a head may take.
    Idle,
    /// Nothing came on it for as long as a head may take.
    Silent,
    /// A head was begun and not finished in time.
    HeadTimeout,
    /// A head of more bytes or more headers than are read.
    HeadTooLong,
    /// A body was refused before its end; the outcome of the delivery has the reason.
    BodyRefused,
    /// Not HTTP.
    Malformed,
    /// HTTP/2, which nobody speaks here.
    Http2,
    /// TLS, which ends at the proxy.
    Tls,
    /// The peer closed within a request or before its answer.
    CutOff,
    /// The network or the peer broke it off.
    Reset,
    /// The peer took no answer.
    StalledWrite,
    /// It never brought a delivery, and another took its place.
    CrowdedOut,
}

/// How HTTP/2 begins when nobody asked whether it may.
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// How every TLS connection begins: a handshake record of version 3.
const TLS: &[u8] = &[0x16, 0x03];

impl Ending {
    /// Of a connection that hyper ended without a fault.
    pub(super) fn in_order(connection: &Connection) -> Self {
        if connection.had_body_refused() {
            Self::BodyRefused
        } else {
            Self::Done
        }
    }

    /// Of one that ended by `error`; `unread` is what had come and was not taken for a request.
    pub(super) fn by(
        error: &hyper::Error,
        connection: &Connection,
        stream: &Stream,
        unread: &[u8],
    ) -> Self {
        if stream.is_stalled() {
            Self::StalledWrite
        } else if error.is_timeout() {
            Self::in_silence(connection, unread)
        } else if error.is_parse_too_large() {
            Self::HeadTooLong
        } else if error.is_parse_version_h2() || unread.starts_with(HTTP2) {
            Self::Http2
        } else if error.is_parse() {
            Self::by_nonsense(unread)
        } else if error.is_incomplete_message() {
            Self::CutOff
        } else {
            Self::Reset
        }
    }

    fn in_silence(connection: &Connection, unread: &[u8]) -> Self {
        match (unread.is_empty(), connection.has_sent_request()) {
            (false, _) => Self::HeadTimeout,
            (true, true) => Self::Idle,
            (true, false) => Self::Silent,
        }
    }

    fn by_nonsense(unread: &[u8]) -> Self {
        if unread.starts_with(TLS) {
            Self::Tls
        } else {
            Self::Malformed
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Idle => "idle",
            Self::Silent => "silent",
            Self::HeadTimeout => "head_timeout",
            Self::HeadTooLong => "head_too_long",
            Self::BodyRefused => "body_refused",
            Self::Malformed => "malformed",
            Self::Http2 => "http2",
            Self::Tls => "tls",
            Self::CutOff => "cut_off",
            Self::Reset => "reset",
            Self::StalledWrite => "stalled_write",
            Self::CrowdedOut => "crowded_out",
        }
    }
}
