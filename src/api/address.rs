//! How a caller names a project to the daemon.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::project::{Project, ProjectId};

/// Which project a call is about: its id or, where the caller knows only the folder, that.
///
/// A folder goes as the query `path=` and never into the URL's path: frameworks that decode `%2F` before they look for
/// a route (Starlette, so `FastAPI`) would find none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What stands for `{id}`, encoded.
    id: String,
    /// The folder, encoded; it goes before the id.
    folder: Option<String>,
}

/// Stands for `{id}` where a folder says which project is meant. A backend that does not read `path=` knows no such
/// project and refuses the call, rather than take another project for the one that is meant.
const BY_FOLDER: &str = "-";

impl Address {
    /// The URL of the call `rest` (`/worker?wait_s=1`) of this project.
    pub fn url(&self, rest: &str) -> String {
        let mut url = format!("/api/v1/projects/{}{rest}", self.id);
        if let Some(folder) = &self.folder {
            url.push(if rest.contains('?') { '&' } else { '?' });
            url.push_str("path=");
            url.push_str(folder);
        }
        url
    }

    /// The project in `folder`, which is absolute: a project's folder or an environment's.
    pub fn of_folder(folder: &Path) -> Self {
        Self {
            id: BY_FOLDER.to_owned(),
            folder: Some(encode(folder.as_os_str().as_bytes())),
        }
    }
}

impl From<&ProjectId> for Address {
    fn from(id: &ProjectId) -> Self {
        Self {
            id: encode(id.as_str().as_bytes()),
            folder: None,
        }
    }
}

impl From<&Project> for Address {
    fn from(project: &Project) -> Self {
        Self::of_folder(project.root())
    }
}

/// All but the unreserved characters (RFC 3986, section 2.3), so that a path is one segment. `.` is encoded as well,
/// because HTTP software drops the segments `.` and `..`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// Percent-encodes a segment of a path or a value of a query.
pub(super) fn encode(bytes: &[u8]) -> String {
    percent_encode(bytes, RESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_a_query_and_an_id_a_segment() {
        for (folder, expected) in [
            ("/home/a b", "%2Fhome%2Fa%20b"),
            ("/가", "%2F%EA%B0%80"),
            ("/a%2f?x#y", "%2Fa%252f%3Fx%23y"),
            ("/a/../b", "%2Fa%2F%2E%2E%2Fb"),
            ("a-_~9", "a-_~9"),
        ] {
            let address = Address::of_folder(Path::new(folder));
            let path = format!("path={expected}");
            let url = "/api/v1/projects/-/worker?";
            assert_eq!(address.url("/worker"), format!("{url}{path}"));
            assert_eq!(address.url("/worker?a=1"), format!("{url}a=1&{path}"));
        }
        let id = ProjectId::new("...").expect("an id");
        let url = Address::from(&id).url("/worker");
        assert_eq!(url, "/api/v1/projects/%2E%2E%2E/worker");
    }
}
