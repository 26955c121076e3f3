//! Bytes of a body as HTML: formatted, as received, or in hex. The bytes of an item are a link to
//! its event.

use std::fmt::Write as _;
use std::ops::Range;

use askama::filters::Safe;

use super::{reserialized::escape_length, text::stored};
use crate::{
    meta::json::{Index, MAX_DEPTH, Value},
    vocabulary::spelled,
};

/// Number of bytes on a page.
pub(super) const PART: usize = 64 << 10;

/// Number of bytes in a row of hex.
const ROW: usize = 16;

/// Depth to which lines of the formatted form are indented.
const INDENTED: usize = 16;

/// Maximum number of characters of a string in the formatted form.
const LONGEST: usize = 16 << 10;

spelled! {
    /// Form of the bytes.
    pub(super) enum BytesForm {
        /// As indented JSON with decoded strings.
        Formatted = "formatted",
        /// As they arrived, with marked escapes.
        Received = "received",
        /// In hex, with offsets.
        Hex = "hex",
    }
}

/// Bytes of an item.
#[derive(Debug)]
pub(super) struct Slice {
    /// Id of the element, which the list of items links to.
    pub(super) anchor: String,
    /// Family of the kind.
    pub(super) family: &'static str,
    /// Page of the event; `None` if it is gone.
    pub(super) link: Option<String>,
    pub(super) bytes: Range<usize>,
}

/// The part of a body of `length` bytes with the offset `from`.
pub(super) fn part(length: usize, from: usize) -> Range<usize> {
    let last = length.saturating_sub(1);
    let start = from.min(last) / PART * PART;
    start..length.min(start + PART)
}

/// Writes a part of a body in a form. A body that is no JSON, or nested too deep, has no formatted
/// form. `slices` and `places`, which are marked in the bytes as received, are in order.
pub(super) fn html(
    form: BytesForm,
    (body, part): (&[u8], Range<usize>),
    slices: &[Slice],
    places: &[Range<usize>],
) -> Option<Safe<String>> {
    let mut writer = Writer {
        html: String::new(),
        left: slices,
        is_open: false,
    };
    match form {
        BytesForm::Formatted => {
            let text = std::str::from_utf8(body).ok()?;
            let index = Index::of(text).filter(|index| index.depth() <= MAX_DEPTH)?;
            let mut formatted = Formatted { writer, part };
            formatted.value(index.root(text), 0);
            writer = formatted.writer;
        }
        BytesForm::Received => writer.received(body, part, places),
        BytesForm::Hex => writer.hex(body, part),
    }
    writer.leave(usize::MAX);
    Some(Safe(writer.html))
}

struct Writer<'s> {
    html: String,
    /// The slice that is open, or the next one, and those behind it.
    left: &'s [Slice],
    is_open: bool,
}

impl Writer<'_> {
    /// Closes the open slice if it ends at this offset or before, and passes by others that do.
    fn leave(&mut self, at: usize) {
        while let [slice, rest @ ..] = self.left
            && slice.bytes.end <= at
        {
            if self.is_open {
                self.html.push_str("</a>");
            }
            (self.is_open, self.left) = (false, rest);
        }
    }

    /// Opens the slice that has the byte at this offset.
    fn enter(&mut self, at: usize) {
        self.leave(at);
        if let [slice, ..] = self.left
            && !self.is_open
            && slice.bytes.start <= at
        {
            let Slice {
                anchor,
                family,
                link,
                ..
            } = slice;
            let link = link.as_ref().map(|link| format!(" href=\"{link}\""));
            let link = link.unwrap_or_default();
            let _ = write!(
                self.html,
                "<a class=\"slice {family}\" id=\"{anchor}\" data-item=\"{anchor}\"{link}>"
            );
            self.is_open = true;
        }
    }

    /// Next offset at which a slice begins or ends.
    fn border(&self) -> usize {
        let slice = self.left.first();
        slice.map_or(usize::MAX, |slice| {
            if self.is_open {
                slice.bytes.end
            } else {
                slice.bytes.start
            }
        })
    }

    fn received(&mut self, body: &[u8], part: Range<usize>, mut places: &[Range<usize>]) {
        let end = whole(body, part.end);
        let mut at = whole(body, part.start);
        while at < end {
            self.enter(at);
            let (is_place, next) = place_at(&mut places, at);
            let border = self.border().min(next).clamp(at + 1, end);
            let (open, close) = if is_place {
                ("<mark>", "</mark>")
            } else {
                ("", "")
            };
            self.html.push_str(open);
            self.chunks(body.get(at..border).unwrap_or_default());
            self.html.push_str(close);
            at = border;
        }
    }

    fn chunks(&mut self, bytes: &[u8]) {
        for chunk in bytes.utf8_chunks() {
            self.with_escapes(chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(
                    self.html,
                    "<span class=\"ctl\" title=\"No UTF-8\">{byte:02x}</span>"
                );
            }
        }
    }

    /// Text with each escape in an element.
    fn with_escapes(&mut self, mut text: &str) {
        while let Some(at) = text.find('\\') {
            let (plain, rest) = text.split_at(at);
            self.text(plain);
            let (escape, rest) = rest.split_at(escape_length(rest));
            let _ = write!(self.html, "<span class=\"esc\">{}</span>", stored(escape).0);
            text = rest;
        }
        self.text(text);
    }

    fn text(&mut self, text: &str) {
        if !text.is_empty() {
            let _ = write!(self.html, "{}", stored(text).0);
        }
    }

    fn hex(&mut self, body: &[u8], part: Range<usize>) {
        let rows = body.get(part.clone()).unwrap_or_default().chunks(ROW);
        for (row, at) in rows.zip((part.start..).step_by(ROW)) {
            let _ = write!(self.html, "<span class=\"at\">{at:08x}</span> ");
            for column in 0..ROW {
                self.leave(at + column);
                self.html.push_str(if column % 8 == 0 { "  " } else { " " });
                match row.get(column) {
                    Some(byte) => {
                        self.enter(at + column);
                        let _ = write!(self.html, "{byte:02x}");
                    }
                    None => self.html.push_str("  "),
                }
            }
            self.leave(at + ROW);
            let shown = |byte: &u8| match byte {
                b' '..=b'~' => char::from(*byte),
                _ => '·',
            };
            let text: String = row.iter().map(shown).collect();
            let text = stored(&text).0;
            let _ = writeln!(self.html, "  <span class=\"text\">{text}</span>");
        }
    }
}

