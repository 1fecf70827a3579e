//! Installations in editable form (PEP 610): their metadata says where the project lies.

use std::borrow::Cow;

use serde::Deserialize;

use crate::secrets;

/// Longer than any `direct_url.json`.
pub(super) const LONGEST: u64 = 64 << 10;

/// The place that `direct_url.json` with this `text` names, if it is of an editable installation.
pub(super) fn location(text: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct DirectUrl {
        url: String,
        dir_info: DirInfo,
    }
    #[derive(Deserialize)]
    struct DirInfo {
        #[serde(default)]
        editable: bool,
    }
    let url: DirectUrl = serde_json::from_slice(text).ok()?;
    url.dir_info.editable.then(|| path_of_url(&url.url))
}

/// The path in a `file://` URL, percent-decoded; another URL as it is, without secrets.
fn path_of_url(url: &str) -> String {
    let Some(path) = url.strip_prefix("file://") else {
        return secrets::hide(url).into_owned();
    };
    let path = path.strip_prefix("localhost").unwrap_or(path);
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8();
    decoded.map_or_else(|_| path.to_owned(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_become_paths() {
        for (url, expected) in [
            ("file:///home/a%20b/%ED%95%9C", "/home/a b/한"),
            ("file://localhost/x", "/x"),
            ("file:///100%", "/100%"),
            ("file:///a%+1", "/a%+1"),
            ("file:///%ff%20", "/%ff%20"),
            ("https://example.org/x", "https://example.org/x"),
            (
                "git+https://u:pw@example.org/x",
                "git+https://u:****@example.org/x",
            ),
        ] {
            assert_eq!(path_of_url(url), expected, "{url}");
        }
    }

    #[test]
    fn only_what_is_editable_has_a_place() {
        for (text, expected) in [
            (
                r#"{"url":"file:///x","dir_info":{"editable":true}}"#,
                Some("/x"),
            ),
            (r#"{"url":"file:///x","dir_info":{}}"#, None),
            (r#"{"url":"file:///x.whl","archive_info":{}}"#, None),
            ("torn", None),
        ] {
            assert_eq!(location(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
