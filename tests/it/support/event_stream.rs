//! A client of the live stream.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{HeaderMap, Request, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_util::task::AbortOnDropHandle;

/// A response that may be a stream.
#[derive(Debug)]
pub(crate) struct EventStream {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    unread: String,
    _driver: AbortOnDropHandle<()>,
}

/// A block of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) id: Option<i64>,
    pub(crate) event: Option<String>,
    pub(crate) data: Option<String>,
}

impl EventStream {
    /// Opens `/v1/events/stream` with a query and headers.
    pub(crate) async fn open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Self {
        Self::open_at(address, &format!("/v1/events/stream{query}"), headers).await
    }

    /// Opens a stream at a path with headers.
    pub(crate) async fn open_at(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let mut request = Request::get(path);
        for (name, value) in [("Host", "localhost")].iter().chain(headers) {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            unread: String::new(),
            _driver: AbortOnDropHandle::new(driver),
        }
    }

    /// The next block; `None` at an orderly end.
    pub(crate) async fn next(&mut self) -> Option<Block> {
        while !self.unread.contains("\n\n") {
            let frame = self.body.frame().await?.expect("the stream is not cut");
            let bytes = frame.into_data().unwrap_or_default();
            self.unread += std::str::from_utf8(&bytes).unwrap();
        }
        let end = self.unread.find("\n\n").unwrap();
        let block = Block::read(&self.unread[..end]);
        self.unread.drain(..end + 2);
        Some(block)
    }

    /// The blocks up to `caught_up`, which is left out.
    pub(crate) async fn backlog(&mut self) -> Vec<Block> {
        let mut blocks = Vec::new();
        loop {
            let block = self.next().await.expect("the stream goes on");
            if block.event.as_deref() == Some("caught_up") {
                return blocks;
            }
            blocks.push(block);
        }
    }

    /// The rest of an answer that is no stream.
    pub(crate) async fn body(self) -> String {
        let body = self.body.collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }
}

impl Block {
    fn read(text: &str) -> Self {
        let mut block = Self::default();
        for line in text.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            match name {
                "id" => block.id = value.parse().ok(),
                "event" => block.event = Some(value.to_owned()),
                "data" => block.data = Some(value.to_owned()),
                _ => panic!("unknown line: {line}"),
            }
        }
        block
    }
}
