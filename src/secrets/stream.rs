//! Text that comes in pieces, hidden as it comes.

use super::text::hide;
use super::urls::{after_last, open_at};
use super::wrap;

/// Bytes without a line end that are held back at most.
const LONGEST_HELD: usize = 64 << 10;
/// Bytes at the end of what is held back that stay there when it becomes too long: more than a secret has, with its
/// name.
const OVERLAP: usize = 8 << 10;

/// Bytes of a word that no token is as short as.
const LONGEST_WORD: usize = 12;

/// A text on its way, of which lines are let through whole.
#[derive(Debug, Default)]
pub struct Hiding {
    held: String,
}

impl Hiding {
    /// Takes `text`, and gives what can be shown of it and of what came before.
    pub fn feed(&mut self, text: &str) -> String {
        let mut shown = String::new();
        if memchr::memchr(b'\n', text.as_bytes()).is_none() {
            self.held.push_str(text);
        } else if self.held.is_empty() {
            let settled = settled(text);
            shown = hide(&text[..settled]).into_owned();
            self.held.push_str(&text[settled..]);
        } else {
            self.held.push_str(text);
            let settled = settled(&self.held);
            shown = hide(&self.held[..settled]).into_owned();
            self.held.drain(..settled);
        }
        if self.held.len() > LONGEST_HELD {
            shown.push_str(&self.let_go());
        }
        shown
    }

    /// What is held back, as it came.
    pub fn take_held(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// What can be shown of what is held back, followed by `more`, which is not settled yet: without its last word,
    /// where that may be half a secret.
    pub fn preview(&self, more: &str) -> String {
        let text = [self.held.as_str(), more].concat();
        let line = after_last(&text, |c| c == '\n');
        let settled = wrap::settled(&text[..line]);
        if settled < line {
            let end = settled + wrap::shown_of(&text[settled..line]);
            return hide(&text[..end]).into_owned();
        }
        let end = after_last(&text, char::is_whitespace);
        let (last, word) = (&text[line..], &text[end..]);
        let is_plain = word.len() <= LONGEST_WORD
            && !word.contains(['_', '-'])
            && !last.contains(['@', '=', ':'])
            && !last.contains("--");
        let end = if is_plain { text.len() } else { end };
        let open = open_at(last).map_or(end, |open| line + open);
        hide(&text[..end.min(open)]).into_owned()
    }

    /// Lets the beginning of a long line go, up to a blank where there is one. What stays is hidden as well, while the
    /// name before it is still there; half a secret at its end is told by what comes.
    fn let_go(&mut self) -> String {
        let mut text = hide(&self.held).into_owned();
        let mut near = text.len().saturating_sub(OVERLAP);
        while !text.is_char_boundary(near) {
            near -= 1;
        }
        let cut = text[..near].rfind(char::is_whitespace).unwrap_or(near);
        self.held = text.split_off(cut);
        text
    }
}

/// How much of `text` can be shown for good: whole lines, of which the last does not go on in the next.
fn settled(text: &str) -> usize {
    wrap::settled(&text[..after_last(text, |c| c == '\n')])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(pieces: &[&str]) -> String {
        let mut hiding = Hiding::default();
        let mut shown: String = pieces.iter().map(|piece| hiding.feed(piece)).collect();
        shown.push_str(&hide(&hiding.take_held()));
        shown
    }

    #[test]
    fn lines_are_let_through_whole() {
        let mut hiding = Hiding::default();
        assert_eq!(hiding.feed("a https://u:se"), "");
        assert_eq!(hiding.preview(""), "a ");
        assert_eq!(hiding.feed("cret@h\nb"), "a https://u:****@h\n");
        assert_eq!(hiding.preview(" 99%"), "b 99%");
        assert_eq!(hiding.take_held(), "b");
    }

    #[test]
    fn a_line_without_end_is_not_kept_for_ever() {
        let mut hiding = Hiding::default();
        let mut shown = String::new();
        for number in 0..40_000 {
            shown.push_str(&hiding.feed(&format!("{number} https://u:secret{number}@h ")));
            assert!(hiding.held.len() <= LONGEST_HELD + 64);
        }
        shown.push_str(&hide(&hiding.take_held()));
        assert!(!shown.contains("secret"), "a secret was let through");
        assert!(shown.ends_with("39999 https://u:****@h "));
    }

    #[test]
    fn a_name_at_the_cut_still_tells_its_value() {
        for length in OVERLAP - 40..OVERLAP + 40 {
            let mut hiding = Hiding::default();
            let before = "x".repeat(LONGEST_HELD - length);
            let mut shown = hiding.feed(&format!(
                "{before} --password hunter22 {}",
                "y".repeat(length)
            ));
            shown.push_str(&hide(&hiding.take_held()));
            assert!(!shown.contains("hunter"), "{length}");
            assert!(shown.contains(" --password **** y"), "{length}");
        }
    }

    proptest! {
        #[test]
        fn pieces_hide_what_the_whole_hides(
            before in "[a-z =:@/\n]{0,20}",
            secret in "[a-zA-Z][a-zA-Z0-9]{7,20}",
            after in "[a-z =:/\n]{0,20}",
            cuts in prop::collection::vec(0_usize..80, 0..6),
        ) {
            let text = format!("{before} https://user:{secret}@host/x?token={secret} --password={secret} {after}\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let shown = whole(&pieces);
            prop_assert_eq!(&shown, &hide(&text));
            prop_assert!(!shown.contains(&secret), "{}", shown);
            prop_assert_eq!(hide(&shown), shown.as_str());
        }
    }
}
