//! Output of a tunnel program: lines of bounded length, safe to log.

use tokio::{io::AsyncReadExt, process::ChildStdout};

/// Maximum length of a line in bytes; a longer line is split.
const LONGEST: usize = 4096;

/// Maximum length of a logged line in bytes.
const SHOWN: usize = 300;

/// Minimum length of a word that is hidden as a possible secret: `ngrok` quotes the user's token in
/// an error.
const SECRET: usize = 24;

/// The lines of a child's output.
#[derive(Debug)]
pub(super) struct Lines {
    output: ChildStdout,
    waiting: Vec<u8>,
}

impl Lines {
    pub(super) fn new(output: ChildStdout) -> Self {
        let waiting = Vec::new();
        Self { output, waiting }
    }

    /// The next line; none at the end of the output. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<String> {
        let mut piece = [0; LONGEST];
        loop {
            if let Some(line) = self.take() {
                return Some(line);
            }
            match self.output.read(&mut piece).await {
                Ok(0) | Err(_) => return self.rest(),
                Ok(read) => self.waiting.extend_from_slice(&piece[..read]),
            }
        }
    }

    fn take(&mut self) -> Option<String> {
        let end = self.waiting.iter().position(|byte| *byte == b'\n');
        let end = match end {
            Some(end) if end <= LONGEST => end + 1,
            _ if self.waiting.len() >= LONGEST => LONGEST,
            _ => return None,
        };
        let line: Vec<u8> = self.waiting.drain(..end).collect();
        Some(text(&line))
    }

    fn rest(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.waiting);
        (!rest.is_empty()).then(|| text(&rest))
    }
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let kept = text.chars().filter(|char| !char.is_control());
    kept.collect::<String>().trim().to_owned()
}

/// The line for the log: truncated, and with possible secrets hidden.
pub(super) fn shown(line: &str) -> String {
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let mut shown = String::new();
    for piece in line.split_inclusive(|char| !is_word(char)) {
        let word = piece.trim_end_matches(|char| !is_word(char));
        shown.push_str(if word.len() < SECRET {
            word
        } else {
            "[hidden]"
        });
        shown.push_str(&piece[word.len()..]);
    }
    if shown.len() > SHOWN {
        shown.truncate(shown.floor_char_boundary(SHOWN));
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    async fn lines_of(script: &str) -> Vec<String> {
        let mut child = tokio::process::Command::new("/bin/sh")
            .args(["-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = Lines::new(child.stdout.take().unwrap());
        let mut read = Vec::new();
        while let Some(line) = lines.next().await {
            read.push(line);
        }
        child.wait().await.unwrap();
        read
    }

    #[tokio::test]
    async fn lines_are_whole_bounded_and_text() {
        let script = r"printf 'one\r\n\n\033[1mtwo\377\nthree'";
        assert_eq!(
            lines_of(script).await,
            ["one", "", "[1mtwo\u{fffd}", "three"]
        );
        let long = lines_of("head -c 10000 /dev/zero | tr '\\0' x; echo; echo end").await;
        let lengths: Vec<_> = long.iter().map(String::len).collect();
        assert_eq!(lengths, [4096, 4096, 10000 - 2 * 4096, 3]);
    }

    #[test]
    fn what_is_shown_is_short_and_hides_long_words() {
        let token = "2abcDEF0123456789_0123456789abcdef";
        let said = format!("invalid. Your authtoken: {token}\" at https://a-b.ngrok.app");
        let expected = "invalid. Your authtoken: [hidden]\" at https://a-b.ngrok.app";
        assert_eq!(shown(&said), expected);
        assert_eq!(shown(token), "[hidden]");
        let long = shown(&"ä ".repeat(400));
        assert!(long.len() <= SHOWN + '…'.len_utf8() && long.ends_with('…'));
    }
}
