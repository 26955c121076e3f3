//! Client of the API on one connection.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use anyhow::{Context, ensure};

pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    pub(super) fn connect(to: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(to)?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::with_capacity(1 << 20, stream),
        })
    }

    /// Milliseconds of a request until the last byte of its answer.
    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<f64> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
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
        Ok(took)
    }
}
