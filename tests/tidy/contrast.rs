//! Contrast of the colors of the pages in both schemes, from the tokens of `assets/styles.css`.
//!
//! [`PAIRS`] lists each color with the surfaces on which it lies: text needs 4.5:1, and a mark 3:1
//! (WCAG 2.2, 1.4.3 and 1.4.11). A token that a rule uses as a color of text, of a mark or of a
//! surface has to be in a list.

use std::collections::BTreeMap;

use crate::Fault;

const STYLES: &str = "assets/styles.css";

/// Contrast that text needs.
const TEXT: f64 = 4.5;

/// Contrast that a mark needs.
const MARK: f64 = 3.0;

/// Surfaces of lists, menus and fields.
const PLAIN: &[&str] = &["paper", "sunken", "hover", "selected", "raised"];

/// Surfaces that tell a state.
const TINTS: &[&str] = &["ok-tint", "warn-tint", "bad-tint"];

/// Colors of the families of kinds as text and as areas.
const FAMILIES: &[&str] = &[
    "messages",
    "comments",
    "mentions",
    "reactions",
    "buttons",
    "control",
];
const FILLS: &[&str] = &[
    "messages-fill",
    "comments-fill",
    "mentions-fill",
    "reactions-fill",
    "buttons-fill",
    "control-fill",
];

/// Contrast, colors, and the surfaces on which each of them lies.
const PAIRS: &[(f64, &[&str], &[&str])] = &[
    (TEXT, &["ink", "muted", "accent"], PLAIN),
    (TEXT, &["ink", "muted", "accent"], TINTS),
    (TEXT, &["ok", "warn", "bad"], PLAIN),
    (TEXT, &["ok"], &["ok-tint"]),
    (TEXT, &["warn"], &["warn-tint"]),
    (TEXT, &["bad"], &["bad-tint"]),
    (TEXT, FAMILIES, PLAIN),
    (TEXT, &["on-accent"], &["accent"]),
    (MARK, &["edge"], &["paper", "sunken", "raised"]),
    (MARK, FILLS, &["paper", "hover"]),
];

/// Colors that only divide or shade: nobody has to see them in order to understand.
const QUIET: &[&str] = &["line", "shade"];

/// Colors that a rule sets by another name, and the tokens behind them.
const ALIASES: &[(&str, &[&str])] = &[("family", FAMILIES), ("family-fill", FILLS)];

/// A color in oklch: lightness, chroma, and hue in degrees.
type Color = [f64; 3];

/// A color in the light and in the dark scheme.
type Both = [Color; 2];

/// Tokens by name, with their lines.
type Tokens<'s> = BTreeMap<&'s str, (usize, Both)>;

/// Faults of a stylesheet.
pub(crate) fn faults(styles: &str) -> Vec<Fault> {
    let tokens = tokens(styles);
    let mut faults = unlisted(styles);
    for (least, colors, surfaces) in PAIRS {
        for color in *colors {
            for surface in *surfaces {
                faults.extend(judge(&tokens, color, surface, *least));
            }
        }
    }
    faults.extend(discs(styles));
    faults
}

/// Reads the tokens with a color: one a line.
fn tokens(styles: &str) -> Tokens<'_> {
    let token = |(line, text): (usize, _)| {
        let (name, value) = str::trim(text).strip_prefix("--")?.split_once(':')?;
        Some((name, (line, both(value)?)))
    };
    (1..).zip(styles.lines()).filter_map(token).collect()
}

/// Colors of `light-dark(oklch(…), oklch(…))`.
fn both(value: &str) -> Option<Both> {
    let value = value.trim().strip_prefix("light-dark(oklch(")?;
    let (light, dark) = value.split_once("), oklch(")?;
    Some([color(light)?, color(dark.split_once("))")?.0)?])
}

/// Color of three numbers; the color of a shade has an opacity, too, and is none.
fn color(numbers: &str) -> Option<Color> {
    let numbers = numbers.split_whitespace().map(str::parse);
    let numbers: Vec<f64> = numbers.collect::<Result<_, _>>().ok()?;
    numbers.try_into().ok()
}

