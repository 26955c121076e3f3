//! Servers on the loopback interface that answer by a script.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet},
    time::sleep,
};

use super::Target;
use crate::meta::signature::Secrets;

pub(super) const SECRET: &str = "a secret of this test";

/// Reaction of a server to a delivery.
pub(super) enum Act {
    Answer(u16),
    /// Sends this, and ends the connection.
    Last(&'static str),
    Stall(Duration),
    Never,
}

/// An answer that does not say that it is the last.
pub(super) const ACK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

/// A delivery as it arrived.
pub(super) struct Seen {
    /// Counted from 0.
    pub(super) number: usize,
    /// Its signature is right.
    pub(super) genuine: bool,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }
}

/// Serves each connection by a script until the test is over.
pub(super) struct Server {
    pub(super) target: Target,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(super) async fn server(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = target(listener.local_addr().unwrap().to_string());
    let shared = Arc::new((script, AtomicUsize::new(0)));
    let accepting = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let shared = Arc::clone(&shared);
            connections.spawn(async move { serve(stream, &shared.0, &shared.1).await });
        }
    });
    Server {
        target,
        task: accepting.abort_handle(),
    }
}

pub(super) fn target(address: String) -> Target {
    Target {
        address,
        path: "/webhook/shop".into(),
        host: "hooks.example.org".into(),
        app_secret: SECRET.into(),
        marked: true,
    }
}

async fn serve(mut stream: TcpStream, script: &impl Fn(&Seen) -> Act, count: &AtomicUsize) {
    while let Some(mut seen) = read(&mut stream).await {
        seen.number = count.fetch_add(1, Ordering::SeqCst);
        let answer = match script(&seen) {
            Act::Answer(status) => format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"),
            Act::Last(answer) => return stream.write_all(answer.as_bytes()).await.unwrap(),
            Act::Stall(time) => {
                sleep(time).await;
                ACK.to_owned()
            }
            Act::Never => std::future::pending().await,
        };
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let body = bytes.split_off(end);
    let mut seen = Seen {
        number: 0,
        genuine: false,
        head: String::from_utf8(bytes).unwrap(),
        body,
    };
    let read = seen.body.len();
    let length = seen.header("Content-Length")?.parse().unwrap();
    seen.body.resize(length, 0);
    stream.read_exact(&mut seen.body[read..]).await.ok()?;
    let signature = seen.header("X-Hub-Signature-256").map(str::as_bytes);
    let secrets = Secrets::new([("app", &SECRET.into())]);
    seen.genuine = secrets.verify(signature, seen.body.clone().into()).is_ok();
    Some(seen)
}
