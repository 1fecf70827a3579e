//! Commands as a person would type them into a POSIX shell.

/// `text` as one word, in single quotes where it needs them.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,~".contains(c);
    if !text.is_empty() && !text.starts_with('~') && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// `words` as one command.
pub fn command(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|text| word(text)).collect();
    words.join(" ")
}

/// A path as [`Host::shown`](crate::host::Host::shown) says it, as a word that a shell takes for that path.
pub fn path(shown: &str) -> String {
    match shown.strip_prefix("~/") {
        Some(below) => format!("~/{}", word(below)),
        None => word(shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_they_must_be() {
        for (text, expected) in [
            ("six==1.0", "six==1.0"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("six>=1", "'six>=1'"),
            ("~", "'~'"),
            ("/프로젝트/a", "/프로젝트/a"),
        ] {
            assert_eq!(word(text), expected);
        }
        let words = ["pip", "install", "six>=1"].map(str::to_owned);
        assert_eq!(command(&words), "pip install 'six>=1'");
    }
}
