//! Table layout: as wide as the terminal, whatever the table contains.
//!
//! Where not all columns fit beside each other, those that do not go on indented lines below.
//! What may be cut is cut with a mark; an id never is, for nobody can type a part of one.

use unicode_width::UnicodeWidthStr;

/// Spaces between the columns.
const GAP: usize = 2;

/// Indentation of continuation lines.
const INDENT: usize = 2;

/// A column is not cut shorter than this; rather it goes to the line below.
const READABLE: usize = 8;

/// Mark of text that was cut off.
const CUT: &str = "…";

/// Columns that stand beside each other: which they are, and how wide.
type Fold = Vec<(usize, usize)>;

/// A table that knows where its columns are.
pub(super) struct Layout(Vec<Fold>);

impl Layout {
    /// Places the columns of `rows`, which begin with the row of their names. Only those from
    /// `whole` on may be cut. Without a `width` there is room for everything.
    pub(super) fn new(rows: &[&[String]], whole: usize, width: Option<usize>) -> Self {
        let columns = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let cell = |row: &&[String], at: usize| row.get(at).map_or(0, |text| text.width());
        let widest = |at| rows.iter().map(|row| cell(row, at)).max().unwrap_or(0);
        let widest: Vec<_> = (0..columns).map(widest).collect();
        let Some(width) = width else {
            return Self(vec![widest.into_iter().enumerate().collect()]);
        };
        let least = |(at, &widest): (usize, &usize)| {
            if at < whole {
                widest
            } else {
                widest.min(READABLE)
            }
        };
        let mut folds = fold(widest.iter().enumerate().map(least), width);
        for (line, fold) in folds.iter_mut().enumerate() {
            spread(fold, &widest, width.saturating_sub(indent(line)));
        }
        Self(folds)
    }

    /// The lines of one row; those below its first one only where something stands on them.
    pub(super) fn lines(&self, row: &[String]) -> Vec<String> {
        let lines = self.0.iter().enumerate();
        let lines = lines.map(|(at, fold)| (at, line(at, fold, row)));
        let lines = lines.filter(|(at, line)| *at == 0 || !line.is_empty());
        lines.map(|(_, line)| line).collect()
    }
}

fn indent(line: usize) -> usize {
    if line == 0 { 0 } else { INDENT }
}

/// Puts columns beside each other as long as there is room for the least that they need.
fn fold(least: impl Iterator<Item = usize>, width: usize) -> Vec<Fold> {
    let mut folds: Vec<Fold> = Vec::new();
    let mut used = 0;
    for column @ (_, least) in least.enumerate() {
        match folds.last_mut() {
            Some(fold) if used + GAP + least <= width => {
                fold.push(column);
                used += GAP + least;
            }
            _ => {
                used = indent(folds.len()) + least;
                folds.push(vec![column]);
            }
        }
    }
    folds
}

/// Shares the room that is left among the columns that need more, the modest ones first.
fn spread(fold: &mut Fold, widest: &[usize], width: usize) {
    let gaps = GAP * fold.len().saturating_sub(1);
    let taken: usize = fold.iter().map(|(_, width)| width).sum();
    let mut spare = width.saturating_sub(taken + gaps);
    let mut wanting: Vec<_> = fold.iter_mut().collect();
    wanting.sort_by_key(|(at, width)| widest[*at] - *width);
    let mut others = wanting.len();
    for (at, width) in wanting {
        let more = (widest[*at] - *width).min(spare / others);
        *width += more;
        spare -= more;
        others -= 1;
    }
}

fn line(at: usize, fold: &Fold, row: &[String]) -> String {
    let mut line = " ".repeat(indent(at));
    for (column, width) in fold {
        let text = cut(row.get(*column).map_or("", String::as_str), *width);
        line.push_str(&text);
        line.push_str(&" ".repeat(GAP + width.saturating_sub(text.width())));
    }
    line.truncate(line.trim_end().len());
    line
}

/// The beginning of a text that fits, with a mark where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let fits = |end: &usize| text[..*end].width() < width;
    let ends = text.char_indices().map(|(at, _)| at);
    let end = ends.take_while(fits).last().unwrap_or(0);
    // What joins two signs says nothing without the second one.
    format!("{}{CUT}", text[..end].trim_end_matches('\u{200d}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the columns, and the rows, with a bar between cells.
    const TABLE: [&str; 6] = [
        "position|received_at|account_id|text",
        "1|2026-11-21T01:03:44Z|17841463052917684|a short one",
        "2|2026-11-21T01:03:44Z||",
        "3|2026-11-21T01:03:45Z|0|パンは土曜日にもありますか、それとも日曜日だけですか",
        "4|2026-11-21T01:03:45Z|0|👩\u{200d}👩\u{200d}👧🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨",
        "5|2026-11-21T01:03:46Z|0|هل الخبز متوفر يوم السبت أيضا أم يوم الأحد فقط من فضلك",
    ];

    fn table() -> Vec<Vec<String>> {
        let row = |row: &&str| row.split('|').map(str::to_owned).collect();
        TABLE.iter().map(row).collect()
    }

    /// The lines of the table on a terminal of this width.
    fn lines(width: Option<usize>) -> Vec<String> {
        let table = table();
        let rows: Vec<_> = table.iter().map(Vec::as_slice).collect();
        let layout = Layout::new(&rows, 3, width);
        rows.iter().flat_map(|row| layout.lines(row)).collect()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_no_id_is_cut() {
        for width in [24, 40, 53, 80, 132, 200] {
            let lines = lines(Some(width));
            let fit = lines.iter().all(|it| it.width() <= width);
            assert!(fit, "{width}: {lines:#?}");
            let all = lines.join(" ");
            for row in &table()[1..] {
                assert!(row[..3].iter().all(|id| all.contains(id)), "{width}: {all}");
            }
        }
    }

    #[test]
    fn what_fits_is_not_cut_and_what_is_cut_says_so() {
        assert_eq!(lines(Some(200)), lines(None));
        let all = lines(None).join("\n");
        assert!(table().iter().all(|row| all.contains(&row[3])), "{all}");
        let at_80 = lines(Some(80));
        assert_eq!(at_80.len(), 6, "a line a row: {at_80:#?}");
        let cut = at_80.iter().filter(|it| it.ends_with(CUT)).count();
        assert_eq!(cut, 3, "{at_80:#?}");
    }

    #[test]
    fn columns_without_room_go_on_below() {
        assert_eq!(
            lines(Some(40))[..6],
            [
                "position  received_at",
                "  account_id         text",
                "1         2026-11-21T01:03:44Z",
                "  17841463052917684  a short one",
                "2         2026-11-21T01:03:44Z",
                "3         2026-11-21T01:03:45Z",
            ]
        );
    }

    #[test]
    fn a_sign_of_several_is_cut_between_them() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(cut(&format!("{family} and"), 5), format!("{family} a…"));
        assert_eq!(cut("🥨🥨🥨", 4), "🥨…");
        assert_eq!(cut("🥨", 1), "…");
        assert_eq!(cut("e\u{301}a", 2), "e\u{301}a");
    }

    #[test]
    fn a_table_may_be_empty() {
        let names = &table()[0];
        let layout = Layout::new(&[names], 3, Some(80));
        let line = "position  received_at  account_id  text";
        assert_eq!(layout.lines(names), [line]);
        let nothing = Layout::new(&[], 0, Some(80)).lines(&[]);
        assert!(nothing.is_empty());
    }
}
