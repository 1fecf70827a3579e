//! Secrets by their place in a URL: before the `@`, and in the query.
//!
//! pip takes URLs that no standard knows: passwords with `/`, `#` or blanks in them, no scheme, a wrong port. What
//! cannot be a URL otherwise is taken for one with a secret.

use std::net::Ipv4Addr;
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
    if line.contains('\\') {
        for (at, slashes) in line.match_indices(r"\/\/") {
            userinfo(line, at + slashes.len(), found); // as JSON may write it
        }
    }
    without_scheme(line, found);
    queries(line, found);
    if line.contains('%') {
        escaped(line, found);
    }
}

/// Where what follows the scheme of the last URL of `line` begins, if its password goes on where the line does: it has
/// no `@` yet.
pub(super) fn open_at(line: &str) -> Option<usize> {
    memchr::memchr(b':', line.as_bytes())?;
    let start = line.rfind("//")? + 2;
    let rest = &line[start..];
    let (_, after) = authority(rest).split_once(':')?;
    let is_open = !after.bytes().all(|byte| byte.is_ascii_digit()) && !rest.contains('@');
    is_open.then_some(start)
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
    text.find(is_around).unwrap_or(text.len())
}

fn is_around(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '`')
}

/// The secret before the `@` of the URL whose authority begins at `start`.
fn userinfo(line: &str, start: usize, found: &mut Vec<Range<usize>>) {
    let rest = &line[start..];
    let word = &rest[..word_end(rest)];
    let authority = authority(word);
    let is_pinned = has_revision(&line[..start]);
    if let Some(at) = authority.rfind('@') {
        let more = if !authority[..at].contains(':') || is_known_host(&word[at + 1..]) {
            None
        } else if authority.len() == at + 1 {
            word[at + 1..].rfind('@').map(|more| at + 1 + more)
        } else {
            last_before_host(word, at + 1, is_pinned)
        };
        return push(line, start, &word[..more.unwrap_or(at)], found);
    }
    let Some((host, port)) = authority.split_once(':') else {
        // rich shortens a long text to `'https://token'+20`.
        let after = &rest[authority.len()..];
        let is_cut = after.starts_with(['"', '\''])
            && after[1..].starts_with('+')
            && after[2..].starts_with(|c: char| c.is_ascii_digit());
        if is_cut && !is_known_host(authority) {
            push(line, start, authority, found);
        }
        return;
    };
    if host.starts_with('[') {
        return;
    }
    if port.bytes().all(|byte| byte.is_ascii_digit()) {
        // Most likely a host and its port.
        let far = || last_before_host(word, authority.len(), is_pinned);
        if let Some(end) = (!is_known_host(host)).then(far).flatten() {
            push(line, start, &word[..end], found);
        }
        return;
    }
    // `user:` and no host: the password has a `/`, a `#`, or a blank in it, or the URL was cut.
    let end = match rest.find('@') {
        Some(at) if !rest[..at].contains("://") => {
            let word = &rest[..at + word_end(&rest[at..])];
            let host_end = at + word[at..].find(['/', '?', '#']).unwrap_or(word.len() - at);
            let nearest = || word[..host_end].rfind('@').unwrap_or(at);
            last_before_host(word, at, is_pinned).unwrap_or_else(nearest)
        }
        _ => authority.len(),
    };
    push(line, start, &rest[..end], found);
}

/// The part of a URL before its path, where it has no `/` of a password in it.
fn authority(rest: &str) -> &str {
    let is_end = |c: char| matches!(c, '/' | '?' | '#' | '\\') || is_around(c);
    &rest[..rest.find(is_end).unwrap_or(rest.len())]
}

