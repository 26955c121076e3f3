//! Client of the API and the pages on one connection.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use anyhow::{Context, ensure};

/// An answer with status 200.
pub(crate) struct Answer {
    /// Milliseconds until its last byte.
    pub(crate) took: f64,
    pub(crate) bytes: u32,
}

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(1 << 20, stream),
        })
    }

    /// Sends a request that accepts HTML, and reads its answer.
    pub(crate) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html, */*\r\n\r\n");
        let began = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut status, mut length) = (None, 0);
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            status.get_or_insert(line);
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let took = began.elapsed().as_secs_f64() * 1000.0;
        let status = status.context("no answer")?;
        ensure!(
            status.contains(" 200 ") && body.len() > 50,
            "{path}: {status}{}",
            String::from_utf8_lossy(&body)
        );
        Ok(Answer {
            took,
            bytes: u32::try_from(length)?,
        })
    }
}