/// Fault for a color that is hard to see on a surface.
fn judge(tokens: &Tokens, color: &str, surface: &str, least: f64) -> Option<Fault> {
    let find = |name: &str| {
        let missing = || Fault::at(STYLES, 0, format!("`--{name}` is no token with two colors"));
        tokens.get(name).copied().ok_or_else(missing)
    };
    match (find(color), find(surface)) {
        (Ok((line, over)), Ok((_, under))) => {
            let what = format!("`--{color}` on `--{surface}`");
            too_close(&what, over, under, least).map(|say| Fault::at(STYLES, line, say))
        }
        (Err(fault), _) | (_, Err(fault)) => Some(fault),
    }
}

/// Message about a pair without the contrast that it needs in one of the schemes.
fn too_close(what: &str, over: Both, under: Both, least: f64) -> Option<String> {
    let mut schemes = ["light", "dark"].iter().zip(over.iter().zip(&under));
    schemes.find_map(|(scheme, (over, under))| {
        let found = contrast(*over, *under);
        let say = format!(
            "{what} has {found:.2}:1 in the {scheme} scheme, {least}:1 are needed: change its \
             lightness"
        );
        (found < least).then_some(say)
    })
}

/// Faults of the discs of accounts, whose two colors depend on a hue.
fn discs(styles: &str) -> Vec<Fault> {
    let with_hue = |property: &str| {
        let mut found = declarations(styles).filter(|(name, _)| *name == property);
        found.find(|(_, value)| value.contains("var(--hue)"))
    };
    let (Some((_, over)), Some((_, under))) = (with_hue("color"), with_hue("background")) else {
        return vec![Fault::at(STYLES, 0, "no rule sets the colors of discs")];
    };
    let hues = declarations(styles).filter(|(name, _)| *name == "--hue");
    let fault = |(_, hue): (&str, &str)| {
        let colors = [over, under].map(|value| both(&value.replace("var(--hue)", hue)));
        let say = match colors {
            [Some(over), Some(under)] => {
                too_close(&format!("a disc of hue {hue}"), over, under, TEXT)?
            }
            _ => format!("a disc of hue {hue} has no two colors"),
        };
        Some(Fault::at(STYLES, 0, say))
    };
    hues.filter_map(fault).collect()
}

/// Faults for tokens that a rule uses, and no list has.
fn unlisted(styles: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (property, value) in declarations(styles) {
        let (kind, is_known): (_, fn(&str) -> bool) = match property {
            "color" => ("text", is_text),
            "background" | "background-color" => ("a surface", is_area),
            "fill" | "stroke" | "border-color" | "accent-color" => ("a mark", is_area),
            _ => continue,
        };
        let unknown = names(value).filter(|name| !is_known(name));
        faults.extend(unknown.map(|name| {
            let say = format!("`--{name}` is {kind}: add its pairs to tests/tidy/contrast.rs");
            Fault::at(STYLES, 0, say)
        }));
    }
    faults
}

fn is_text(name: &str) -> bool {
    let is_alias = ALIASES.iter().any(|(alias, _)| *alias == name);
    let mut texts = PAIRS.iter().filter(|(least, ..)| *least >= TEXT);
    is_alias || name == "hue" || texts.any(|(_, colors, _)| colors.contains(&name))
}

/// True for a color or a surface of any pair.
fn is_area(name: &str) -> bool {
    let is_paired = |(_, colors, surfaces): &(f64, &[&str], &[&str])| {
        colors.contains(&name) || surfaces.contains(&name)
    };
    is_text(name) || QUIET.contains(&name) || PAIRS.iter().any(is_paired)
}

/// Properties and values of all rules.
fn declarations(styles: &str) -> impl Iterator<Item = (&str, &str)> {
    let pieces = styles.split(['{', '}', ';']);
    pieces.filter_map(|piece| {
        let (name, value) = piece.split_once(':')?;
        Some((name.trim(), value.trim()))
    })
}

/// Names of the tokens in a value.
fn names(value: &str) -> impl Iterator<Item = &str> {
    let uses = value.split("var(--").skip(1);
    uses.filter_map(|rest| rest.split([')', ',']).next())
}

