//! What a person may have meant who typed a name that is none: of a package, a setting, a node.

/// Less alike than this, two words have nothing to do with each other (Jaro and Winkler, who count letters that were
/// swapped as nearly right); clap asks for as much.
const ALIKE: f64 = 0.8;

/// The one of `words` that is most like `typed`, if one is.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let alike = |word: &&'a str| strsim::jaro_winkler(&typed, &word.to_lowercase());
    let words = words.into_iter().filter(|word| alike(word) > ALIKE);
    words.max_by(|a, b| alike(a).total_cmp(&alike(b)))
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_likeliest_word_or_none() {
        fn check(typed: &str, words: &[&str], expected: Option<&str>) {
            assert_eq!(nearest(typed, words.iter().copied()), expected, "{typed}");
        }
        let packages = ["requests", "responses", "six"];
        check("requestz", &packages, Some("requests"));
        check("responsez", &packages, Some("responses"));
        check("numpy", &packages, None);
        check("", &packages, None);
        check("ADD.py", &["sub.py", "add.py"], Some("add.py"));
        check("tt", &["s", "1", "t"], Some("t"));
        check("price", &["1", "2"], None);
        check("x", &[], None);
    }
}
