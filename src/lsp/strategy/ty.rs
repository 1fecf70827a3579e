//! ty: looks again at all that it knows of a folder which is told to be new, and at path files; settings are nothing to
//! it.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use super::way::{Asks, Sign, Way};
use crate::lsp::change::Change;
use crate::lsp::memory::Memory;
use crate::lsp::wire::Message;

/// What stands in the path of a URI as it is (RFC 3986, section 2.3, and the slash).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn way(change: &Change, memory: &mut Memory) -> Way {
    const CREATED: u8 = 1;
    // To a client that it can tell to ask, it says nothing else, and one that never asks shows what it was sent before.
    let client = Asks::of(memory);
    if change.places.is_empty() || (client.can_be_told_to && !client.by_itself) {
        return Way::Replace;
    }
    let places = change.places.iter();
    let changes: Vec<Value> = places
        .map(|place| json!({"uri": uri(place), "type": CREATED}))
        .collect();
    let told = Message::notification(
        "workspace/didChangeWatchedFiles",
        &json!({"changes": changes}),
    );
    Way::Inject(vec![told], Sign::of_diagnostics(memory))
}

fn uri(path: &Path) -> String {
    format!(
        "file://{}",
        percent_encode(path.as_os_str().as_bytes(), PLAIN)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_uri() {
        assert_eq!(
            uri(Path::new("/p/a b/한/x-1.0_%")),
            "file:///p/a%20b/%ED%95%9C/x-1.0_%25"
        );
    }
}
