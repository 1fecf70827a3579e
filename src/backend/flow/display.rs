//! What a page shows of a result: at most 30 000 characters, as AIM-Forge's `display_metadata` has it (compat, section
//! 10).
//!
//! Only as much of a value is read as is shown.

use crate::json::{JsonText, laid_out_as_python, unescape};

/// Characters shown.
const LIMIT: usize = 30_000;

/// Bytes of JSON text that are enough for [`LIMIT`] characters: a character outside the BMP is two escapes of six
/// bytes.
const ENOUGH: usize = 16 * LIMIT;

/// Stands at the end of what was cut.
const CUT: &str = "...";

/// What is shown of `value`: a string cut; an object or a list as indented JSON, cut; anything else as it is.
pub(super) fn display(value: &JsonText) -> JsonText {
    if !value.is_string() && !value.is_nested() {
        return value.clone();
    }
    let text = value.as_bytes().trim_ascii();
    let head = String::from_utf8_lossy(&text[..text.len().min(ENOUGH)]);
    if value.is_string() {
        return match cut_string(&head) {
            Some(head) => JsonText::trusted(format!("{head}{CUT}\"").into_bytes()),
            None => value.clone(),
        };
    }
    let (mut shown, is_cut) = laid_out_as_python(&head, LIMIT);
    if is_cut || head.len() < text.len() {
        shown.push_str(CUT);
    }
    JsonText::string(&shown)
}

/// Whether what is shown was cut, by the rule that pages know: it is a string that ends in three dots.
pub(super) fn is_cut(shown: &JsonText) -> bool {
    shown.as_bytes().ends_with(b"...\"")
}

/// The first [`LIMIT`] characters of the JSON string `text`, opening quote included; `None` when it has no more.
fn cut_string(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('"')?;
    for _ in 0..LIMIT {
        rest = match rest.chars().next()? {
            '"' => return None,
            '\\' => unescape(rest).1,
            c => &rest[c.len_utf8()..],
        };
    }
    (!rest.starts_with('"')).then(|| &text[..text.len() - rest.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `value`'s display, as the text of a string.
    fn shown(value: &str) -> String {
        let shown = display(&JsonText::trusted(value.to_owned()));
        serde_json::from_slice(shown.as_bytes()).expect("a string")
    }

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(shown(value), expected);
    }

    #[test]
    fn nested_values_are_indented_as_python_does() {
        check(
            r#"{"a": [1, {"b": null}], "c": "x:y,[z]"}"#,
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": null\n    }\n  ],\n  \"c\": \"x:y,[z]\"\n}",
        );
        check(r#"["\ud800x"]"#, "[\n  \"\\ud800x\"\n]");
    }

    #[test]
    fn long_values_are_cut_by_characters() {
        let cut = |value: &str| {
            let value = JsonText::trusted(value.to_owned());
            let shown = display(&value);
            let text: String = serde_json::from_slice(shown.as_bytes()).expect("a string");
            (text.chars().count(), is_cut(&shown))
        };
        assert_eq!(cut(&format!("\"{}\"", "한".repeat(LIMIT))), (LIMIT, false));
        assert_eq!(
            cut(&format!("\"{}\"", "한".repeat(LIMIT + 1))),
            (LIMIT + 3, true)
        );
        let pairs = "\\ud83d\\ude00".repeat(LIMIT);
        assert_eq!(cut(&format!("\"{pairs}\"")), (LIMIT, false));
        assert_eq!(cut(&format!("\"{pairs}\\n\"")), (LIMIT + 3, true));
        let list = format!("[{}1]", "1, ".repeat(LIMIT));
        assert_eq!(cut(&list), (LIMIT + 3, true));
        let huge = format!("[\"{}\"]", "x".repeat(2 * ENOUGH));
        assert_eq!(cut(&huge), (LIMIT + 3, true));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(cut(&deep), (LIMIT + 3, true));
    }

    #[test]
    fn other_values_stay() {
        for value in ["null", "true", "-1.5e300", "\"short\"", "\"\\ud800\""] {
            let value = JsonText::trusted(value.to_owned());
            assert_eq!(display(&value), value);
        }
    }
}
