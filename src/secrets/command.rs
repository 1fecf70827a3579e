//! Secrets of a command line, where an option and its value may be two words.

use std::ffi::OsStr;

use super::names::{self, Kind};
use super::{HIDDEN, hide, urls};

/// Options of one letter whose value may stand in the same word.
const SHORT: &[(&str, Kind)] = &[("-i", Kind::Url), ("-f", Kind::Url), ("-C", Kind::Setting)];

/// The words of a command line, secrets taken out.
pub fn words<W: AsRef<OsStr>>(words: &[W]) -> Vec<String> {
    let mut line = Line::default();
    let words = words.iter().map(|word| word.as_ref().to_string_lossy());
    words.map(|word| line.next(&word)).collect()
}

/// What the words before say of the next one.
#[derive(Default)]
struct Line {
    kind: Option<Kind>,
    /// What the last option says that was handed on to another program: its value is handed on by itself
    /// (`--global-option=--password --global-option=…`).
    inner: Option<Kind>,
}

impl Line {
    fn next(&mut self, word: &str) -> String {
        if let Some(kind) = self.kind.take() {
            return self.value(kind, word);
        }
        if word.starts_with("--") {
            let Some((name, given)) = word.split_once('=') else {
                self.kind = names::kind(word);
                return hide_word(word);
            };
            return match names::kind(name) {
                Some(kind) => format!("{name}={}", self.value(kind, given)),
                None => hide_word(word),
            };
        }
        let Some((option, kind)) = SHORT.iter().find(|(option, _)| word.starts_with(option)) else {
            return hide_word(word);
        };
        let given = &word[option.len()..];
        if given.is_empty() {
            self.kind = Some(*kind);
            return word.to_owned();
        }
        format!("{option}{}", self.value(*kind, given))
    }

    /// `text` after a name that says this of it.
    fn value(&mut self, kind: Kind, text: &str) -> String {
        let keep = |length: usize| format!("{}{HIDDEN}", &text[..length]);
        match kind {
            Kind::Secret => HIDDEN.to_owned(),
            Kind::Setting => match text.split_once('=') {
                Some((key, _)) => keep(key.len() + 1),
                None => hide_word(text),
            },
            Kind::Path => match text.rfind(':') {
                Some(colon) => keep(colon + 1),
                None => hide_word(text),
            },
            Kind::Url => match urls::of_value(text) {
                Some(secret) => hide_word(&format!(
                    "{}{HIDDEN}{}",
                    &text[..secret.start],
                    &text[secret.end..]
                )),
                None => hide_word(text),
            },
            Kind::Option => {
                let mut handed_on = Self {
                    kind: self.inner.take(),
                    inner: None,
                };
                let word = handed_on.next(text);
                self.inner = handed_on.kind;
                word
            }
        }
    }
}

/// One word, which no line end parts.
fn hide_word(word: &str) -> String {
    let line = word.replace(['\n', '\r'], " ");
    let hidden = hide(&line);
    if hidden == line {
        word.to_owned()
    } else {
        hidden.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

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

    #[test]
    fn an_option_of_another_program_may_be_two_words() {
        check(
            "--global-option=--password --global-option=abc x",
            "--global-option=--password --global-option=**** x",
        );
        check(
            "--global-option --password=abc --install-option --home=/x",
            "--global-option --password=**** --install-option --home=/x",
        );
        check("-C key=abc -Ckey=abc", "-C key=**** -Ckey=****");
    }

    #[test]
    fn a_line_end_in_a_word_parts_nothing() {
        let word = "x @ https://u:my\npass@h/";
        assert_eq!(words(&[word]), ["x @ https://u:****@h/"]);
        assert_eq!(words(&["a\nb"]), ["a\nb"]);
    }
}
