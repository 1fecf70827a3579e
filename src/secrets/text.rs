//! Secrets in text of any kind.

use std::borrow::Cow;
use std::ops::Range;

use super::names::{self, Kind};
use super::{HIDDEN, tokens, urls};

/// How often a text is looked at anew: what was hidden may uncover what no URL has but a broken one.
const ROUNDS: usize = 8;

/// `text` with every secret in it hidden.
pub fn hide(text: &str) -> Cow<'_, str> {
    let mut hidden = Cow::Borrowed(text);
    for _ in 0..ROUNDS {
        let found = find(&hidden);
        if found.is_empty() {
            break;
        }
        hidden = Cow::Owned(without(&hidden, found));
    }
    hidden
}

/// `text` with [`HIDDEN`] in the place of each of `secrets`, which are in order.
fn without(text: &str, secrets: Vec<Range<usize>>) -> String {
    let mut result = String::with_capacity(text.len());
    let mut from = 0;
    for secret in secrets {
        result.push_str(&text[from..secret.start]);
        result.push_str(HIDDEN);
        from = secret.end;
    }
    result.push_str(&text[from..]);
    result
}

/// Where secrets stand in `text`: in order, none of them in another, none empty or hidden already.
fn find(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let mut found = Vec::new();
        let bytes = line.as_bytes();
        // Most lines have nothing in them that stands beside a secret, and the quick way out counts.
        if memchr::memchr3(b'@', b'=', b':', bytes).is_some() {
            urls::find(line, &mut found);
            assigned(line, &mut found);
        }
        if memchr::memmem::find(bytes, b"--").is_some()
            || memchr::memmem::find(bytes, b"password ").is_some()
        {
            after_blanks(line, &mut found);
        }
        tokens::find(line, &mut found);
        all.extend(found.into_iter().map(|at| start + at.start..start + at.end));
        start += line.len();
    }
    merged(text, all)
}

