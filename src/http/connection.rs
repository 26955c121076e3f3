//! One connection: serves what comes on it, and knows why it ended.

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

use super::{ListenerLimits, ending::Ending, guest::Guest, stream::Stream};

/// Bytes that a connection may read ahead, and so the longest head: Meta's are under 1 KiB. With
/// the number of connections it bounds what all of them hold beside the budget of bodies.
const READ_AHEAD: usize = 16 << 10;

/// How long a connection may be quiet once the server stops. A request that was on its way is
/// answered, and so is the next one of a peer who sends one after the other; the answer says that
/// there is no further one.
const LINGER: Duration = Duration::from_secs(1);

/// The last look at a connection before it has to leave: what the system has received by then is
/// seen first, because a timer of the runtime ends after it has asked the system for news.
const MOMENT: Duration = Duration::from_millis(100);

const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// What all connections of a listener share.
#[derive(Debug)]
pub(super) struct Table {
    routes: Router,
    http: http1::Builder,
    write_timeout: Duration,
    /// The listener stops.
    stop: CancellationToken,
}

impl Table {
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

    /// Serves what comes on `io`, until it ends or `guest` has to leave.
    pub(super) async fn serve(&self, io: TcpStream, from: SocketAddr, guest: Arc<Guest>) -> Ending {
        let service = service_fn(|request| {
            let (routes, guest) = (self.routes.clone(), Arc::clone(&guest));
            answer(routes, guest, from, request)
        });
        let io = TokioIo::new(Stream::new(io, self.write_timeout));
        let mut connection = self.http.serve_connection(io, service);
        let stays = tokio::select! {
            biased;
            ended = &mut connection => Ok(ended),
            leave = self.time_to_leave(&guest) => Err(leave),
        };
        let ended = match stays {
            Ok(ended) => ended,
            Err(Leave::Quiet) if guest.has_asked() => {
                // An answer may still be on its way out.
                Pin::new(&mut connection).graceful_shutdown();
                (&mut connection).await
            }
            Err(Leave::Quiet) => return Ending::Done,
            Err(Leave::Crowd) => return Ending::CrowdedOut,
        };
        match ended {
            Ok(()) => Ending::in_order(&guest),
            Err(error) => {
                let parts = connection.into_parts();
                Ending::by(&error, &guest, parts.io.inner(), &parts.read_buf)
            }
        }
    }

    async fn time_to_leave(&self, guest: &Guest) -> Leave {
        guest.leave.cancelled().await;
        if !self.stop.is_cancelled() {
            return Leave::Crowd;
        }
        loop {
            sleep(MOMENT).await;
            match guest.until_quiet_for(LINGER) {
                None => return Leave::Quiet,
                Some(left) => sleep(left).await,
            }
        }
    }
}

/// Why a connection has to leave.
enum Leave {
    /// Another needs its seat.
    Crowd,
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

/// Answers one request of `guest`; the last one once it has to leave.
async fn answer(
    mut routes: Router,
    guest: Arc<Guest>,
    from: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    guest.begin_request();
    let (chunked, long) = (is_chunked(&request), has_long_body(&request));
    let method = request.method().clone();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(from));
    if !guest.is_proven() {
        request.extensions_mut().insert(Arc::clone(&guest));
    }
    let mut response = routes.call(request).await?;
    let unread = long && !is_of_a_delivery(&method, response.status());
    if response.headers().contains_key(header::CONNECTION) {
        guest.note_refused_body();
    } else if chunked || unread || guest.leave.is_cancelled() {
        response.headers_mut().insert(header::CONNECTION, CLOSE);
    }
    guest.end_request();
    Ok(response)
}
