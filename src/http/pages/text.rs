//! Stored text on a page. It comes from anybody on Instagram, so it is escaped and isolated in its
//! direction, and characters that would change other text are shown as marks.

use std::{
    fmt::{self, Write as _},
    ops::Range,
};

use askama::filters::{HtmlSafe, Safe};

/// Maximum number of characters without a width of their own in a row: more would cover other lines,
/// or be endless marks.
const MOST_WIDTHLESS: usize = 8;

/// Text as HTML in an element of its own direction.
#[derive(Debug)]
pub(super) struct Stored<'t> {
    text: &'t str,
    /// Marked parts, in order.
    marks: Vec<Range<usize>>,
}

/// Makes HTML of a stored text.
pub(super) fn stored(text: &str) -> Safe<Stored<'_>> {
    marked(text, Vec::new())
}

/// Makes HTML of a stored text with marked parts, which are in order.
pub(super) fn marked(text: &str, marks: Vec<Range<usize>>) -> Safe<Stored<'_>> {
    Safe(Stored { text, marks })
}

/// A shortened id as HTML.
pub(super) fn short(id: &str) -> Safe<String> {
    Safe(stored(&short_id(id)).0.to_string())
}

/// Escapes a text for an attribute.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match entity(character) {
            Some(entity) => html.push_str(entity),
            None => html.push(character),
        }
    }
    html
}

/// Replaces the controls of a page, which are in attributes only, by their numbers, so that its
/// source does not show them either. Those from U+0080 stay, because a browser reads their numbers
/// as letters.
pub(super) fn numbered(html: String) -> String {
    let has_number = |it: char| is_control(it) && !matches!(u32::from(it), 0 | 0x80..=0x9f);
    if !html.contains(has_number) {
        return html;
    }
    let mut numbered = String::with_capacity(html.len() + 64);
    for character in html.chars() {
        if has_number(character) {
            numbered.extend(["&#x", &format!("{:X}", u32::from(character)), ";"]);
        } else {
            numbered.push(character);
        }
    }
    numbered
}

/// Entity of a character with a meaning in HTML.
fn entity(character: char) -> Option<&'static str> {
    Some(match character {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// At most `longest` characters of a text.
pub(super) fn cut(text: &str, longest: usize) -> String {
    let mut shown: String = text.chars().take(longest).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// An id, shortened in the middle.
pub(super) fn short_id(id: &str) -> String {
    const HEAD: usize = 8;
    const TAIL: usize = 4;
    let count = id.chars().count();
    if count <= HEAD + TAIL + 6 {
        return id.to_owned();
    }
    let head: String = id.chars().take(HEAD).collect();
    let tail: String = id.chars().skip(count - TAIL).collect();
    format!("{head}…{tail}")
}

impl fmt::Display for Stored<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<bdi>")?;
        let marks = self.marks.iter();
        let tags = marks.flat_map(|it| [(it.start, "<mark>"), (it.end, "</mark>")]);
        let mut tags = tags.peekable();
        let mut run = 0;
        for (at, character) in self.text.char_indices() {
            while let Some((_, tag)) = tags.next_if(|(place, _)| *place == at) {
                f.write_str(tag)?;
            }
            let is_control = is_control(character);
            run = if is_control || is_widthless(character) {
                run + 1
            } else {
                0
            };
            if run > MOST_WIDTHLESS {
                if run == MOST_WIDTHLESS + 1 {
                    f.write_str("<span class=\"ctl\">…</span>")?;
                }
            } else if let Some(entity) = entity(character) {
                f.write_str(entity)?;
            } else if is_control {
                let code = u32::from(character);
                write!(
                    f,
                    "<span class=\"ctl\" title=\"U+{code:04X}\">{code:04X}</span>"
                )?;
            } else {
                f.write_char(character)?;
            }
        }
        for (_, tag) in tags {
            f.write_str(tag)?;
        }
        f.write_str("</bdi>")
    }
}

impl HtmlSafe for Stored<'_> {}

/// True for characters without a shape that hide something or change the direction of text: controls
/// except for line breaks and tabs, separators of lines, bidirectional controls, fillers, zero-width
/// characters but the joiner of emoji, and the byte order mark.
fn is_control(character: char) -> bool {
    let is_break = matches!(character, '\n' | '\t');
    character.is_control() && !is_break
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{180e}'
                | '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}'
        )
}

