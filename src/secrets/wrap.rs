//! Secrets that were broken over lines, because their word was too long for one.
//!
//! rich, by which pip prints, folds a word that is too long at the width of the terminal, and puts the variables of a
//! traceback into frames (`│ url = 'https://u:hunt │`). A line and the first word of the next one are looked at as the
//! one word that they may have been. In a frame, what reaches its side was broken. Elsewhere nobody can tell, so a line
//! must be long, and the next word must show that it is a rest: a userinfo ends inside of it (`er2@host/simple`), or it
//! looks like no word.

use std::ops::Range;

use super::HIDDEN;
use super::frame::content;
use super::line::in_line;
use super::tokens;
use super::urls::{after_last, open_at};

/// Bytes of a line that may have been broken at its end.
const NARROWEST: usize = 40;
/// The same where the next word shows nothing but its look.
const USUAL: usize = 60;
/// Bytes of a secret by which it is known for one, on the lines on which it goes on.
const LONGEST_BEGIN: usize = 64;
/// An `@` as a URL has it that stands in another one. It may be broken itself.
const ESCAPED_AT: &str = "%40";
/// Blanks between a frame's side and a word that was broken there.
const PADDING: usize = 2;

/// Adds to the secrets `found` in each line of `text`, in order of the lines, where the parts of broken ones stand.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let mut parts = Vec::new();
    let mut known = found.iter().peekable();
    walk(text, &mut parts, |line, end| {
        let mut is_secret = false;
        while let Some(secret) = known.next_if(|secret| secret.start < line.end) {
            is_secret |= secret.end == line.start + end;
        }
        is_secret
    });
    found.extend(parts);
}

/// Adds where the parts of broken secrets stand in `text`, and gives where the last line begins, with those that it
/// belongs to, if its secret may go on in a line that has not come yet; else the end. `is_secret` says whether a secret
/// reaches that end of a line; it is asked in order of the lines, but not for each.
fn walk(
    text: &str,
    found: &mut Vec<Range<usize>>,
    mut is_secret: impl FnMut(&Range<usize>, usize) -> bool,
) -> usize {
    let mut lines = lines(text).peekable();
    // Where the lines begin that the present one belongs to, and the word so far, if it is all that the line has.
    let (mut chain, mut word_so_far) = (None, None);
    while let Some(line) = lines.next() {
        let start = chain.take().unwrap_or(line.start);
        let before: Option<String> = word_so_far.take();
        let Some(end) = End::of(&text[line.clone()], |end| is_secret(&line, end)) else {
            continue;
        };
        let Some(next) = lines.peek() else {
            return start;
        };
        let content = within(&line, content(&text[line.clone()]));
        let (word, is_alone) = first_word(&text[next.clone()], &end);
        let word = within(next, word);
        if word.is_empty() {
            continue;
        }
        let is_first = before.is_none();
        let mut joined = before.unwrap_or_else(|| text[content.clone()].to_owned());
        let border = joined.len();
        joined.push_str(&text[word.clone()]);
        let secrets = in_line(&joined).into_iter();
        let Some(secret) = secrets
            .filter(|secret| secret.end + ESCAPED_AT.len() > border)
            .reduce(|one, other| one.start.min(other.start)..one.end.max(other.end))
        else {
            continue;
        };
        let is_whole_word = secret.end == joined.len();
        let is_before_host = || {
            let after = &joined[secret.end..];
            let host = after.strip_prefix('@').or(after.strip_prefix(ESCAPED_AT));
            host.is_some_and(|host| {
                host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '[')
            }) && !joined[after_last(&joined[..border], char::is_whitespace)..border].contains('@')
        };
        if !is_before_host() && !end.goes_on_in(&joined[border..secret.end.max(border)]) {
            continue;
        }
        if is_first && secret.start < border {
            let part = content.start + secret.start..content.start + secret.end.min(border);
            if &text[part.clone()] == HIDDEN {
                continue;
            }
            found.push(part);
        }
        let rest = secret.start.max(border)..secret.end.max(border);
        found.push(word.start + rest.start - border..word.start + rest.end - border);
        chain = Some(start);
        if is_whole_word && is_alone {
            // The beginning says what it is.
            let most = (secret.start + LONGEST_BEGIN).min(joined.len());
            let cut = (secret.start..=most).rfind(|at| joined.is_char_boundary(*at));
            joined.truncate(cut.unwrap_or(secret.start));
            word_so_far = Some(joined);
        }
    }
    text.len()
}

