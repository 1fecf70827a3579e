//! Takes secrets out of what is kept of a command line.
//!
//! Credentials reach pip in URLs (`https://user:password@host/`) and in `--proxy`, where the scheme may be left out. They
//! are replaced as pip does in its own output: the user stays when a password follows, a lone token goes.

use std::ffi::OsString;

/// What stands in the place of a secret.
const HIDDEN: &str = "****";

/// The words of a command line, secrets taken out.
pub fn words(words: &[OsString]) -> Vec<String> {
    let mut proxy_follows = false;
    words
        .iter()
        .map(|word| {
            let word = word.to_string_lossy();
            let redacted = match word.split_once('=') {
                _ if proxy_follows => authority(&urls(&word)),
                Some((name, value)) if is_proxy(name) => {
                    format!("{name}={}", authority(&urls(value)))
                }
                _ => urls(&word),
            };
            proxy_follows = is_proxy(&word);
            redacted
        })
        .collect()
}

/// `text` with the credentials of every URL in it hidden.
pub fn urls(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let end = after
            .find(|c: char| matches!(c, '/' | '?' | '#') || c.is_whitespace())
            .unwrap_or(after.len());
        result.push_str(before);
        result.push_str(&authority(&after[..end]));
        rest = &after[end..];
    }
    result + rest
}

/// `user:password@host` with the secret hidden. A text that has a scheme was seen to already.
fn authority(text: &str) -> String {
    let Some((user, host)) = text.rsplit_once('@') else {
        return text.to_owned();
    };
    if text.contains("://") {
        return text.to_owned();
    }
    match user.split_once(':') {
        Some((name, _)) => format!("{name}:{HIDDEN}@{host}"),
        None => format!("{HIDDEN}@{host}"),
    }
}

/// Whether `word` is `--proxy` or a beginning that pip takes for it.
fn is_proxy(word: &str) -> bool {
    word.len() >= "--prox".len() && "--proxy".starts_with(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        assert_eq!(words(&args).join(" "), expected, "{line}");
    }

    #[test]
    fn credentials_are_hidden_and_nothing_else() {
        check("install x==1 -e .", "install x==1 -e .");
        check("-i https://u:p@h/s?q=1", "-i https://u:****@h/s?q=1");
        check("-ihttps://t0ken@h:80", "-ihttps://****@h:80");
        check(
            "--index-url=https://u:p@ss@h/",
            "--index-url=https://u:****@h/",
        );
        check("git+ssh://git@h/r@v1", "git+ssh://****@h/r@v1");
        check("a@https://u:p@h/a.whl", "a@https://u:****@h/a.whl");
        check(
            "http://a:b@c http://d:e@f",
            "http://a:****@c http://d:****@f",
        );
        check("https://h/@scope/x", "https://h/@scope/x");
    }

    #[test]
    fn a_proxy_may_have_no_scheme() {
        check("--proxy u:p@h:1 x@y", "--proxy u:****@h:1 x@y");
        check("--proxy=u:p@h:1", "--proxy=u:****@h:1");
        check("--prox http://u:p@h:1", "--prox http://u:****@h:1");
        check("--proxy h:1", "--proxy h:1");
    }
}
