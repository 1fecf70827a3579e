//! The folders that a client works in, as its `initialize` names them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Its folders in its order, else its root.
pub(super) fn all_of(body: &[u8]) -> Vec<PathBuf> {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return Vec::new();
    };
    let params = &message["params"];
    let folders = params["workspaceFolders"].as_array().into_iter().flatten();
    let mut all: Vec<PathBuf> = folders
        .filter_map(|one| path(one["uri"].as_str()?))
        .collect();
    if all.is_empty() {
        let root = params["rootUri"].as_str().and_then(path);
        all.extend(root.or_else(|| params["rootPath"].as_str().map(PathBuf::from)));
    }
    all
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
    use super::*;

    #[test]
    fn a_client_names_its_folders_in_one_of_three_ways() {
        for (params, expected) in [
            (
                r#"{"rootUri":"file:///a%20b","workspaceFolders":[{"uri":"file:///%ED%95%9C"},{"uri":"file:///b"}]}"#,
                &["/한", "/b"][..],
            ),
            (
                r#"{"rootUri":"file:///a%20b","workspaceFolders":[]}"#,
                &["/a b"][..],
            ),
            (
                r#"{"rootUri":null,"workspaceFolders":null,"rootPath":"/r"}"#,
                &["/r"][..],
            ),
            (r#"{"rootUri":"file://localhost/r"}"#, &["/r"][..]),
            (r#"{"rootUri":"file://elsewhere/r"}"#, &[]),
            (r#"{"rootUri":"untitled:1"}"#, &[]),
            ("{}", &[]),
            ("[", &[]),
        ] {
            let body = format!(r#"{{"method":"initialize","params":{params}}}"#);
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(all_of(body.as_bytes()), expected, "{params}");
        }
    }
}
