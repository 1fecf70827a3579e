//! Secrets in text of any kind.

use std::borrow::Cow;
use std::ops::Range;

use super::line::in_line;
use super::{HIDDEN, wrap};

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
        hidden = Cow::Owned(without(&hidden, &found));
    }
    hidden
}

/// `text` with [`HIDDEN`] in the place of each of `secrets`, which are in order.
fn without(text: &str, secrets: &[Range<usize>]) -> String {
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

/// Puts an asterisk in the place of each character of a secret in `line`: all columns stay what they are.
pub fn mask(line: &mut String) {
    for _ in 0..ROUNDS {
        let mut found = merged(line, in_line(line));
        found.retain(|at| line[at.clone()].bytes().any(|byte| byte != b'*'));
        if found.is_empty() {
            return;
        }
        for secret in found.into_iter().rev() {
            let length = line[secret.clone()].chars().count();
            line.replace_range(secret, &"*".repeat(length));
        }
    }
}

/// Where secrets stand in `text`: in order, none of them in another, none empty or hidden already.
fn find(text: &str) -> Vec<Range<usize>> {
    let mut all = Vec::new();
    for line in wrap::lines(text) {
        let found = in_line(&text[line.clone()]).into_iter();
        all.extend(found.map(|at| line.start + at.start..line.start + at.end));
    }
    wrap::find(text, &mut all);
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
        check("https://u:p@ss/w@h.org/", "https://u:****@h.org/");
        check("https://u:p@ss/w@h.org", "https://u:****@h.org");
        check(
            "https://u:1234/x@h.org/simple",
            "https://u:****@h.org/simple",
        );
        check("https://u:pa?s@s/w@h.org/", "https://u:****@h.org/");
        check("https://u:pa/s@s@h/x", "https://u:****@h/x");
        check("https://u:my p@ss@h/x", "https://u:****@h/x");
        check("https://first.last:pa/ss@h/", "https://first.last:****@h/");
        check(
            "git+https://u:p@h/r@release.next",
            "git+https://u:****@h/r@release.next",
        );
        check("https://u:p@h/@scope/x", "https://u:****@h/@scope/x");
        check(r"https:\/\/tok@h\/x", r"https:\/\/****@h\/x");
        check(
            "?next=https%3A%2F%2Fu%3Ap%40h%2F",
            "?next=https%3A%2F%2Fu%3A****%40h%2F",
        );
        check(
            "?next=https%3A%2F%2Ftok%40h%2F",
            "?next=https%3A%2F%2F****%40h%2F",
        );
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
            r"send: b'GET /\r\nAuthorization: Basic abc\r\nX: y\r\n'",
            r"send: b'GET /\r\nAuthorization: ****\r\nX: y\r\n'",
        );
        check(
            r#""{\"token\": \"a b\", \"x\": 1}""#,
            r#""{\"token\": \"****\", \"x\": 1}""#,
        );
        check(
            "?next=%3Fv%3D1%26sig%3Dabc&x",
            "?next=%3Fv%3D1%26sig%3D****&x",
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
            r"https:\/\/h:80\/x",
            "https://h:80/mail/@scope",
            "https://h.org:80/mail/kim@example.org/",
            "?next=https%3A%2F%2Fh%2Fx%40v1",
            "https://%3Fa%3D1",
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
