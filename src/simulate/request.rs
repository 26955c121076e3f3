//! The requests that deliver bodies: headers as Meta's two senders write them, and signatures.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{HeaderName, HeaderValue},
};
use secrecy::SecretString;

use super::{sender::Sender, target::Target};
use crate::meta::signature::Signer;

/// The request of one delivery.
pub(super) type Post = Request<Full<Bytes>>;

const SIGNATURE: HeaderName = HeaderName::from_static("x-hub-signature-256");
const MARK: HeaderName = HeaderName::from_static("x-hookshelf-simulated");

/// With which secret a delivery is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// With the app's: it has to be acked.
    Rightly,
    /// With one that the app does not have: it has to be refused.
    Wrongly,
}

/// Makes requests to one target.
#[derive(Debug)]
pub(super) struct Requests {
    uri: Uri,
    messaging: HeaderMap,
    changes: HeaderMap,
    right: Signer,
    wrong: Signer,
    marked: bool,
}

impl Requests {
    /// Requests to `target`; `wrong` is a secret that its app does not have.
    pub(super) fn new(target: &Target, wrong: &SecretString) -> hyper::http::Result<Self> {
        Ok(Self {
            uri: target.path.parse()?,
            messaging: headers(Sender::Messaging, target)?,
            changes: headers(Sender::Changes, target)?,
            right: Signer::new(&target.app_secret),
            wrong: Signer::new(wrong),
            marked: target.marked,
        })
    }

    /// The request that delivers `body`.
    pub(super) fn post(&self, sender: Sender, body: Bytes, signed: Signed) -> Post {
        let key = match signed {
            Signed::Rightly => &self.right,
            Signed::Wrongly => &self.wrong,
        };
        let mut headers = match sender {
            Sender::Messaging => self.messaging.clone(),
            Sender::Changes => self.changes.clone(),
        };
        put(&mut headers, SIGNATURE, key.signature(&body));
        if self.marked {
            put(&mut headers, MARK, key.mark(&body));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// Sets a header to hex digits, which can stand in every header.
fn put(headers: &mut HeaderMap, name: HeaderName, hex: String) {
    if let Ok(value) = HeaderValue::try_from(hex) {
        headers.insert(name, value);
    }
}

/// The headers of all requests of a sender, with room for the signature and the mark.
fn headers(sender: Sender, target: &Target) -> hyper::http::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert("host", HeaderValue::from_str(&target.host)?);
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in sender.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    for name in [Some(SIGNATURE), target.marked.then_some(MARK)] {
        headers.extend(name.map(|name| (name, HeaderValue::from_static(""))));
    }
    Ok(headers)
}