/// Contrast of two colors, as WCAG computes it.
fn contrast(one: Color, other: Color) -> f64 {
    let [one, other] = [luminance(one), luminance(other)];
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Relative luminance of a color, which browsers cut off at the borders of sRGB.
fn luminance([lightness, chroma, hue]: Color) -> f64 {
    const CONES: [[f64; 2]; 3] = [
        [0.396_337_777_4, 0.215_803_757_3],
        [-0.105_561_345_8, -0.063_854_172_8],
        [-0.089_484_177_5, -1.291_485_548],
    ];
    const LIGHTS: [[f64; 3]; 3] = [
        [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
        [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
        [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701],
    ];
    let (sin, cos) = hue.to_radians().sin_cos();
    let cones =
        CONES.map(|[green, blue]| (lightness + chroma * (green * cos + blue * sin)).powi(3));
    let lights = LIGHTS.map(|row| {
        let parts = row.iter().zip(&cones).map(|(factor, cone)| factor * cone);
        parts.sum::<f64>().clamp(0.0, 1.0)
    });
    let weights = [0.2126, 0.7152, 0.0722].iter().zip(&lights);
    weights.map(|(weight, light)| weight * light).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn is_near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 0.01
    }

    #[test]
    fn contrast_is_that_of_the_standard() {
        let (black, white) = ([0.0, 0.0, 0.0], [1.0, 0.0, 0.0]);
        assert!(is_near(contrast(black, white), 21.0));
        // #ff0000 and #0000ff on white.
        let (red, blue) = ([0.627_96, 0.257_68, 29.234], [0.452_01, 0.313_21, 264.052]);
        assert!(
            is_near(contrast(red, white), 4.0),
            "{}",
            contrast(red, white)
        );
        assert!(
            is_near(contrast(white, blue), 8.59),
            "{}",
            contrast(white, blue)
        );
    }

    #[test]
    fn a_token_that_is_too_light_or_too_dark_is_a_fault() {
        let styles = read(STYLES);
        for (token, scheme) in [
            (
                "--muted: light-dark(oklch(0.690 0.014 262), oklch(0.735 0.010 262));",
                "light",
            ),
            (
                "--muted: light-dark(oklch(0.490 0.014 262), oklch(0.500 0.010 262));",
                "dark",
            ),
            (
                "--edge: light-dark(oklch(0.800 0.010 262), oklch(0.550 0.012 262));",
                "light",
            ),
        ] {
            let name = token.split(':').next().expect("a name");
            let changed = styles
                .lines()
                .map(|line| match line.trim().split(':').next() {
                    Some(it) if it == name => token,
                    _ => line,
                });
            let found = faults(&changed.collect::<Vec<_>>().join("\n"));
            let scheme = format!("in the {scheme} scheme");
            let is_told = |it: &Fault| it.text.contains(name) && it.text.contains(&scheme);
            assert!(found.iter().any(is_told), "{token}: {found:?}");
        }
    }

    #[test]
    fn a_disc_that_is_hard_to_read_is_a_fault() {
        let styles =
            read(STYLES).replace("oklch(0.36 0.09 var(--hue))", "oklch(0.66 0.09 var(--hue))");
        let found = faults(&styles);
        assert!(
            found.iter().any(|it| it.text.starts_with("a disc of hue")),
            "{found:?}"
        );
    }

    #[test]
    fn a_new_color_needs_its_pairs() {
        let styles = read(STYLES);
        for (rule, say) in [
            (".new { color: var(--line); }", "`--line` is text"),
            (".new { background: var(--new); }", "`--new` is a surface"),
            (".new { fill: var(--new); }", "`--new` is a mark"),
        ] {
            let found = faults(&format!("{styles}\n{rule}"));
            assert!(
                found.iter().any(|it| it.text.starts_with(say)),
                "{rule}: {found:?}"
            );
        }
        let gone = styles.replace("--muted: light", "--dim: light");
        assert!(
            faults(&gone)
                .iter()
                .any(|it| it.text.starts_with("`--muted` is no token"))
        );
    }
}
