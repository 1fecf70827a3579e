//! Installations in editable form (PEP 610): their metadata says where the project lies.

use super::direct_url::DirectUrl;
use crate::secrets;

/// The place that `direct_url.json` with this `text` names, if it is of an editable installation: a path, or a URL of
/// another kind without secrets.
pub(super) fn location(text: &[u8]) -> Option<String> {
    let direct = DirectUrl::parse(text).filter(DirectUrl::is_editable)?;
    let hidden = || secrets::hide(&direct.url).into_owned();
    Some(direct.path().unwrap_or_else(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_editable_has_a_place() {
        for (text, expected) in [
            (
                r#"{"url":"file:///a%20b","dir_info":{"editable":true}}"#,
                Some("/a b"),
            ),
            (
                r#"{"url":"git+https://u:pw@example.org/x","dir_info":{"editable":true}}"#,
                Some("git+https://u:****@example.org/x"),
            ),
            (r#"{"url":"file:///x","dir_info":{}}"#, None),
            (r#"{"url":"file:///x.whl","archive_info":{}}"#, None),
            ("torn", None),
        ] {
            assert_eq!(location(text.as_bytes()).as_deref(), expected, "{text}");
        }
    }
}
