//! Secrets by their place in a URL: before the `@`, and in the query.
//!
//! pip takes URLs that no standard knows: passwords with `/`, `#` or blanks in them, no scheme, a wrong port. What
//! cannot be a URL otherwise is taken for one with a secret.

use std::ops::Range;

use super::names::is_secret_in_query;

/// Schemes of addresses whose user is no secret.
const ADDRESSES: &[&str] = &["mailto", "sip", "sips", "xmpp"];

/// The longest user or host that is looked for without a scheme.
const LONGEST_NAME: usize = 256;

/// Adds where secrets stand in the URLs of `line`.
pub(super) fn find(line: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = line[from..].find("//") {
        let start = from + at + 2;
        // Of `https:////user:…`, the last two count.
        let start = start + line[start..].bytes().take_while(|b| *b == b'/').count();
        userinfo(line, start, found);
        from = start;
    }
    without_scheme(line, found);
    queries(line, found);
}

/// The secret in `user:password@host`, or in `token@host`, at the beginning of `value`.
pub(super) fn of_value(value: &str) -> Option<Range<usize>> {
    let end = value.find("//").map_or(0, |at| at + 2);
    let (rest, user_end) = (&value[end..], value[end..].rfind('@')?);
    secret_of(&rest[..user_end]).map(|secret| end + secret.start..end + secret.end)
}

/// Where `text` goes on after the last of these characters; 0 without one.
pub(super) fn after_last(text: &str, is_end: impl Fn(char) -> bool) -> usize {
    let last = text.char_indices().rfind(|(_, c)| is_end(*c));
    last.map_or(0, |(at, c)| at + c.len_utf8())
}

/// Where a word ends that may be a URL: what stands around URLs in prose and in tracebacks does not belong to them.
fn word_end(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`'))
        .unwrap_or(text.len())
}

/// The secret before the `@` of the URL whose authority begins at `start`.
fn userinfo(line: &str, start: usize, found: &mut Vec<Range<usize>>) {
    let rest = &line[start..];
    let word = &rest[..word_end(rest)];
    let authority = &word[..word.find(['/', '?', '#']).unwrap_or(word.len())];
    if let Some(at) = authority.rfind('@') {
        // A password with an `@` and a `/` after it: `user:p@ss/word@host`.
        let host_end = at + 1 + host_length(&word[at + 1..]);
        let more = word[host_end..].rfind('@').map(|more| host_end + more);
        let is_open = authority[..at].contains(':') && authority[at + 1..].is_empty();
        let at = more.filter(|_| is_open).unwrap_or(at);
        return push(line, start, &word[..at], found);
    }
    let Some(colon) = authority.find(':') else {
        return;
    };
    let after = &authority[colon + 1..];
    let is_ipv6 = authority.starts_with('[');
    if is_ipv6 || after.is_empty() || after.bytes().all(|byte| byte.is_ascii_digit()) {
        return; // a host and its port
    }
    // `user:` and no host: the password has a `/`, a `#`, or a blank in it, or the URL was cut.
    let end = match rest.find('@') {
        Some(at) if !rest[..at].contains("://") => at,
        _ => authority.len(),
    };
    push(line, start, &rest[..end], found);
}

/// Adds the secret in `user`, which is what stands before the `@`.
fn push(line: &str, start: usize, user: &str, found: &mut Vec<Range<usize>>) {
    debug_assert!(line[start..].starts_with(user));
    found.extend(secret_of(user).map(|secret| start + secret.start..start + secret.end));
}

/// What is secret of `user:password` or `token`: a user whose password says nothing is a token itself.
fn secret_of(user: &str) -> Option<Range<usize>> {
    if user.is_empty() {
        return None;
    }
    match user.split_once(':') {
        None | Some((_, "" | "x-oauth-basic")) => Some(0..user.len()),
        Some((name, _)) => Some(name.len() + 1..user.len()),
    }
}

fn host_length(text: &str) -> usize {
    text.bytes().take_while(|byte| is_of_host(*byte)).count()
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// `user:password@host` without a scheme, or with half of one (`https:/user:…`, `https:user:…`).
fn without_scheme(line: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in line.match_indices('@') {
        let host = &line[at + 1..];
        let host = &host[..host_length(host)];
        if !host.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            continue; // a version: `pkg:name@1.0`
        }
        let begin = after_last(&line[..at], |c| {
            c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`' | '/' | '=' | ',' | '(')
        });
        let word = &line[begin..at];
        let Some((user, password)) = word.split_once(':') else {
            continue;
        };
        let is_user = !user.is_empty()
            && user.len() <= LONGEST_NAME
            && user
                .bytes()
                .all(|byte| is_of_host(byte) || matches!(byte, b'%' | b'+' | b'~'));
        if !is_user || password.is_empty() || ADDRESSES.contains(&user) {
            continue;
        }
        // `https:user:password@host`: what follows the scheme.
        let skipped = if password.contains(':') && user.starts_with("http") {
            user.len() + 1
        } else {
            0
        };
        push(line, begin + skipped, &line[begin + skipped..at], found);
    }
}

/// Values of names in a query, or in a fragment, that are secret.
fn queries(line: &str, found: &mut Vec<Range<usize>>) {
    for (at, _) in line.match_indices(['?', '&', '#', ';']) {
        let rest = &line[at + 1..];
        let Some(equals) = rest.find('=') else {
            continue;
        };
        let name = &rest[..equals];
        let is_name = !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'%')
            });
        if !is_name || !is_secret_in_query(name.trim_start_matches("amp;")) {
            continue;
        }
        let value = &rest[equals + 1..];
        let end = value
            .find(['&', '#', ';'])
            .unwrap_or(value.len())
            .min(word_end(value));
        if end > 0 {
            let start = at + 1 + equals + 1;
            found.push(start..start + end);
        }
    }
}
