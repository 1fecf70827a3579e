//! What a person may have meant who typed a word that is none.

/// Less alike than this, two words have nothing to do with each other (Jaro and Winkler, who count letters that were
/// swapped as nearly right); clap asks for as much.
const ALIKE: f64 = 0.8;

/// The one of `words` that is most like `typed`, if one is.
pub(super) fn nearest<'a>(
    typed: &str,
    words: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let alike = |word: &&'a str| strsim::jaro_winkler(typed, word);
    let words = words.into_iter().filter(|word| alike(word) > ALIKE);
    words.max_by(|a, b| alike(a).total_cmp(&alike(b)))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_likeliest_word_or_none() {
        let words = ["requests", "responses", "six"];
        for (typed, expected) in [
            ("reqests", Some("requests")),
            ("respones", Some("responses")),
            ("numpy", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, words), expected, "{typed}");
        }
    }
}
