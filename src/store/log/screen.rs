//! The last few lines of a terminal, as far as progress bars need them.
//!
//! Columns are counted in characters and end at [`WIDEST`]: nobody's terminal is wider, and so each movement stays
//! cheap. A line longer than [`LONGEST`] is given out in parts: a terminal would have wrapped it, too.

use std::collections::VecDeque;

use crate::secrets;

/// Lines that can still be drawn over: more than any tool's set of bars.
const ROWS: usize = 32;
/// The last column that the cursor can be moved to.
const WIDEST: usize = 512;
/// Bytes of one line that are held back.
const LONGEST: usize = 8 * 1024;

#[derive(Debug)]
pub(crate) struct Screen {
    /// Never empty. Each but the last had a line end.
    lines: VecDeque<String>,
    row: usize,
    cursor: Cursor,
}

/// The cursor's place in its line. Text mostly comes at the end, whose column need not be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    End,
    Column(usize),
    /// A column and the byte at which it begins, known after writing there.
    Inside(usize, usize),
}

impl Default for Screen {
    fn default() -> Self {
        Self {
            lines: VecDeque::from([String::new()]),
            row: 0,
            cursor: Cursor::End,
        }
    }
}

impl Screen {
    /// Writes plain text at the cursor; what can no longer change goes to `out`.
    pub(crate) fn write(&mut self, mut text: &str, out: &mut String) {
        if self.cursor != Cursor::End && !text.is_empty() {
            text = self.overwrite(text);
        }
        while !text.is_empty() {
            let room = LONGEST.saturating_sub(self.lines[self.row].len());
            let fits = boundary(text, room);
            if fits == 0 {
                self.give_out_line(out);
                continue;
            }
            self.lines[self.row].push_str(&text[..fits]);
            text = &text[fits..];
        }
    }

    /// A line end: to the beginning of the next line.
    pub(crate) fn line_end(&mut self, out: &mut String) {
        self.cursor = Cursor::Column(0);
        self.row += 1;
        if self.row < self.lines.len() {
            return;
        }
        self.cursor = Cursor::End;
        let mut fresh = String::new();
        if self.lines.len() == ROWS
            && let Some(mut oldest) = self.lines.pop_front()
        {
            out.push_str(&oldest);
            out.push('\n');
            oldest.clear();
            fresh = oldest;
            self.row -= 1;
        }
        self.lines.push_back(fresh);
    }

    pub(crate) fn column(&mut self, column: usize) {
        self.cursor = Cursor::Column(column.min(WIDEST));
    }

    pub(crate) fn left(&mut self, count: usize) {
        let column = self.current_column();
        self.column(column.saturating_sub(count));
    }

    pub(crate) fn right(&mut self, count: usize) {
        let column = self.current_column();
        self.column(column.saturating_add(count));
    }

    pub(crate) fn up(&mut self, count: usize) {
        let column = self.current_column();
        self.row = self.row.saturating_sub(count);
        self.column(column);
    }

    /// Down, but not below what has been printed.
    pub(crate) fn down(&mut self, count: usize) {
        let column = self.current_column();
        self.row = self.row.saturating_add(count).min(self.lines.len() - 1);
        self.column(column);
    }

    pub(crate) fn erase_right(&mut self) {
        let column = self.current_column();
        let line = self.masked_line();
        line.truncate(byte_of(line, column));
    }

    pub(crate) fn erase_left(&mut self) {
        let column = self.current_column();
        let line = self.masked_line();
        let end = byte_of(line, column + 1);
        let blanks = line[..end].chars().count();
        line.replace_range(..end, &" ".repeat(blanks));
        self.column(column);
    }

    pub(crate) fn erase_line(&mut self) {
        let column = self.current_column();
        self.lines[self.row].clear();
        self.column(column);
    }

    pub(crate) fn erase_below(&mut self) {
        self.erase_right();
        for line in self.lines.range_mut(self.row + 1..) {
            line.clear();
        }
    }

    /// Takes `count` characters out at the cursor; the rest moves up.
    pub(crate) fn delete(&mut self, count: usize) {
        let column = self.current_column();
        let line = self.masked_line();
        let (from, to) = (
            byte_of(line, column),
            byte_of(line, column + count.min(WIDEST)),
        );
        line.replace_range(from..to, "");
        self.column(column);
    }

    /// What is on the screen. Empty lines below the cursor are what erased bars leave: they are not printed.
    pub(crate) fn rest(&self) -> String {
        let mut last = self.lines.len() - 1;
        while last > self.row && self.lines[last].is_empty() {
            last -= 1;
        }
        let mut text = String::new();
        for (row, line) in self.lines.range(..=last).enumerate() {
            if row > 0 {
                text.push('\n');
            }
            text.push_str(line);
        }
        text
    }

    /// Writes over what is at the cursor, and gives what of `text` goes beyond the end of the line.
    fn overwrite<'a>(&mut self, text: &'a str) -> &'a str {
        let (column, from) = match self.cursor {
            Cursor::End => return text,
            Cursor::Column(column) => (column, byte_of(self.masked_line(), column)),
            Cursor::Inside(column, byte) => (column, byte),
        };
        let line = &mut self.lines[self.row];
        if from == line.len() {
            let length = line.chars().take(column).count();
            line.extend(std::iter::repeat_n(' ', column - length));
            self.cursor = Cursor::End;
            return text;
        }
        // As many characters of each as both have.
        let both = line[from..].chars().zip(text.chars());
        let (covered, there, taken) = both.fold((0, 0, 0), |(count, there, taken), (old, new)| {
            (count + 1, there + old.len_utf8(), taken + new.len_utf8())
        });
        line.replace_range(from..from + there, &text[..taken]);
        self.cursor = match from + taken {
            end if end == line.len() => Cursor::End,
            byte => Cursor::Inside(column + covered, byte),
        };
        &text[taken..]
    }

    /// The cursor's line, before a part of it goes: what would be left of a secret looks like none, so it is masked.
    fn masked_line(&mut self) -> &mut String {
        let line = &mut self.lines[self.row];
        secrets::mask(line);
        line
    }

    /// Gives out the cursor's line without a line end, and those above it: it goes on with an empty rest.
    fn give_out_line(&mut self, out: &mut String) {
        for line in self.lines.drain(..self.row) {
            out.push_str(&line);
            out.push('\n');
        }
        self.row = 0;
        out.push_str(&self.lines[0]);
        self.lines[0].clear();
        self.cursor = Cursor::End;
    }

    fn current_column(&self) -> usize {
        match self.cursor {
            Cursor::Column(column) | Cursor::Inside(column, _) => column,
            Cursor::End => self.lines[self.row].chars().take(WIDEST).count(),
        }
    }
}

/// Where the character at `column` begins; the end of a shorter text.
fn byte_of(text: &str, column: usize) -> usize {
    text.char_indices()
        .nth(column)
        .map_or(text.len(), |(at, _)| at)
}

/// The largest boundary between characters of `text` that is not beyond `at`.
pub(crate) fn boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0)
}
