//! Serves one connection and returns the reason of its end.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, time::sleep};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{ListenerLimits, connection::Connection, ending::Ending, stream::Stream};

/// Bytes that a connection may read ahead, and so the longest head: Meta's are under 1 KiB. With
/// the number of connections it bounds what all of them hold beside the budget of bodies.
const READ_AHEAD: usize = 16 << 10;

/// How long a connection may be quiet once the server stops. A request that was on its way is
/// answered, and so is the next one of a peer who sends one after the other; the answer says that
/// there is no further one.
const LINGER: Duration = Duration::from_secs(1);

/// The last look at a connection before it has to close: what the system has received by then is
/// seen first, because a timer of the runtime ends after it has asked the system for news.
const MOMENT: Duration = Duration::from_millis(100);

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// State shared by all connections of a listener.
#[derive(Debug)]
pub(super) struct ConnectionServer {
    routes: Router,
    http: http1::Builder,
    write_timeout: Duration,
    /// The listener stops.
    stop: CancellationToken,
}

impl ConnectionServer {
    /// Serves `routes` within `limits` until `stop`.
    pub(super) fn new(routes: Router, limits: ListenerLimits, stop: CancellationToken) -> Self {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_buf_size(READ_AHEAD);
        Self {
            routes,
            http,
            write_timeout: limits.write_timeout,
            stop,
        }
    }

    /// Serves requests on `io` until it ends or `connection` has to close.
    pub(super) async fn serve_connection(
        &self,
        io: TcpStream,
        from: SocketAddr,
        connection: Arc<Connection>,
    ) -> Ending {
        let service = service_fn(|request| {
            let (routes, connection) = (self.routes.clone(), Arc::clone(&connection));
            answer(routes, connection, from, request)
        });
        let io = TokioIo::new(Stream::new(io, self.write_timeout));
        let mut served = self.http.serve_connection(io, service);
        let stays = tokio::select! {
            biased;
            ended = &mut served => Ok(ended),
            reason = self.until_closing(&connection) => Err(reason),
        };
        let ended = match stays {
            Ok(ended) => ended,
            Err(CloseReason::Quiet) if connection.has_sent_request() => {
                // An answer may still be on its way out.
                Pin::new(&mut served).graceful_shutdown();
                (&mut served).await
            }
            Err(CloseReason::Quiet) => return Ending::Done,
            Err(CloseReason::Limit) => return Ending::CrowdedOut,
        };
        match ended {
            Ok(()) => Ending::in_order(&connection),
            Err(error) => {
                let parts = served.into_parts();
                Ending::by(&error, &connection, parts.io.inner(), &parts.read_buf)
            }
        }
    }

    async fn until_closing(&self, connection: &Connection) -> CloseReason {
        connection.close.cancelled().await;
        if !self.stop.is_cancelled() {
            return CloseReason::Limit;
        }
        loop {
            sleep(MOMENT).await;
            match connection.until_quiet_for(LINGER) {
                None => return CloseReason::Quiet,
                Some(left) => sleep(left).await,
            }
        }
    }
}

/// Reason to close a connection.
enum CloseReason {
    /// The connection limit is reached.
    Limit,
    /// The listener stops, and nothing more comes on it.
    Quiet,
}

/// Whether the body of `request` is framed in chunks. It may have had a length, too, which hyper
/// drops without a word: whoever forwards such a request may take for a body what would be the next
/// request here, and the answers after it for those of others. So nothing follows chunks.
fn is_chunked(request: &Request<Incoming>) -> bool {
    request.body().size_hint().exact().is_none()
}

/// Whether `request` has a body that may not have come with its head. Where nobody reads it, hyper
/// ends the connection after the answer, and the peer should know before it sends another request.
fn has_long_body(request: &Request<Incoming>) -> bool {
    request.body().size_hint().lower() > READ_AHEAD as u64
}

/// Whether the body of such a request was read, or the answer says already that it was not.
fn is_of_a_delivery(method: &Method, status: StatusCode) -> bool {
    let nowhere = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
    method == Method::POST && !nowhere.contains(&status)
}

/// Answers one request of `connection`; the last one once it has to close.
async fn answer(
    mut routes: Router,
    connection: Arc<Connection>,
    from: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    connection.begin_request();
    let (chunked, long) = (is_chunked(&request), has_long_body(&request));
    let method = request.method().clone();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(from));
    if !connection.is_verified() {
        request.extensions_mut().insert(Arc::clone(&connection));
    }
    let mut response = routes.call(request).await?;
    let unread = long && !is_of_a_delivery(&method, response.status());
    if response.headers().contains_key(header::CONNECTION) {
        connection.note_refused_body();
    } else if chunked || unread || connection.close.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    connection.end_request();
    Ok(response)
}