/// True for characters that are drawn over or under the character before them, or join or select
/// its form. Some signs between them are here too: nobody writes many of them in a row.
fn is_widthless(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}'
            | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
            | '\u{6d6}'..='\u{6ed}' | '\u{730}'..='\u{74a}' | '\u{7eb}'..='\u{7f3}'
            | '\u{8ca}'..='\u{8ff}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}' | '\u{eb1}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}'
            | '\u{f71}'..='\u{fbc}' | '\u{180b}'..='\u{180d}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1cd0}'..='\u{1cfa}' | '\u{1dc0}'..='\u{1dff}' | '\u{200d}'
            | '\u{20d0}'..='\u{20ff}' | '\u{2de0}'..='\u{2dff}' | '\u{302a}'..='\u{302f}'
            | '\u{3099}'..='\u{309a}' | '\u{a66f}'..='\u{a67d}' | '\u{a8e0}'..='\u{a8f1}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1d165}'..='\u{1d172}'
            | '\u{1d17b}'..='\u{1d1ad}' | '\u{1e000}'..='\u{1e02a}' | '\u{e0020}'..='\u{e01ef}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn html(text: &str) -> String {
        stored(text).0.to_string()
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(
            html("<img src=x onerror='a()'>&\""),
            "<bdi>&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;</bdi>"
        );
    }

    #[test]
    fn controls_are_marks() {
        let mark = "<span class=\"ctl\" title=\"U+202E\">202E</span>";
        assert_eq!(html("a\u{202e}b\nc"), format!("<bdi>a{mark}b\nc</bdi>"));
        assert_eq!(html("👩\u{200d}🍳"), "<bdi>👩\u{200d}🍳</bdi>");
    }

    #[test]
    fn marked_parts_are_text_within_the_same_bounds() {
        let html = |text: &str, marks| marked(text, marks).0.to_string();
        let marks = vec![1..3, 4..5];
        let expected = "<bdi>a<mark>&lt;b</mark>c<mark>d</mark></bdi>";
        assert_eq!(html("a<bcd", marks), expected);
        let each = (0..20).map(|number| 2 * number..2 * number + 2).collect();
        let flood = html(&"\u{301}".repeat(20), each);
        assert_eq!(flood.matches('\u{301}').count(), MOST_WIDTHLESS);
        let tags = ["<mark>", "</mark>"].map(|tag| flood.matches(tag).count());
        assert_eq!(tags, [20, 20]);
    }

    /// Members of a character class of the script that makes lines in a browser.
    fn class_of_script(name: &str) -> Vec<(u32, u32)> {
        let script = include_str!("../../../assets/js/stored.js");
        let (_, class) = script
            .split_once(&format!("const {name} = among(\""))
            .unwrap();
        let codes = class.split_once('"').unwrap().0.split(' ');
        let code = |text: &str| u32::from_str_radix(text, 16).unwrap();
        codes
            .map(|part| part.split_once('-').unwrap_or((part, part)))
            .map(|(from, to)| (code(from), code(to)))
            .collect()
    }

    #[test]
    fn the_script_of_the_tail_marks_the_same_characters() {
        let classes = [
            (class_of_script("CONTROL"), is_control as fn(char) -> bool),
            (
                class_of_script("WIDTHLESS"),
                is_widthless as fn(char) -> bool,
            ),
        ];
        for (ranges, is_member) in classes {
            for character in '\0'..=char::MAX {
                let code = u32::from(character);
                let is_in = ranges
                    .iter()
                    .any(|(from, to)| (*from..=*to).contains(&code));
                assert_eq!(is_in, is_member(character), "U+{code:04X}");
            }
        }
        let bound = format!("MOST_WIDTHLESS = {MOST_WIDTHLESS};");
        assert!(include_str!("../../../assets/js/stored.js").contains(&bound));
    }

    #[test]
    fn controls_of_an_attribute_are_numbers() {
        let html = numbered(escaped("a\r\n\u{202e}\u{85}'"));
        assert_eq!(html, "a&#xD;\n&#x202E;\u{85}&#39;");
    }

    #[test]
    fn a_flood_of_marks_ends() {
        for between in ["", "\u{200d}", "\u{fe0f}", "\u{202e}", "\u{200b}"] {
            let flood = format!("a{}b", format!("\u{301}{between}").repeat(500));
            let html = html(&flood);
            let marks = html.matches('\u{301}').count();
            assert!((1..=MOST_WIDTHLESS).contains(&marks), "{between:?}: {html}");
            assert!(
                html.ends_with("<span class=\"ctl\">…</span>b</bdi>"),
                "{html}"
            );
        }
    }

    #[test]
    fn emoji_and_scripts_with_marks_are_whole() {
        let england = "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}";
        for text in [
            england,
            "👩\u{200d}👩\u{200d}👧",
            "1\u{fe0f}\u{20e3}",
            "ก็บ้าน",
            "שָׁלוֹם",
        ] {
            assert_eq!(html(text), format!("<bdi>{text}</bdi>"));
        }
    }

    #[test]
    fn an_id_keeps_both_ends() {
        assert_eq!(
            short_id("aWdfZAG1faXRlbToxOkaaaaaaaaaaaaDZD"),
            "aWdfZAG1…aDZD"
        );
        assert_eq!(short_id("17840000000000101"), "17840000000000101");
        assert_eq!(short_id("é".repeat(40).as_str()).chars().count(), 13);
    }

    proptest! {
        #[test]
        fn no_text_opens_an_element(text in any::<String>()) {
            let html = html(&text).replace("<bdi>", "").replace("</bdi>", "");
            let html = html.replace("<span class=\"ctl\" title=\"U+", "").replace("</span>", "");
            prop_assert!(!html.replace("<span class=\"ctl\">", "").contains('<'));
        }

        #[test]
        fn between_two_letters_is_little_without_a_width(
            text in "[Q\n\u{300}\u{361}\u{200d}\u{fe0f}\u{e0100}\u{202e}\u{200b}\u{feff}\u{ad}]{0,400}"
        ) {
            let html = html(&text);
            for part in html.split(['Q', '\n']) {
                let marks = part.matches("</span>").count();
                let plain = part.chars().filter(|it| is_widthless(*it)).count();
                prop_assert!(marks + plain <= MOST_WIDTHLESS + 1, "{part}");
                prop_assert!(!part.contains(is_control));
            }
        }
    }
}