/// The last `@` in `word`, from `from` on, that stands before what is a host for sure; at the very end of a URL that
/// `is_pinned`, it may be a revision.
fn last_before_host(word: &str, from: usize, is_pinned: bool) -> Option<usize> {
    let mut ats = word[from..].match_indices('@').map(|(at, _)| from + at);
    ats.rfind(|at| {
        let host = &word[at + 1..];
        let after = &host[host_length(host)..];
        is_known_host(host) && (!is_pinned || after.starts_with(['/', ':', '[']))
    })
}

/// Whether a URL may have a revision at its end, as its scheme says: `git+https://host/repository@revision`.
fn has_revision(before: &str) -> bool {
    let scheme = before.trim_end_matches(['/', '\\', ':']);
    let begin = after_last(scheme, |c| {
        !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-')
    });
    scheme[begin..].contains('+')
}

/// Whether `text` begins with what nobody takes for a part of a password: an address, `localhost`, a name with a
/// domain.
fn is_known_host(text: &str) -> bool {
    let host = &text[..host_length(text)];
    let is_address = host.parse::<Ipv4Addr>().is_ok();
    let has_domain = host.rsplit_once('.').is_some_and(|(name, domain)| {
        let is_domain = domain.len() > 1 && domain.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_domain && name.split('.').all(|label| !label.is_empty())
    });
    host == "localhost" || is_address || has_domain || text.starts_with('[')
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
        let is_ipv6 = host.starts_with('[');
        let host = &host[..host_length(host)];
        let has_letter = host.bytes().any(|byte| byte.is_ascii_alphabetic());
        if !is_ipv6 && !has_letter && host.parse::<Ipv4Addr>().is_err() {
            continue; // a version: `pkg:name@1.0`
        }
        let begin = after_last(&line[..at], |c| {
            is_around(c) || matches!(c, '/' | '=' | ',' | '(')
        });
        let word = &line[begin..at];
        let Some((user, password)) = word.split_once(':') else {
            continue;
        };
        let is_user = !user.bytes().all(|byte| byte.is_ascii_digit())
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

/// The same in URLs that stand in a query themselves, with escapes: `?next=https%3A%2F%2Fuser%3Apassword%40host`.
fn escaped(line: &str, found: &mut Vec<Range<usize>>) {
    let length = |text: &str, more: &[u8]| {
        let is_of_value = |byte: &u8| {
            byte.is_ascii_alphanumeric() || b"-_.~".contains(byte) || more.contains(byte)
        };
        text.bytes().take_while(is_of_value).count()
    };
    for (at, slashes) in two_spellings(line, "%3A%2F%2F", "%3a%2f%2f") {
        let start = at + slashes.len();
        let rest = &line[start..];
        let word = &rest[..length(rest, b"%!*+")];
        let path = two_spellings(word, "%2F", "%2f").next();
        let authority = &word[..path.map_or(word.len(), |(at, _)| at)];
        let Some(user) = authority.rfind("%40").filter(|user| *user > 0) else {
            continue;
        };
        let colon = two_spellings(&authority[..user], "%3A", "%3a").next();
        let password = colon.map_or(0, |(at, colon)| at + colon.len());
        let is_name =
            password > 0 && password < user && &authority[password..user] != "x-oauth-basic";
        let begin = if is_name { password } else { 0 };
        found.push(start + begin..start + user);
    }
    for (at, equals) in two_spellings(line, "%3D", "%3d") {
        let name = after_last(&line[..at], |c| {
            !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')
        });
        // `%26token`: of an escape, the two digits are no part of the name.
        let is_escape = line[..name].ends_with('%') && name + 2 <= at;
        let name = &line[if is_escape { name + 2 } else { name }..at];
        let start = at + equals.len();
        if is_secret_in_query(name) {
            found.push(start..start + length(&line[start..], b"@"));
        }
    }
}

/// Where `text` has either of these, in no order.
fn two_spellings<'a>(
    text: &'a str,
    one: &'static str,
    other: &'static str,
) -> impl Iterator<Item = (usize, &'a str)> {
    text.match_indices(one).chain(text.match_indices(other))
}
