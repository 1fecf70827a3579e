//! What may reach a person's terminal of text that came from anywhere: names, paths, logs, what packages and servers
//! say.
//!
//! A terminal obeys more than it shows: escape sequences, the one-byte controls of C1, marks that turn the direction of
//! reading so that a name looks like another (CVE-2021-42574), characters without a width. Colours are let through
//! where text is ours or a program's own; everything else becomes visible.
//!
//! **Invariant:** Korean, accents, and emoji put together by U+200D stay whole.

use std::borrow::Cow;

/// `text` on one line, with everything visible that a terminal would obey.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
            '\x7f' => '\u{2421}',
            c if is_deceptive(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// `text` as it is, with its line ends, tabs and colours, and everything else visible as in [`printable`].
pub fn styled(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| (!c.is_control() || matches!(c, '\n' | '\t')) && !is_deceptive(c);
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let colour = if c == '\x1b' { colour_length(rest) } else { 0 };
        let length = colour.max(c.len_utf8());
        let piece = &rest[..length];
        if colour > 0 || matches!(c, '\n' | '\t') {
            result.push_str(piece);
        } else if !(c == '\r' && rest.starts_with("\r\n")) {
            result.push_str(&printable(piece));
        }
        rest = &rest[length..];
    }
    Cow::Owned(result)
}

/// Whether `c` is a control of C1, turns the direction of reading, ends a line where no line end is seen, or has no
/// look of its own. U+200C and U+200D join what stands beside them, and variation selectors choose its look: these are
/// needed.
pub fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{80}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The length of the colour (SGR of ECMA-48: `ESC [ digits ; … m`) that `text` begins with; 0 without one.
fn colour_length(text: &str) -> usize {
    let Some(parameters) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let length = parameters
        .bytes()
        .take_while(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':'))
        .count();
    if parameters[length..].starts_with('m') {
        length + 3
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that a terminal would obey, but for colours.
    const OBEYED: &[&str] = &[
        "\x1b[2J",
        "\x1b]0;title\x07",
        "\x1b]52;c;eA==\x1b\\",
        "\x1bc",
        "\x1b[6n",
        "\u{9b}2J",
        "\u{90}x\u{9c}",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{61c}",
        "\u{2028}",
        "\u{feff}",
        "\u{e0041}",
        "\x08",
        "\x07",
        "\r",
        "\x7f",
        "\x1b[",
        "\x1b",
    ];

    #[test]
    fn nothing_printable_moves_the_cursor() {
        assert_eq!(printable("a\x1b[31m\nb\u{202e}"), "a␛[31m␊b\u{fffd}");
        for text in OBEYED {
            for shown in [printable(text), styled(text).into_owned()] {
                assert!(
                    !shown.contains(|c: char| c.is_control() || is_deceptive(c)),
                    "{text:?} {shown:?}"
                );
            }
        }
    }

    #[test]
    fn colours_lines_and_languages_stay() {
        for text in [
            "\x1b[1;31merror:\x1b[0m 한국어\n\tx",
            "👩\u{200d}👧 ❤\u{fe0f} é e\u{301}",
            "a\u{200c}b",
        ] {
            assert_eq!(styled(text), text);
        }
        assert_eq!(styled("a\r\nb\rc"), "a\nb␍c");
        assert_eq!(printable("👩\u{200d}👧 한"), "👩\u{200d}👧 한");
    }
}
