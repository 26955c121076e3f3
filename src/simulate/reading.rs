//! Reads an answer as its bytes come in: its status, and where it ends.
//!
//! What it says beside that is nobody's concern here; heads are read by `httparse`, as hyper does.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status, parse_chunk_size};

/// More headers than this are no answer.
const MOST_HEADERS: usize = 100;

/// Nothing that an HTTP/1.1 server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<httparse::Error> for Malformed {
    fn from(_: httparse::Error) -> Self {
        Self
    }
}

impl From<httparse::InvalidChunkSize> for Malformed {
    fn from(_: httparse::InvalidChunkSize) -> Self {
        Self
    }
}

/// An answer of which something may be missing.
#[derive(Debug)]
pub(super) struct Reading {
    state: State,
    status: u16,
    /// Whether the server leaves the connection open after it.
    keeps: bool,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of the body.
    Body(u64),
    /// All that comes until the connection ends.
    Rest,
    ChunkSize,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The end of its line.
    ChunkEnd,
    Trailers,
    Done,
}

impl Reading {
    /// Of an answer of which nothing has come.
    pub(super) fn new() -> Self {
        Self {
            state: State::Head,
            status: 0,
            keeps: true,
        }
    }

    /// Reads as much of `bytes` as belongs to the answer and can be read already; says how much
    /// that was.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut read = 0;
        loop {
            match self.step(&bytes[read..])? {
                0 => return Ok(read),
                some => read += some,
            }
        }
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) {
        self.keeps = false;
        if self.state == State::Rest {
            self.state = State::Done;
        }
    }

    /// The status, once the answer is complete.
    pub(super) fn done(&self) -> Option<u16> {
        (self.state == State::Done).then_some(self.status)
    }

    /// Whether another delivery may follow on the connection.
    pub(super) fn keeps_connection(&self) -> bool {
        self.keeps
    }

    /// The next part: how long it was, and 0 where more bytes are needed or none is left.
    fn step(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let (read, next) = match self.state {
            State::Head => return self.head(bytes),
            State::Body(left) => past(bytes, left, State::Body, State::Done),
            State::Rest => (bytes.len(), State::Rest),
            State::ChunkSize => match chunk_size(bytes)? {
                Status::Complete((read, 0)) => (read, State::Trailers),
                Status::Complete((read, size)) => (read, State::Chunk(size)),
                Status::Partial => return Ok(0),
            },
            State::Chunk(left) => past(bytes, left, State::Chunk, State::ChunkEnd),
            State::ChunkEnd => match bytes {
                [b'\r', b'\n', ..] => (2, State::ChunkSize),
                [] | [b'\r'] => return Ok(0),
                _ => return Err(Malformed),
            },
            State::Trailers => {
                match httparse::parse_headers(bytes, &mut [EMPTY_HEADER; MOST_HEADERS])? {
                    Status::Complete((read, _)) => (read, State::Done),
                    Status::Partial => return Ok(0),
                }
            }
            State::Done => (0, State::Done),
        };
        self.state = next;
        Ok(read)
    }

    fn head(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
        let mut response = Response::new(&mut []);
        let parsed = ParserConfig::default().parse_response_with_uninit_headers(
            &mut response,
            bytes,
            &mut headers,
        )?;
        let Status::Complete(read) = parsed else {
            return Ok(0);
        };
        self.status = response.code.unwrap_or_default();
        // What a server says while it goes on waiting is no answer yet.
        if (100..200).contains(&self.status) && self.status != 101 {
            return Ok(read);
        }
        self.state = body(self.status, response.headers)?;
        let is_current = response.version == Some(1);
        self.keeps = self.status != 101
            && self.state != State::Rest
            && !says(response.headers, "connection", "close")
            && (is_current || says(response.headers, "connection", "keep-alive"));
        Ok(read)
    }
}

/// Goes through up to `left` bytes: where some are missing they come next, and `then` after them.
fn past(bytes: &[u8], left: u64, missing: fn(u64) -> State, then: State) -> (usize, State) {
    let read = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    match left - read as u64 {
        0 => (read, then),
        left => (read, missing(left)),
    }
}

/// A line without a digit would be a size of 0 to the parser.
fn chunk_size(bytes: &[u8]) -> Result<Status<(usize, u64)>, Malformed> {
    match bytes.first() {
        Some(first) if !first.is_ascii_hexdigit() => Err(Malformed),
        _ => Ok(parse_chunk_size(bytes)?),
    }
}

