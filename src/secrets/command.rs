//! Secrets of a command line, where an option and its value may be two words.

use std::ffi::OsString;

use super::names::{Kind, kind};
use super::{HIDDEN, hide, urls};

/// The words of a command line, secrets taken out.
pub fn words(words: &[OsString]) -> Vec<String> {
    let mut follows = None;
    words
        .iter()
        .map(|word| {
            let word = word.to_string_lossy();
            if let Some(kind) = follows.take() {
                return value(kind, &word);
            }
            if word.starts_with("--") {
                let Some((name, given)) = word.split_once('=') else {
                    follows = kind(&word);
                    return word.into_owned();
                };
                return match kind(name) {
                    Some(kind) => format!("{name}={}", value(kind, given)),
                    None => hide(&word).into_owned(),
                };
            }
            match word.as_ref() {
                "-i" | "-f" => follows = Some(Kind::Url),
                "-C" => follows = Some(Kind::Setting),
                _ => {
                    if let Some(given) = word.strip_prefix("-C") {
                        return format!("-C{}", value(Kind::Setting, given));
                    }
                }
            }
            hide(&word).into_owned()
        })
        .collect()
}

/// `text` after a name that says this of it.
fn value(kind: Kind, text: &str) -> String {
    let keep = |length: usize| format!("{}{HIDDEN}", &text[..length]);
    match kind {
        Kind::Secret => HIDDEN.to_owned(),
        Kind::Setting => match text.split_once('=') {
            Some((key, _)) => keep(key.len() + 1),
            None => hide(text).into_owned(),
        },
        Kind::Path => match text.rfind(':') {
            Some(colon) => keep(colon + 1),
            None => hide(text).into_owned(),
        },
        Kind::Url => match urls::of_value(text) {
            Some(secret) => hide(&format!(
                "{}{HIDDEN}{}",
                &text[..secret.start],
                &text[secret.end..]
            ))
            .into_owned(),
            None => hide(text).into_owned(),
        },
        Kind::Option => words(&[OsString::from(text)]).concat(),
    }
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
