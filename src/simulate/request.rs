//! The requests that deliver bodies: headers as Meta's two senders write them, and signatures.
//!
//! What is the same for every delivery is made once; a load run makes thousands a second.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Uri,
    header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName, HeaderValue},
};
use secrecy::SecretString;

use super::{Target, serialise::Sender};
use crate::meta::signature::Signer;

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
    pub(super) fn of(&self, sender: Sender, body: Bytes, signed: Signed) -> Request<Full<Bytes>> {
        let key = match signed {
            Signed::Rightly => &self.right,
            Signed::Wrongly => &self.wrong,
        };
        let template = match sender {
            Sender::Messaging => &self.messaging,
            Sender::Changes => &self.changes,
        };
        let mut headers = template.clone();
        headers.insert(SIGNATURE, value(key.signature(&body)));
        if self.marked {
            headers.insert(MARK, value(key.mark(&body)));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// The headers that every delivery of a sender has.
fn headers(sender: Sender, host: &str) -> hyper::http::Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert(HOST, HeaderValue::from_str(host)?);
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in sender.headers() {
        headers.insert(
            HeaderName::from_bytes(name.as_bytes())?,
            HeaderValue::from_static(value),
        );
    }
    Ok(headers)
}

#[expect(clippy::expect_used, reason = "hex digits may stand in a header")]
fn value(signature: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(signature)).expect("hex digits")
}
