//! Tables without lines: columns that line up, one of which gives way where the terminal is narrow.
//!
//! Text is cut only for a terminal; a pipe gets all of it.

use anstyle::Style;

use super::style;
use super::width::{columns, fitting};
use crate::terminal::printable;
use crate::words::t;

/// Spaces between two columns.
const GAP: usize = 2;

/// Text in a style.
pub type Styled = (Style, String);

/// What stands in one place of a table: pieces of text, each in a style.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    pieces: Vec<Styled>,
    /// The pieces are items of a list: where there is no room for all, the first and how many more there are.
    is_list: bool,
}

impl Cell {
    /// `text` in `style`.
    pub fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self::default().and(style, text)
    }

    /// A list of `items`, of which as many are shown as fit.
    pub fn list<T: AsRef<str>>(items: impl IntoIterator<Item = (Style, T)>) -> Self {
        let items = items.into_iter();
        let cell = items.fold(Self::default(), |cell, (style, item)| cell.and(style, item));
        Self {
            is_list: true,
            ..cell
        }
    }

    /// The same with one more piece.
    #[must_use]
    pub fn and(mut self, style: Style, text: impl AsRef<str>) -> Self {
        self.pieces.push((style, printable(text.as_ref())));
        self
    }

    /// The cell as one line of text with styles.
    pub fn to_line(&self) -> String {
        self.rendered(usize::MAX)
    }

    fn columns(&self) -> usize {
        let gaps = if self.is_list {
            self.pieces.len().saturating_sub(1) * GAP
        } else {
            0
        };
        self.pieces
            .iter()
            .map(|(_, text)| columns(text))
            .sum::<usize>()
            + gaps
    }

    /// The list as one text of at most `most` columns where that can be; else its first item alone.
    fn joined(&self, most: usize) -> Self {
        let all = self.pieces.len();
        let more = |shown| match all - shown {
            0 => String::new(),
            more => format!("  {}", t!("console.and_more", n = more)),
        };
        let mut taken = 0;
        let mut fits = 1.min(all);
        for (shown, (_, text)) in (1..).zip(&self.pieces) {
            taken += columns(text) + if shown > 1 { GAP } else { 0 };
            if taken > most {
                break;
            }
            if taken + columns(&more(shown)) <= most {
                fits = shown;
            }
        }
        let mut cell = Self::default();
        for (index, (style, text)) in self.pieces[..fits].iter().enumerate() {
            let gap = if index > 0 { "  " } else { "" };
            cell = cell.and(style::PLAIN, gap).and(*style, text);
        }
        let rest = if cell.columns() + columns(&more(fits)) <= most {
            more(fits)
        } else {
            "  …".to_owned()
        };
        if fits < all && cell.columns() + columns(&rest) <= most {
            cell = cell.and(style::FAINT, rest);
        }
        cell
    }

    /// The cell in at most `most` columns, the last of which is `…` if anything was cut.
    fn rendered(&self, most: usize) -> String {
        if self.is_list {
            return self.joined(most).rendered(most);
        }
        let is_cut = self.columns() > most;
        let mut room = most.saturating_sub(usize::from(is_cut));
        let mut line = String::new();
        for (style, text) in &self.pieces {
            let shown = fitting(text, room);
            let ends_here = shown.len() < text.len();
            room -= columns(shown);
            let mark = if ends_here && most > 0 { "…" } else { "" };
            if style.is_plain() {
                line.push_str(shown);
                line.push_str(mark);
            } else {
                line.push_str(&style::paint(*style, format_args!("{shown}{mark}")));
            }
            if ends_here {
                break;
            }
        }
        line
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(style::PLAIN, text)
    }
}

/// A table, made row by row.
#[derive(Debug, Clone)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
    right: Vec<usize>,
    gives_way: Vec<usize>,
}

impl Table {
    /// A table with these headings.
    pub fn new<T: AsRef<str>>(headings: impl IntoIterator<Item = T>) -> Self {
        let headings = headings
            .into_iter()
            .map(|heading| Cell::styled(style::HEADING, heading))
            .collect();
        Self {
            rows: vec![headings],
            right: Vec::new(),
            gives_way: Vec::new(),
        }
    }

