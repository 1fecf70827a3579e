//! The folder that a client works in, as its `initialize` names it.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// The first of its folders, else its root.
pub(super) fn of(body: &[u8]) -> Option<PathBuf> {
    let message: Value = serde_json::from_slice(body).ok()?;
    let params = &message["params"];
    let uris = [&params["workspaceFolders"][0]["uri"], &params["rootUri"]];
    let mut of_uris = uris.into_iter().filter_map(|uri| path(uri.as_str()?));
    of_uris
        .next()
        .or_else(|| params["rootPath"].as_str().map(PathBuf::from))
}

/// The path of a URI of a file here (RFC 8089).
fn path(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let bytes: Vec<u8> = percent_decode_str(path).collect();
    bytes
        .starts_with(b"/")
        .then(|| OsString::from_vec(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_client_names_its_folder_in_one_of_three_ways() {
        for (params, expected) in [
            (
                r#"{"rootUri":"file:///a%20b","workspaceFolders":[{"uri":"file:///%ED%95%9C"}]}"#,
                Some("/한"),
            ),
            (
                r#"{"rootUri":"file:///a%20b","workspaceFolders":[]}"#,
                Some("/a b"),
            ),
            (
                r#"{"rootUri":null,"workspaceFolders":null,"rootPath":"/r"}"#,
                Some("/r"),
            ),
            (r#"{"rootUri":"file://localhost/r"}"#, Some("/r")),
            (r#"{"rootUri":"file://elsewhere/r"}"#, None),
            (r#"{"rootUri":"untitled:1"}"#, None),
            ("{}", None),
            ("[", None),
        ] {
            let body = format!(r#"{{"method":"initialize","params":{params}}}"#);
            assert_eq!(
                of(body.as_bytes()).as_deref(),
                expected.map(Path::new),
                "{params}"
            );
        }
    }
}
