//! Readers of live streams.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};

use super::{Latencies, StreamLoad};
use crate::deliveries::{DIGITS, MARK, Run, account};

/// Opens the streams. Each begins with the next event.
pub(super) async fn open(load: StreamLoad, at: SocketAddr) -> anyhow::Result<Vec<TcpStream>> {
    let mut readers = Vec::new();
    for number in 0..load.readers {
        let filter = match load.accounts {
            1 => String::new(),
            accounts => format!("?account={}", account(number % accounts)),
        };
        let mut reader = TcpStream::connect(at).await?;
        let head = format!("GET /v1/events/stream{filter} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        reader.write_all(head.as_bytes()).await?;
        answered(&mut reader).await?;
        readers.push(reader);
    }
    Ok(readers)
}

/// Reads the stream up to the block that says that the reader has caught up.
async fn answered(reader: &mut TcpStream) -> anyhow::Result<()> {
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains("caught_up") {
        ensure!(reader.read_buf(&mut said).await? > 0, "the stream ended");
        let is_ok = said.len() < 12 || said.starts_with(b"HTTP/1.1 200");
        ensure!(is_ok, "{}", String::from_utf8_lossy(&said));
    }
    Ok(())
}

/// Receives `expected` events with each reader.
pub(super) async fn receive(
    readers: Vec<TcpStream>,
    run: &Arc<Run>,
    expected: usize,
) -> anyhow::Result<Latencies> {
    let mut receiving = JoinSet::new();
    for reader in readers {
        receiving.spawn(read(reader, Arc::clone(run), expected));
    }
    let mut all = Latencies::new()?;
    while let Some(ended) = receiving.join_next().await {
        all.add(&ended??)?;
    }
    Ok(all)
}

async fn read(mut reader: TcpStream, run: Arc<Run>, expected: usize) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::new()?;
    let mut unread = Vec::with_capacity(128 << 10);
    let (mut received, mut last) = (0, None);
    while received < expected {
        if reader.read_buf(&mut unread).await? == 0 {
            bail!("a stream ended after {received} events");
        }
        let now = run.began.elapsed();
        let mut from = 0;
        while let Some((number, end)) = next_number(&unread[from..])? {
            from += end;
            // The text and the payload of an event have its number.
            if last == Some(number) {
                continue;
            }
            last = Some(number);
            received += 1;
            let since = |then: Duration| u64::try_from(now.saturating_sub(then).as_micros());
            latencies.since_due += since(run.due(number))?;
            latencies.since_ack += run.ack(number).map_or(Ok(0), since)?;
        }
        // A number may be cut at the end.
        let kept = (unread.len() - from).min(MARK.len() + DIGITS - 1);
        unread.drain(..unread.len() - kept);
    }
    ensure!(received == expected, "a stream had {received} events");
    Ok(latencies)
}

/// Finds the next whole number, and its end.
fn next_number(text: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let whole = text.len().saturating_sub(DIGITS);
    let Some(start) = text[..whole].windows(MARK.len()).position(|it| it == MARK) else {
        return Ok(None);
    };
    let end = start + MARK.len() + DIGITS;
    let digits = std::str::from_utf8(&text[start + MARK.len()..end])?;
    Ok(Some((digits.parse().context("no number")?, end)))
}
