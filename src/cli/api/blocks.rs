//! Blocks of a live stream (server-sent events).

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use super::Body;

/// A live stream, block by block.
#[derive(Debug)]
pub(in crate::cli) struct Blocks {
    body: Body,
    unread: BytesMut,
    /// Length of the part of `unread` without the end of a block.
    searched: usize,
}

/// Block of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Block {
    /// Position from which a stream goes on behind this block.
    pub(in crate::cli) id: Option<i64>,
    /// Name of a block that is no event of the log.
    pub(in crate::cli) name: Option<String>,
    /// JSON.
    pub(in crate::cli) data: Option<Bytes>,
}

/// End of a block.
const END: &[u8] = b"\n\n";

impl Blocks {
    pub(in crate::cli) fn new(body: Body) -> Self {
        Self {
            body,
            unread: BytesMut::new(),
            searched: 0,
        }
    }

    /// The next block; `None` at the end of the stream.
    pub(in crate::cli) async fn next(&mut self) -> anyhow::Result<Option<Block>> {
        loop {
            if let Some(block) = self.take() {
                return Ok(Some(block));
            }
            let Some(frame) = self.body.frame().await.transpose()? else {
                return Ok(None);
            };
            if let Some(bytes) = frame.data_ref() {
                self.unread.extend_from_slice(bytes);
            }
        }
    }

    /// The next block, if it has arrived.
    pub(in crate::cli) fn take(&mut self) -> Option<Block> {
        let mut ends = self.unread[self.searched..].windows(END.len());
        let Some(end) = ends.position(|end| end == END) else {
            // The last byte may begin the end.
            self.searched = self.unread.len().saturating_sub(1);
            return None;
        };
        let end = self.searched + end + END.len();
        self.searched = 0;
        Some(Block::read(&self.unread.split_to(end).freeze()))
    }
}

impl Block {
    fn read(text: &Bytes) -> Self {
        let mut block = Self::default();
        for line in text.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            let value = text.slice_ref(line[colon + 1..].trim_ascii());
            let spelled = || std::str::from_utf8(&value).ok();
            match &line[..colon] {
                b"id" => block.id = spelled().and_then(|id| id.parse().ok()),
                b"event" => block.name = spelled().map(str::to_owned),
                b"data" => block.data = Some(value),
                _ => {}
            }
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn blocks_are_found_wherever_the_stream_is_cut() {
        let text = "id: 1\ndata: {\"a\":\"x: y\"}\n\n: remark\nid: 2\n\nid: 3\nevent: gap\ndata: {}\n\nid: 4\n";
        let event = |id, name: Option<&str>, data: Option<&'static str>| Block {
            id: Some(id),
            name: name.map(str::to_owned),
            data: data.map(Bytes::from),
        };
        let expected = [
            event(1, None, Some("{\"a\":\"x: y\"}")),
            event(2, None, None),
            event(3, Some("gap"), Some("{}")),
        ];
        for size in 1..=text.len() {
            let parts = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            let frames = parts.map(|part| Ok::<_, anyhow::Error>(Frame::data(part)));
            let frames: Vec<_> = frames.collect();
            let body = StreamBody::new(futures_util::stream::iter(frames));
            let mut blocks = Blocks::new(body.boxed_unsync());
            let mut found = Vec::new();
            while let Some(block) = blocks.next().await.unwrap() {
                found.push(block);
            }
            assert_eq!(found, expected, "{size}");
        }
        let empty = Full::<Bytes>::default().map_err(anyhow::Error::new);
        let end = Blocks::new(empty.boxed_unsync()).next().await;
        assert_eq!(end.unwrap(), None);
    }
}
