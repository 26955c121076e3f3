//! Reasons for the end of a connection: the labels of `hookshelf_connections_closed_total`.

use super::{connection::Connection, stream::Stream};

/// Reason for the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Regular end: between two requests, or after an answer with `Connection: close`.
    Done,
    /// No further request within the header timeout.
    Idle,
    /// No bytes within the header timeout.
    Silent,
    /// Incomplete head within the header timeout.
    HeadTimeout,
    /// Head with too many bytes or headers.
    HeadTooLong,
    /// A body was refused before its end; the outcome of the delivery has the reason.
    BodyRefused,
    /// Not HTTP.
    Malformed,
    /// HTTP/2, which is not supported.
    Http2,
    /// TLS, which is terminated by the proxy.
    Tls,
    /// The peer closed within a request or before its answer.
    CutOff,
    /// Reset by the network or the peer.
    Reset,
    /// The peer did not read an answer in time.
    StalledWrite,
    /// Evicted at the connection limit, as an unverified peer.
    CrowdedOut,
}

/// Start of an HTTP/2 connection without negotiation.
const HTTP2: &[u8] = b"PRI * HTTP/2";

/// Start of every TLS connection: a handshake record of version 3.
const TLS: &[u8] = &[0x16, 0x03];

impl Ending {
    /// Reason for a connection that hyper ended without an error.
    pub(super) fn in_order(connection: &Connection) -> Self {
        if connection.had_body_refused() {
            Self::BodyRefused
        } else {
            Self::Done
        }
    }

    /// Reason for a connection that ended by `error`; `unread` are the bytes not parsed as a
    /// request.
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