    /// Numbers: columns that line up on the right.
    #[must_use]
    pub fn right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.right = columns.into_iter().collect();
        self
    }

    /// Columns that are cut where the table is wider than the terminal.
    #[must_use]
    pub fn gives_way(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.gives_way = columns.into_iter().collect();
        self
    }

    /// One more row.
    pub fn push(&mut self, row: impl IntoIterator<Item = Cell>) {
        self.rows.push(row.into_iter().collect());
    }

    /// The table's text, each line ended. `width` is the terminal's.
    pub fn to_text(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            let mut behind = 0;
            for (index, cell) in row.iter().enumerate() {
                let room = widths[index];
                let shown = cell.columns().min(room);
                let before = if self.right.contains(&index) {
                    room - shown
                } else {
                    0
                };
                // Spaces are put before text only, so that no line ends in them.
                if shown > 0 {
                    line.push_str(&" ".repeat(behind + before));
                    line.push_str(&cell.rendered(room));
                    behind = room - shown - before + GAP;
                } else {
                    behind += room + GAP;
                }
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Width of each column: that of its widest cell, less what a narrow terminal takes from those that give way.
    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let count = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(Cell::columns).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..count).map(widest).collect();
        let Some(terminal) = terminal else {
            return widths;
        };
        let total: usize = widths.iter().sum::<usize>() + GAP * count.saturating_sub(1);
        for _ in terminal..total {
            // The widest gives way, so that two long columns end up equal.
            let widest = self
                .gives_way
                .iter()
                .filter(|column| widths[**column] > self.least(**column))
                .max_by_key(|column| widths[**column]);
            match widest {
                Some(column) => widths[*column] -= 1,
                None => break,
            }
        }
        widths
    }

    /// A column is not cut below its heading, nor to where nothing can be read.
    fn least(&self, column: usize) -> usize {
        self.rows[0].get(column).map_or(0, Cell::columns).max(8)
    }
}

/// Labels and what belongs to each, in two columns; what follows the first line of a label stands below it.
pub fn pairs<T: AsRef<str>>(rows: &[(T, Vec<Cell>)]) -> Vec<String> {
    let labels = rows.iter().map(|(label, _)| columns(label.as_ref()));
    let widest = labels.max().unwrap_or(0);
    let mut lines = Vec::new();
    for (label, cells) in rows {
        let mut label = label.as_ref();
        for cell in cells {
            let room = " ".repeat(widest - columns(label) + GAP);
            let shown = style::paint(style::FAINT, label);
            lines.push(format!("{shown}{room}{}", cell.to_line()));
            label = "";
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(["name", "what", "n"]).right([2]).gives_way([1]);
        table.push(["six".into(), "one two three four".into(), "7".into()]);
        table.push([
            "한국".into(),
            Cell::from("a").and(style::PLAIN, "b"),
            "1234".into(),
        ]);
        table.push(["x".into(), "".into(), "".into()]);
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn of_a_list_as_much_is_shown_as_fits() {
        fn check(room: usize, expected: &str) {
            let items = ["one 1", "two 2", "three 3", "four 4"];
            let list = Cell::list(items.map(|item| (style::PLAIN, item)));
            let shown = plain(&list.rendered(room));
            assert_eq!(shown, expected);
            assert!(columns(&shown) <= room);
        }
        check(29, "one 1  two 2  three 3  four 4");
        check(28, "one 1  two 2  … and 2 more");
        check(25, "one 1  … and 3 more");
        check(18, "one 1  …");
        check(7, "one 1");
        check(4, "one…");
        assert_eq!(Cell::list::<String>([]).to_line(), "");
    }

    #[test]
    fn columns_line_up_and_no_line_ends_in_spaces() {
        assert_eq!(
            plain(&sample().to_text(None)),
            "name  what                   n\n\
             six   one two three four     7\n\
             한국  ab                  1234\n\
             x\n"
        );
    }

    #[test]
    fn a_narrow_terminal_cuts_what_gives_way() {
        assert_eq!(
            plain(&sample().to_text(Some(22))),
            "name  what           n\n\
             six   one two t…     7\n\
             한국  ab          1234\n\
             x\n"
        );
    }

    #[test]
    fn pieces_are_cut_as_one_text() {
        fn check(most: usize, expected: &str) {
            let cell = Cell::from("abc").and(style::GOOD, "def");
            assert_eq!(plain(&cell.rendered(most)), expected, "{most}");
        }
        check(6, "abcdef");
        check(5, "abcd…");
        check(4, "abc…");
        check(3, "ab…");
        check(2, "a…");
    }
}
