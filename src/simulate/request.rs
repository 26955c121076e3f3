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
            messaging: headers(Sender::Messaging, &target.host)?,
            changes: headers(Sender::Changes, &target.host)?,
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
        let mark = self.marked.then(|| (MARK, key.mark(&body)));
        let signed = [(SIGNATURE, key.signature(&body))].into_iter().chain(mark);
        // Hex digits can stand in every header.
        headers.extend(
            signed.filter_map(|(name, hex)| Some((name, HeaderValue::try_from(hex).ok()?))),
        );
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// The headers that are the same in all requests of a sender.
fn headers(sender: Sender, host: &str) -> hyper::http::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert("host", HeaderValue::from_str(host)?);
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in sender.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    Ok(headers)
}
