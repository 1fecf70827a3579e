//! The secrets of one line, whatever gives them away.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::frame::content;
use super::names::{self, Kind};
use super::{tokens, urls};

/// What stands before the secret in a line of netrc.
static NETRC: LazyLock<Finder> = LazyLock::new(|| Finder::new("password "));
/// How an option begins.
static DASHES: LazyLock<Finder> = LazyLock::new(|| Finder::new("--"));

/// Where secrets stand in `line`, in no order.
pub(super) fn in_line(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let bytes = line.as_bytes();
    // Most lines have nothing in them that stands beside a secret, and the quick way out counts.
    let has_name = |at: usize| at > 0 && !bytes[at - 1].is_ascii_digit();
    if memchr::memchr3(b'@', b'=', b'%', bytes).is_some()
        || memchr::memchr_iter(b':', bytes).any(has_name)
    {
        urls::find(line, &mut found);
        assigned(line, &mut found);
    }
    let begins_option = |at: usize| bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic);
    if DASHES.find_iter(bytes).any(begins_option) || NETRC.find(bytes).is_some() {
        after_blanks(line, &mut found);
    }
    tokens::find(line, &mut found);
    found
}

/// Adds the values of names in `line` that say that a secret follows, after `=` or `:`.
fn assigned(line: &str, found: &mut Vec<Range<usize>>) {
    for (at, separator) in line.match_indices(['=', ':']) {
        let before = &line[..at];
        // `"password": "…"`, as JSON and Python write it, and the same within a text.
        let quote = before
            .chars()
            .next_back()
            .filter(|c| matches!(c, '"' | '\''));
        let before = quote.map_or(before, |quote| {
            let name = &before[..before.len() - quote.len_utf8()];
            name.strip_suffix('\\').unwrap_or(name)
        });
        // `password = …`, as files of settings have it.
        let is_equals = separator == "=";
        let before = if is_equals {
            before.trim_end_matches([' ', '\t'])
        } else {
            before
        };
        let name = name_at_end(before);
        let is_in_query = before[..before.len() - name.len()].ends_with(['?', '&', ';', '#']);
        if name.is_empty() || is_in_query {
            continue;
        }
        let after = &line[at + 1..];
        // `token==1.0`, `token>=1.0`, `a::b` and `https://` are no assignments.
        let is_assignment = if separator == "=" {
            !after.starts_with('=') && !before.ends_with(['=', '<', '>', '!', '~'])
        } else {
            !after.starts_with([':', '/']) && !before.ends_with(':')
        };
        if !is_assignment {
            continue;
        }
        let start = at + 1 + blank_length(after);
        if separator == ":" && quote.is_none() && names::is_secret_header(name) {
            let end = content(line).end;
            // The end of a header in a text of Python's.
            let value = &line[start..end.max(start)];
            let marks = [r"\r", r"\n"].iter().filter_map(|mark| value.find(mark));
            let end = start + marks.min().unwrap_or(value.len());
            found.push(start..end);
        } else {
            value_of_kind(line, start, name, found);
        }
    }
}

/// As [`assigned`], after a blank: of options, and of the words of a line of netrc. Elsewhere a blank separates words.
fn after_blanks(line: &str, found: &mut Vec<Range<usize>>) {
    let is_netrc =
        line.contains("login ") && (line.contains("machine ") || line.contains("default "));
    for (at, _) in line.match_indices([' ', '\t']) {
        let name = name_at_end(&line[..at]);
        let start = at + blank_length(&line[at..]);
        let is_option = name.starts_with("--") && !line[start..].starts_with('-');
        if is_option || (is_netrc && matches!(name, "password" | "account")) {
            value_of_kind(line, start, name, found);
        }
    }
}

/// Adds what is secret of the value that begins at `start`, as `name` says.
fn value_of_kind(line: &str, start: usize, name: &str, found: &mut Vec<Range<usize>>) {
    let Some(kind) = names::kind(name) else {
        return;
    };
    let Some(value) = value_of(&line[start..]) else {
        return;
    };
    let text = &line[start + value.start..start + value.end];
    let secret = match kind {
        Kind::Secret => Some(0..text.len()),
        Kind::Url => urls::of_value(text),
        Kind::Setting => text.find('=').map(|at| at + 1..text.len()),
        Kind::Path => text
            .rfind(':')
            .filter(|_| name.starts_with("--"))
            .map(|at| at + 1..text.len()),
        Kind::Option => None,
    };
    let start = start + value.start;
    found.extend(secret.map(|secret| start + secret.start..start + secret.end));
}

/// The name that `text` ends with.
fn name_at_end(text: &str) -> &str {
    let length = text
        .bytes()
        .rev()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        .count();
    let (before, name) = text.split_at(text.len() - length);
    // `\r\nAuthorization`, as Python writes a line end in a text.
    let is_escape = before.ends_with('\\') && name.starts_with(['n', 'r', 't']);
    if is_escape { &name[1..] } else { name }
}

fn blank_length(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// The value that `text` begins with: a word, or what stands in quotes.
fn value_of(text: &str) -> Option<Range<usize>> {
    let bare = text.strip_prefix('\\').unwrap_or(text);
    let escape = text.len() - bare.len();
    let quote = bare.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => {
            let start = escape + 1;
            let is_end = |c: char| c == quote || (escape > 0 && c == '\\');
            let end = text[start..]
                .find(is_end)
                .map_or(content(text).end, |at| start + at);
            start..end.max(start)
        }
        None => 0..text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    (!value.is_empty()).then_some(value)
}
