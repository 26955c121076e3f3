//! The requests that deliver bodies, as bytes: headers as Meta's two senders write them, and
//! signatures.
//!
//! What is the same for every delivery is made once; a load run makes thousands a second.

use hyper::{Uri, header::HeaderValue};
use secrecy::SecretString;

use super::{Target, serialise::Sender};
use crate::meta::signature::Signer;

/// With which secret a delivery is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// With the app's: it has to be acked.
    Rightly,
    /// With one that the app does not have: it has to be refused.
    Wrongly,
}

/// Writes requests to one target.
#[derive(Debug)]
pub(super) struct Requests {
    messaging: String,
    changes: String,
    right: Signer,
    wrong: Signer,
    marked: bool,
}

impl Requests {
    /// Requests to `target`; `wrong` is a secret that its app does not have.
    pub(super) fn new(target: &Target, wrong: &SecretString) -> hyper::http::Result<Self> {
        let path = target.path.parse()?;
        HeaderValue::from_str(&target.host)?;
        Ok(Self {
            messaging: opening(Sender::Messaging, &path, &target.host),
            changes: opening(Sender::Changes, &path, &target.host),
            right: Signer::new(&target.app_secret),
            wrong: Signer::new(wrong),
            marked: target.marked,
        })
    }

    /// Writes the request that delivers `body`.
    pub(super) fn write(&self, out: &mut Vec<u8>, sender: Sender, body: &[u8], signed: Signed) {
        let key = match signed {
            Signed::Rightly => &self.right,
            Signed::Wrongly => &self.wrong,
        };
        let opening = match sender {
            Sender::Messaging => &self.messaging,
            Sender::Changes => &self.changes,
        };
        let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
        put(opening);
        put(&key.signature(body));
        if self.marked {
            put("\r\nX-Hookshelf-Simulated: ");
            put(&key.mark(body));
        }
        put("\r\nContent-Length: ");
        put(itoa::Buffer::new().format(body.len()));
        put("\r\n\r\n");
        out.extend_from_slice(body);
    }
}

/// What every request of a sender begins with, up to the signature.
fn opening(sender: Sender, path: &Uri, host: &str) -> String {
    let mut text = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\nContent-Type: application/json\r\n"
    );
    for (name, value) in sender.headers() {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text + "X-Hub-Signature-256: "
}