/// How the body after this head ends (RFC 9112, section 6.3).
fn body(status: u16, headers: &[Header<'_>]) -> Result<State, Malformed> {
    if matches!(status, 101 | 204 | 304) {
        return Ok(State::Done);
    }
    if let Some(last) = words(headers, "transfer-encoding").last() {
        let is_chunked = last.eq_ignore_ascii_case(b"chunked");
        return Ok(if is_chunked {
            State::ChunkSize
        } else {
            State::Rest
        });
    }
    let mut lengths = values(headers, "content-length").map(length);
    let Some(length) = lengths.next() else {
        return Ok(State::Rest);
    };
    let length = length?;
    if lengths.any(|other| other != Ok(length)) {
        return Err(Malformed);
    }
    Ok(match length {
        0 => State::Done,
        length => State::Body(length),
    })
}

/// Digits only: a number may begin with a sign, a length may not.
fn length(value: &[u8]) -> Result<u64, Malformed> {
    let digits = str::from_utf8(value).map_err(|_| Malformed)?;
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(Malformed);
    }
    digits.parse().map_err(|_| Malformed)
}

fn values<'a>(headers: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let named = move |header: &&Header<'a>| header.name.eq_ignore_ascii_case(name);
    headers.iter().filter(named).map(|header| header.value)
}

/// What stands in the list of this header.
fn words<'a>(headers: &[Header<'a>], name: &str) -> impl Iterator<Item = &'a [u8]> {
    let listed = values(headers, name).flat_map(|value| value.split(|byte| *byte == b','));
    listed.map(<[u8]>::trim_ascii)
}

/// Whether `word` stands in the list of this header.
fn says(headers: &[Header<'_>], name: &str, word: &str) -> bool {
    words(headers, name).any(|said| said.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `answer` in two parts, wherever it is cut: the status, whether the connection is
    /// kept, and how many bytes are left.
    fn read(answer: &str) -> Result<(Option<u16>, bool, usize), Malformed> {
        let cut = |at| {
            let mut reading = Reading::new();
            let first = reading.read(&answer.as_bytes()[..at])?;
            let rest = reading.read(&answer.as_bytes()[first..])?;
            let left = answer.len() - first - rest;
            Ok((reading.done(), reading.keeps_connection(), left))
        };
        let whole = cut(0);
        for at in 1..=answer.len() {
            assert_eq!(cut(at), whole, "{answer:?} cut at {at}");
        }
        whole
    }

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(read(answer), Ok((Some(200), true, 0)));
        assert_eq!(read(&answer[..answer.len() - 1]), Ok((None, true, 0)));
        assert_eq!(read(&format!("{answer}more")), Ok((Some(200), true, 4)));
        let empty = "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(read(empty), Ok((Some(503), true, 0)));
        let none = "HTTP/1.1 204 No Content\r\n\r\n";
        assert_eq!(read(none), Ok((Some(204), true, 0)));
    }

    #[test]
    fn chunks_and_trailers_are_passed_over() {
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 1\r\n\r\n\
            5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX-Sum: 1\r\n\r\n";
        assert_eq!(read(answer), Ok((Some(200), true, 0)));
        // A part that is read as a whole waits until it is there.
        let unread = "X-Sum: 1\r\n".len();
        assert_eq!(read(&answer[..answer.len() - 2]), Ok((None, true, unread)));
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for bad in [
            "hello\r\n",
            "\r\n\r\n",
            ";x\r\n\r\n",
            "2\r\nhello\r\n0\r\n\r\n",
        ] {
            assert_eq!(read(&format!("{head}{bad}")), Err(Malformed), "{bad:?}");
        }
        // Packed once more, nobody knows where the chunks end.
        let packed = head.replace("chunked", "chunked, gzip");
        assert_eq!(read(&format!("{packed}0\r\n\r\n")), Ok((None, false, 0)));
    }

    #[test]
    fn without_a_length_an_answer_ends_with_its_connection() {
        let mut reading = Reading::new();
        let answer = b"HTTP/1.1 200 OK\r\n\r\nhello";
        assert_eq!(reading.read(answer), Ok(answer.len()));
        assert_eq!((reading.done(), reading.keeps_connection()), (None, false));
        reading.end();
        assert_eq!(reading.done(), Some(200));
        let mut cut_off = Reading::new();
        cut_off
            .read(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
            .unwrap();
        cut_off.end();
        assert_eq!(cut_off.done(), None);
    }

    #[test]
    fn a_server_says_whether_the_connection_goes_on() {
        let keeps = |line: &str| {
            let answer = format!("HTTP/{line}\r\nContent-Length: 0\r\n\r\n");
            read(&answer).unwrap().1
        };
        assert!(keeps("1.1 200 OK"));
        assert!(!keeps("1.1 200 OK\r\nConnection: Close"));
        assert!(!keeps("1.1 401 No\r\nConnection: x, close"));
        assert!(!keeps("1.0 200 OK"));
        assert!(keeps("1.0 200 OK\r\nConnection: Keep-Alive"));
    }

    #[test]
    fn what_comes_before_the_answer_is_passed_over() {
        let answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 Big\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read(answer), Ok((Some(413), true, 0)));
    }

    #[test]
    fn nonsense_is_no_answer() {
        for bad in [
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        ] {
            assert_eq!(read(bad), Err(Malformed), "{bad:?}");
        }
    }
}
