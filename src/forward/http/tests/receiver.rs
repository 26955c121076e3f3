//! Receivers on the loopback interface, with answers of every kind, and name servers for them.

use std::{
    collections::VecDeque,
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// Body of each request.
pub(super) const BODY: &[u8] = b"{}";

/// Behaviour after a request.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Sends this, and closes the connection.
    Bytes(String),
    /// Sends nothing, and keeps the connection open.
    Nothing,
    /// Sends this, and one byte after the other, without an end.
    Drip(&'static str),
    /// Sends this, and blocks of bytes, without an end.
    Flood(&'static str),
}

/// A complete answer without a body.
pub(super) fn empty(status: &str, header: &str) -> Answer {
    Answer::Bytes(format!(
        "HTTP/1.1 {status}\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

/// Receiver that answers each request in the same way, until it is dropped.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
    task: AbortHandle,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Receiver {
    pub(super) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(serve(stream, answer.clone(), Arc::clone(&shared)));
            }
        });
        Self {
            address,
            seen,
            task: accepting.abort_handle(),
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Requests so far, each with its head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one request; an error is the end of the connection.
async fn serve(mut stream: TcpStream, answer: Answer, seen: Arc<Seen>) -> io::Result<()> {
    let mut request = Vec::new();
    while !request.ends_with(BODY) {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let request = String::from_utf8(request).unwrap();
    seen.requests.lock().unwrap().push(request);
    match answer {
        Answer::Bytes(answer) => stream.write_all(answer.as_bytes()).await,
        Answer::Nothing => std::future::pending().await,
        Answer::Drip(head) => {
            stream.write_all(head.as_bytes()).await?;
            loop {
                sleep(Duration::from_millis(5)).await;
                stream.write_all(b" ").await?;
            }
        }
        Answer::Flood(head) => {
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 1_024]).await?;
            }
        }
    }
}

/// Name server with one answer for each look-up; the last answer stays. Without any answer, each
/// look-up fails.
pub(super) struct NameServer {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    pub(super) lookups: AtomicUsize,
}

impl NameServer {
    /// A name server with answers of addresses separated by blanks.
    pub(super) fn new(answers: &[&str]) -> Arc<Self> {
        let parse = |text: &&str| text.split(' ').map(|it| it.parse().unwrap()).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parse).collect()),
            lookups: AtomicUsize::new(0),
        })
    }
}

impl Resolve for NameServer {
    fn resolve(&self, _: Name) -> Resolving {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        let found: Result<_, Box<dyn Error + Send + Sync>> =
            answer.ok_or_else(|| io::Error::other("no answer").into());
        let addresses = found.map(|found| {
            let sockets = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Box::new(sockets) as Addrs
        });
        Box::pin(std::future::ready(addresses))
    }
}
