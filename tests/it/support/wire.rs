//! A raw HTTP client for malformed and unusual requests.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// Timeout of every read and write; reaching it fails the test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection.
pub(crate) struct Wire {
    socket: TcpStream,
    unread: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(n, _)| n == name);
        named.next().map(|(_, value)| value.as_str())
    }

    /// Status of a response without a body and without a content type.
    #[track_caller]
    pub(crate) fn bare(&self) -> u16 {
        assert_eq!(self.body, "", "an answer with a body: {self:?}");
        assert_eq!(self.header("content-type"), None, "{self:?}");
        self.status
    }
}

impl From<std::net::TcpStream> for Wire {
    fn from(socket: std::net::TcpStream) -> Self {
        socket.set_nonblocking(true).unwrap();
        Self {
            socket: TcpStream::from_std(socket).unwrap(),
            unread: Vec::new(),
        }
    }
}

impl Wire {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self {
            socket: TcpStream::connect(address).await.unwrap(),
            unread: Vec::new(),
        }
    }

    /// Connects with a small receive buffer.
    pub(crate) async fn with_little_room(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        Self {
            socket: socket.connect(address).await.unwrap(),
            unread: Vec::new(),
        }
    }

    /// Shuts down the sending side.
    pub(crate) async fn finish(&mut self) {
        self.socket.shutdown().await.unwrap();
    }

    /// Sends bytes; returns false if the peer has closed the connection.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sending = self.socket.write_all(bytes.as_ref());
        timeout(PATIENCE, sending)
            .await
            .expect("the peer reads")
            .is_ok()
    }

    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Answer {
        self.send(request).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let end = loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "closed instead of an answer");
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.iter().find(|(name, _)| name == "content-length");
        let length = length.map_or(0, |(_, value)| value.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.more().await, "closed within an answer");
        }
        Answer {
            status: status.parse().unwrap(),
            headers,
            body: String::from_utf8(self.unread.drain(..length).collect()).unwrap(),
        }
    }

    /// Waits until the peer closes; returns the remaining bytes.
    pub(crate) async fn closed(mut self) -> String {
        while self.more().await {}
        String::from_utf8(self.unread).unwrap()
    }

    async fn more(&mut self) -> bool {
        let reading = self.socket.read_buf(&mut self.unread);
        let read = timeout(PATIENCE, reading)
            .await
            .expect("the peer answers or closes");
        read.is_ok_and(|bytes| bytes > 0)
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// A request without a body.
pub(crate) fn request(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nhost: localhost\r\n\r\n")
}

/// A POST of `body` to `target` with these further headers.
pub(crate) fn post(target: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = head(target, headers, &format!("content-length: {}", body.len()));
    bytes.extend_from_slice(body);
    bytes
}

/// The head of a POST; `framing` is its last header.
pub(crate) fn head(target: &str, headers: &[(&str, &str)], framing: &str) -> Vec<u8> {
    let headers: Vec<_> = headers
        .iter()
        .map(|(n, v)| format!("{n}: {v}\r\n"))
        .collect();
    let start = format!("POST {target} HTTP/1.1\r\nhost: here\r\n");
    format!("{start}{}{framing}\r\n\r\n", headers.concat()).into_bytes()
}
