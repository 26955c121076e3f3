//! Stored text on a page. It comes from anybody on Instagram, so it is escaped and isolated in its
//! direction, and characters that would change other text are shown as marks.

use std::fmt::{self, Write as _};

use askama::filters::{HtmlSafe, Safe};

/// Maximum number of combining characters behind a character: more would cover other lines.
const MOST_COMBINING: usize = 8;

/// Text as HTML in an element of its own direction.
#[derive(Debug)]
pub(super) struct Stored<'t>(&'t str);

/// Makes HTML of a stored text.
pub(super) fn stored(text: &str) -> Safe<Stored<'_>> {
    Safe(Stored(text))
}

/// A shortened id as HTML.
pub(super) fn short(id: &str) -> Safe<String> {
    Safe(stored(&short_id(id)).0.to_string())
}

/// Escapes a text for an attribute. Controls are there as numbers, so that the source of a page does
/// not show them either; those from U+0080 stay, because a browser reads their numbers as letters.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match (entity(character), u32::from(character)) {
            (Some(entity), _) => html.push_str(entity),
            (None, 0 | 0x80..=0x9f) => html.push(character),
            (None, code) if is_control(character) => {
                html.extend(["&#x", &format!("{code:X}"), ";"]);
            }
            (None, _) => html.push(character),
        }
    }
    html
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
        let mut combining = 0;
        for character in self.0.chars() {
            combining = if is_combining(character) {
                combining + 1
            } else {
                0
            };
            if let Some(entity) = entity(character) {
                f.write_str(entity)?;
            } else if is_control(character) {
                let code = u32::from(character);
                write!(
                    f,
                    "<span class=\"ctl\" title=\"U+{code:04X}\">{code:04X}</span>"
                )?;
            } else if combining <= MOST_COMBINING {
                f.write_char(character)?;
            }
        }
        f.write_str("</bdi>")
    }
}

impl HtmlSafe for Stored<'_> {}

/// True for characters without a shape that hide something or change the direction of text: controls
/// except for line breaks and tabs, bidirectional controls, zero-width characters but the joiner of
/// emoji, and the byte order mark.
fn is_control(character: char) -> bool {
    let is_break = matches!(character, '\n' | '\t');
    character.is_control() && !is_break
        || matches!(
            character,
            '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0001}'
        )
}

/// True for marks that are drawn over or under the character before them.
fn is_combining(character: char) -> bool {
    matches!(
        character,
        '\u{0300}'..='\u{036f}' | '\u{0483}'..='\u{0489}' | '\u{0591}'..='\u{05bd}'
            | '\u{0610}'..='\u{061a}' | '\u{064b}'..='\u{065f}' | '\u{0e31}'
            | '\u{0e34}'..='\u{0e3a}' | '\u{0e47}'..='\u{0e4e}' | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
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

    /// Members of a character class of the script that makes lines in a browser.
    fn class_of_script(name: &str) -> Vec<(u32, u32)> {
        let script = include_str!("../../../assets/js/stored.js");
        let class = script.split_once(&format!("const {name} = /[")).unwrap().1;
        let class = class.split_once(']').unwrap().0;
        let mut ranges = Vec::new();
        for part in class.split("\\u{").skip(1) {
            let (code, rest) = part.split_once('}').unwrap();
            let code = u32::from_str_radix(code, 16).unwrap();
            match ranges.last_mut() {
                Some((_, end)) if *end == u32::MAX => *end = code,
                _ => ranges.push((code, code)),
            }
            if rest == "-" {
                ranges.last_mut().unwrap().1 = u32::MAX;
            }
        }
        ranges
    }

    #[test]
    fn the_script_of_the_tail_marks_the_same_characters() {
        let classes = [
            (class_of_script("CONTROL"), is_control as fn(char) -> bool),
            (
                class_of_script("COMBINING"),
                is_combining as fn(char) -> bool,
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
        let bound = format!("MOST_COMBINING = {MOST_COMBINING};");
        assert!(include_str!("../../../assets/js/stored.js").contains(&bound));
    }

    #[test]
    fn controls_of_an_attribute_are_numbers() {
        assert_eq!(
            escaped("a\r\n\u{202e}\u{85}'"),
            "a&#xD;\n&#x202E;\u{85}&#39;"
        );
    }

    #[test]
    fn a_flood_of_marks_ends() {
        let flood = format!("a{}b", "\u{0301}".repeat(500));
        assert_eq!(
            html(&flood).chars().filter(|it| *it == '\u{0301}').count(),
            MOST_COMBINING
        );
        assert!(html(&flood).ends_with("b</bdi>"));
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
            prop_assert!(!html.contains('<'));
        }
    }
}
