//! Receiver of a destination on the loopback interface.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, stream};
use tokio::{net::TcpListener, task::AbortHandle};

/// Request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(text)
    }
}

/// Answer of the receiver.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Status(u16),
    /// 200, and the end of the connection.
    Last,
    /// 302 to this address.
    Redirect(String),
    /// 200 with half a body, and the end of the connection.
    Half,
    /// 200 and one byte of the body after the other, without an end.
    Drip,
    /// None, and an open connection.
    Hang,
}

type Rule = Box<dyn FnMut(&Got) -> Answer + Send>;

/// A receiver, until it is dropped.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    desk: Arc<Desk>,
    task: AbortHandle,
}

struct Desk {
    got: Mutex<Vec<Got>>,
    rule: Mutex<Rule>,
}

impl Receiver {
    /// A receiver that answers 200.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let rule: Rule = Box::new(|_| Answer::Status(200));
        let desk = Arc::new(Desk {
            got: Mutex::default(),
            rule: Mutex::new(rule),
        });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            address,
            desk,
            task: serving.abort_handle(),
        }
    }

    /// Answers by this rule from now on.
    pub(crate) fn answer(&self, rule: impl FnMut(&Got) -> Answer + Send + 'static) {
        *self.desk.rule.lock().unwrap() = Box::new(rule);
    }

    /// Requests so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.desk.got.lock().unwrap().clone()
    }

    /// Requests so far that have this text in their body.
    pub(crate) fn with(&self, text: &str) -> usize {
        self.got().iter().filter(|got| got.has(text)).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(desk): State<Arc<Desk>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let got = Got {
        path: uri.path().to_owned(),
        headers,
        body,
    };
    let answer = (*desk.rule.lock().unwrap())(&got);
    desk.got.lock().unwrap().push(got);
    match answer {
        Answer::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Answer::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Answer::Last => [(header::CONNECTION, "close")].into_response(),
        Answer::Half => half().into_response(),
        Answer::Drip => Body::from_stream(drip()).into_response(),
        Answer::Hang => std::future::pending().await,
    }
}

fn half() -> impl IntoResponse {
    let parts = [
        Ok("half"),
        Err(io::Error::other("the end of the connection")),
    ];
    let body = Body::from_stream(stream::iter(parts));
    ([(header::CONTENT_LENGTH, "9")], body)
}

fn drip() -> impl Stream<Item = io::Result<&'static str>> {
    stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok("."), ()))
    })
}
