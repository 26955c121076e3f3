//! Receiver of a destination: takes a fixed time for each request, or is down.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;

/// Time for each request.
const HOLD: Duration = Duration::from_millis(10);

/// A running receiver.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    state: Arc<Received>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Received {
    is_down: AtomicBool,
    /// Requests that were refused, and taken.
    refused: AtomicUsize,
    taken: AtomicUsize,
}

impl Receiver {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let state = Arc::new(Received::default());
        let routes = Router::new()
            .route("/hook", post(receive))
            .with_state(Arc::clone(&state));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self {
            address,
            state,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::Relaxed)
    }

    pub(super) fn taken(&self) -> usize {
        self.state.taken.load(Ordering::Relaxed)
    }

    /// Requests a second that the receiver takes over so many connections: each sends the next
    /// request after the answer.
    #[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
    pub(super) async fn rate(&self, connections: usize, time: Duration) -> anyhow::Result<f64> {
        let (before, began) = (self.taken(), Instant::now());
        let mut sending = JoinSet::new();
        for _ in 0..connections {
            sending.spawn(tokio::time::timeout(time, send_on(self.address)));
        }
        while let Some(ended) = sending.join_next().await {
            if let Ok(failed) = ended? {
                failed?;
            }
        }
        Ok((self.taken() - before) as f64 / began.elapsed().as_secs_f64())
    }
}

async fn receive(State(state): State<Arc<Received>>, _: Bytes) -> StatusCode {
    if state.is_down.load(Ordering::Relaxed) {
        state.refused.fetch_add(1, Ordering::Relaxed);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    sleep(HOLD).await;
    state.taken.fetch_add(1, Ordering::Relaxed);
    StatusCode::OK
}

async fn send_on(to: SocketAddr) -> anyhow::Result<()> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(async { drop(connection.await) }));
    loop {
        let request = Request::post("/hook").header("host", "localhost");
        let request = request.body(Full::<Bytes>::from(vec![b'x'; 400]))?;
        let answer = sender.send_request(request).await?;
        answer.into_body().collect().await?;
    }
}