/// How much of `text`, whole lines, is settled: whatever comes next changes nothing before that.
pub(super) fn settled(text: &str) -> usize {
    let start_of =
        |end: usize| memchr::memrchr(b'\n', &text.as_bytes()[..end]).map_or(0, |at| at + 1);
    // The last lines that may all have been broken.
    let mut start = text.len();
    while start > 0 {
        let line = start_of(start - 1);
        if End::of_line(&text[line..start]).is_none() {
            break;
        }
        start = line;
    }
    let lines = &text[start..];
    let reaches_end = |line: &Range<usize>, end| {
        in_line(&lines[line.clone()])
            .iter()
            .any(|secret| secret.end == end)
    };
    start + walk(lines, &mut Vec::new(), reaches_end)
}

/// How much can be shown of `text`, lines of which nothing is [`settled`]: what stands before the word that may have
/// been broken.
pub(super) fn shown_of(text: &str) -> usize {
    let line = &text[..text.find('\n').unwrap_or(text.len())];
    let content = content(line);
    let text = &line[content.clone()];
    let word = after_last(text, char::is_whitespace);
    content.start + open_at(text).unwrap_or(word).min(word)
}

/// The lines of `text`, each with its end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = &text.as_bytes()[start..];
        let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        let line = start..start + length;
        start = line.end;
        (length > 0).then_some(line)
    })
}

fn within(line: &Range<usize>, part: Range<usize>) -> Range<usize> {
    line.start + part.start..line.start + part.end
}

/// The first word of `next` where it may be the rest of a word at `end`, else nothing; and whether that is all of it.
fn first_word(next: &str, end: &End) -> (Range<usize>, bool) {
    let content = content(next);
    let text = &next[content.clone()];
    let length = text.find(char::is_whitespace).unwrap_or(text.len());
    let is_framed = content.start > 0;
    if is_framed != end.is_framed || text[..length].contains("://") {
        return (content.start..content.start, false);
    }
    (content.start..content.start + length, length == text.len())
}

/// The end of a line that may have been broken there.
struct End {
    is_framed: bool,
    length: usize,
}

impl End {
    /// None where nothing was broken. `is_secret` says whether a secret reaches the end of such a line.
    fn of(line: &str, is_secret: impl FnOnce(usize) -> bool) -> Option<Self> {
        let content = content(line);
        let text = &line[content.clone()];
        let gap = line[content.end..].trim_end();
        let is_framed = !gap.is_empty();
        let is_full = if is_framed {
            gap.len() - gap.trim_start_matches(' ').len() <= PADDING
        } else {
            text.len() >= NARROWEST
        };
        let may_be = is_full && {
            let word = &text[after_last(text, char::is_whitespace)..];
            // All of a line: the middle of a word, or its beginning.
            word.len() == text.len()
                || word.bytes().any(|byte| b"@:=%_-".contains(&byte))
                || word.contains("//")
                || tokens::may_begin_in(word)
                || is_secret(content.end)
                || open_at(text).is_some()
        };
        may_be.then_some(Self {
            is_framed,
            length: text.len(),
        })
    }

    /// The same of a line by itself.
    fn of_line(line: &str) -> Option<Self> {
        Self::of(line, |end| {
            in_line(line).iter().any(|secret| secret.end == end)
        })
    }

    /// Whether `word`, of which all belongs to a secret, looks like a rest.
    fn goes_on_in(&self, word: &str) -> bool {
        let is_of_word =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~%+/=&?#:@".contains(&byte);
        let has = |test: fn(&u8) -> bool| word.as_bytes().iter().any(test);
        let is_mixed = has(u8::is_ascii_lowercase)
            && word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
        let is_odd = is_mixed || has(|byte| byte.is_ascii_digit() || b"=&%_".contains(byte));
        let looks_so = (is_odd || word.len() >= NARROWEST) && word.bytes().all(is_of_word);
        self.is_framed || (self.length >= USUAL && looks_so)
    }
}