fn merged(text: &str, mut all: Vec<Range<usize>>) -> Vec<Range<usize>> {
    all.retain(|at| at.start < at.end);
    all.sort_by_key(|at| (at.start, at.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for at in all {
        match merged.last_mut() {
            Some(last) if at.start < last.end => last.end = last.end.max(at.end),
            _ => merged.push(at),
        }
    }
    merged.retain(|at| &text[at.clone()] != HIDDEN);
    merged
}

/// Adds the values of names in `line` that say that a secret follows, after `=` or `:`.
fn assigned(line: &str, found: &mut Vec<Range<usize>>) {
    for (at, separator) in line.match_indices(['=', ':']) {
        let before = &line[..at];
        // `"password": "…"`, as JSON and Python write it.
        let quote = before
            .chars()
            .next_back()
            .filter(|c| matches!(c, '"' | '\''));
        let before = quote.map_or(before, |quote| &before[..before.len() - quote.len_utf8()]);
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
            let end = line.trim_end().len();
            found.push(start..end.max(start));
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
    &text[text.len() - length..]
}

fn blank_length(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '\t']).len()
}

/// The value that `text` begins with: a word, or what stands in quotes.
fn value_of(text: &str) -> Option<Range<usize>> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let value = match quote {
        Some(quote) => {
            let end = text[1..]
                .find(quote)
                .map_or(text.trim_end().len(), |at| at + 1);
            1..end.max(1)
        }
        None => 0..text.find(char::is_whitespace).unwrap_or(text.len()),
    };
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(hide(text), expected);
        assert_eq!(hide(expected), expected, "hidden twice");
    }

    #[test]
    fn what_stands_before_the_at_of_a_url() {
        check("https://u:p@h/s?q=1", "https://u:****@h/s?q=1");
        check("https://t0ken@h:80", "https://****@h:80");
        check("https://t0ken:@h/x", "https://****@h/x");
        check("https://t0ken:x-oauth-basic@h/x", "https://****@h/x");
        check(
            "--index-url=https://u:p@ss@h/",
            "--index-url=https://u:****@h/",
        );
        check("git+ssh://git@h/r@v1", "git+ssh://****@h/r@v1");
        check(
            "git+https://tok@h/r@v1#egg=x",
            "git+https://****@h/r@v1#egg=x",
        );
        check("x @ http://u:PASS@h/x.whl", "x @ http://u:****@h/x.whl");
        check(
            "http://a:b@c http://d:e@f",
            "http://a:****@c http://d:****@f",
        );
        check("('https://u:p@h/', 443)", "('https://u:****@h/', 443)");
        check("https://u:pa/ss@h/x", "https://u:****@h/x");
        check("https://u:pa#ss@h/x", "https://u:****@h/x");
        check("https://u:pa?ss@h/x", "https://u:****@h/x");
        check("https://u:pa ss@h/x", "https://u:****@h/x");
        check("https://u:p%40ss@h/x", "https://u:****@h/x");
        check("https://u:secret", "https://u:****");
        check("//u:p@h/x", "//u:****@h/x");
        check("https:/u:p@h/x", "https:/u:****@h/x");
        check("https:u:p@h/x", "https:u:****@h/x");
        check("//:a/@@", "//:****@");
        check(
            "PIP_INDEX_URL=u:p@h/simple",
            "PIP_INDEX_URL=u:****@h/simple",
        );
        check("--trusted-host u:p@h", "--trusted-host u:****@h");
        check("--proxy tok@h:1", "--proxy ****@h:1");
    }

    #[test]
    fn what_a_query_names_secret() {
        check("https://h/x?token=abc&v=1", "https://h/x?token=****&v=1");
        check(
            "https://h/x?v=1&X-Amz-Signature=ab12",
            "https://h/x?v=1&X-Amz-Signature=****",
        );
        check(
            "https://h/x?sig=a%2Bb#sha256=00ff",
            "https://h/x?sig=****#sha256=00ff",
        );
        check(
            "location: /x?private_token=abc\n",
            "location: /x?private_token=****\n",
        );
    }

    #[test]
    fn what_a_name_gives_away() {
        check(
            "--global-option=--password=abc x",
            "--global-option=--password=**** x",
        );
        check(
            "--config-settings=key=abc x",
            "--config-settings=key=**** x",
        );
        check("--cert /p/c.pem:word x", "--cert /p/c.pem:**** x");
        check("--password abc --x", "--password **** --x");
        check("TWINE_PASSWORD=abc python", "TWINE_PASSWORD=**** python");
        check(
            "{\"password\": \"a b\", \"x\": 1}",
            "{\"password\": \"****\", \"x\": 1}",
        );
        check("'Authorization': 'Basic abc'", "'Authorization': '****'");
        check(
            "send: Authorization: Bearer a.b c\n",
            "send: Authorization: ****\n",
        );
        check(
            "machine h login u password abc",
            "machine h login u password ****",
        );
    }

    #[test]
    fn nothing_else_changes() {
        for text in [
            "install x==1 -e .",
            "x @ file:///tmp/x-1.0-py3-none-any.whl",
            "Author-email: A <a@b.c>",
            "mailto:a@b.c",
            "git+https://h/repo@v1.0",
            "https://h:8080/@scope/x",
            "https://h/@scope/x#egg=name&subdirectory=a",
            "https://h/x.whl#sha256=00ff11",
            "https://[::1]:80/x",
            "Requirement already satisfied: token==1.0 in ./lib (from secret>=2)",
            "pkg:pypi/requests@2.0",
            "Collecting django-token==1.2",
            "  error: subprocess-exited-with-error",
            "x = {'key': 1}; C::d @property 12:30:01",
            "Downloading https://h/packages/ab/x-1.0.tar.gz (10 kB)",
            "가: 나@다",
            "",
        ] {
            check(text, text);
        }
    }
}
