//! Text in columns: a Korean syllable takes two, an accent none, a control character none that is safe to print.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns and rows, at this moment, of the terminal that standard error is; `None` where it is something else.
pub fn of_talk() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok()?;
    let known = |cells: u16, usual: usize| if cells == 0 { usual } else { cells.into() };
    Some((known(size.ws_col, 80), known(size.ws_row, 24)))
}

/// Columns of the terminal that standard output is; `None` where it is something else.
pub fn of_data() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// `text` as lines of at most `most` columns, broken between words; a word that is longer has a line of its own.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Columns that `text` takes. It must have no escape sequences.
pub fn columns(text: &str) -> usize {
    text.width()
}

/// `text` cut to at most `most` columns, the last of which is `…` if anything was cut.
pub fn cut(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mark = if most > 0 { "…" } else { "" };
    format!("{}{mark}", fitting(text, most.saturating_sub(1)))
}

/// `path` cut in front to at most `most` columns, as far as its last part allows: `…/src/nodes`.
pub fn cut_path(path: &str, most: usize) -> Cow<'_, str> {
    let mut slashes = path
        .match_indices('/')
        .map(|(at, _)| at)
        .filter(|at| *at > 0);
    let ends_fit = |at: &usize| columns(&path[*at..]) < most;
    let last = path.trim_end_matches('/').rfind('/');
    match (columns(path) > most)
        .then(|| slashes.find(ends_fit).or(last))
        .flatten()
    {
        Some(at) if at > 0 => format!("…{}", &path[at..]).into(),
        _ => path.into(),
    }
}

/// As much of the beginning of `text` as fits into `room` columns.
pub fn fitting(text: &str, room: usize) -> &str {
    let mut taken = 0;
    let end = text.char_indices().find(|(_, c)| {
        taken += c.width().unwrap_or(0);
        taken > room
    });
    end.map_or(text, |(index, _)| &text[..index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cut_in_front() {
        fn check(path: &str, most: usize, expected: &str) {
            assert_eq!(cut_path(path, most), expected, "{path} {most}");
        }
        check("./src/nodes", 11, "./src/nodes");
        check("/home/kim/demo/src/nodes", 12, "…/src/nodes");
        check("/home/kim/demo/src/nodes/", 12, "…/src/nodes/");
        check("/home/kim/demo/src/nodes", 8, "…/nodes");
        check("/home/kim/demo/src/nodes", 3, "…/nodes");
        check("/a-single-long-name", 8, "/a-single-long-name");
        check("데모/노드", 8, "…/노드");
    }

    #[test]
    fn lines_break_between_words() {
        fn check(text: &str, most: usize, expected: &[&str]) {
            assert_eq!(wrapped(text, most), expected, "{text} {most}");
        }
        check("one two three", 13, &["one two three"]);
        check("one two three", 12, &["one two", "three"]);
        check("기록과 설치된 것", 13, &["기록과 설치된", "것"]);
        check("at /a/long/path now", 5, &["at", "/a/long/path", "now"]);
        check("", 5, &[""]);
    }

    #[test]
    fn cutting_counts_columns() {
        fn check(text: &str, most: usize, expected: &str) {
            let cut = cut(text, most);
            assert_eq!(cut, expected, "{text} {most}");
            assert!(columns(&cut) <= most);
        }
        check("abc", 3, "abc");
        check("abcd", 3, "ab…");
        check("한국어", 6, "한국어");
        check("한국어", 5, "한국…");
        check("한국어", 4, "한…");
        check("a한b", 3, "a…");
        check("abc", 1, "…");
        check("abc", 0, "");
    }
}