/// If the byte at this offset is in a place, and the next offset at which one begins or ends. Passes
/// by the places before.
fn place_at(places: &mut &[Range<usize>], at: usize) -> (bool, usize) {
    while let [place, rest @ ..] = *places
        && place.end <= at
    {
        *places = rest;
    }
    match places.first() {
        Some(place) if place.start <= at => (true, place.end),
        Some(place) => (false, place.start),
        None => (false, usize::MAX),
    }
}

/// The offset, moved behind a character that it cuts.
fn whole(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    let cut = |byte: &&u8| (0x80..0xc0).contains(*byte);
    at + rest.iter().take(3).take_while(cut).count()
}

/// Writer of the lines whose bytes are in a part.
struct Formatted<'s> {
    writer: Writer<'s>,
    part: Range<usize>,
}

impl Formatted<'_> {
    fn value(&mut self, value: Value<'_, '_>, depth: usize) {
        let bytes = value.start()..value.start() + value.raw().len();
        if bytes.end <= self.part.start || bytes.start >= self.part.end {
            return;
        }
        if let Some(list) = value.list() {
            let items = list.map(|value| (None, value));
            self.nested((bytes, "[]"), items, depth);
        } else if let Some(object) = value.object() {
            let items = object.pairs().map(|(key, value)| (Some(key), value));
            self.nested((bytes, "{}"), items, depth);
        } else {
            self.leaf(value);
        }
    }

    /// Writes the values inside of an object or list, each on a line.
    fn nested<'t, 'a>(
        &mut self,
        (bytes, brackets): (Range<usize>, &str),
        items: impl Iterator<Item = (Option<Value<'t, 'a>>, Value<'t, 'a>)>,
        depth: usize,
    ) {
        let (open, close) = brackets.split_at(1);
        self.piece(bytes.start, open);
        let mut items = items.peekable();
        let is_empty = items.peek().is_none();
        while let Some((key, value)) = items.next() {
            self.line(key.unwrap_or(value).start(), depth + 1);
            if let Some(key) = key {
                self.leaf(key);
                self.piece(key.start(), ": ");
            }
            self.value(value, depth + 1);
            if items.peek().is_some() {
                self.piece(value.start() + value.raw().len(), ",");
            }
        }
        if !is_empty {
            self.line(bytes.end - 1, depth);
        }
        self.piece(bytes.end - 1, close);
    }

    fn leaf(&mut self, value: Value<'_, '_>) {
        let Some(text) = value.string() else {
            return self.piece(value.start(), value.raw());
        };
        let cut: String = text.chars().take(LONGEST).collect();
        let more = if cut.len() < text.len() { "…" } else { "" };
        let quoted = serde_json::Value::String(cut).to_string();
        self.piece(value.start(), &format!("{quoted}{more}"));
    }

    fn piece(&mut self, at: usize, text: &str) {
        if self.part.contains(&at) {
            self.writer.enter(at);
            self.writer.text(text);
        }
    }

    /// Begins a line for the byte at this offset.
    fn line(&mut self, at: usize, depth: usize) {
        if self.part.contains(&at) {
            self.writer.leave(at);
            let _ = write!(self.writer.html, "\n{:1$}", "", depth.min(INDENTED) * 2);
        }
    }
}
