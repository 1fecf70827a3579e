//! How a caller names a project to the daemon, and how the daemon's socket is trusted.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

use crate::project::{Project, ProjectId};

/// What stands for `{id}` in a call: the project's id or, where the caller knows only the folder, the folder's path,
/// percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// As it stands in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The project in `folder`, which is absolute: a project's folder or an environment's.
    pub fn of_folder(folder: &Path) -> Self {
        Self(encode(folder.as_os_str().as_bytes()))
    }
}

impl From<&ProjectId> for Address {
    fn from(id: &ProjectId) -> Self {
        Self(encode(id.as_str().as_bytes()))
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

/// Whether what is at `socket` is a socket of this user. Somebody else's must not be told about our projects.
///
/// # Errors
/// `NotFound` when nothing is there, `PermissionDenied` when it is not a socket or not ours.
pub fn check_ours(socket: &Path) -> io::Result<()> {
    let meta = std::fs::symlink_metadata(socket)?;
    if meta.file_type().is_socket() && meta.uid() == rustix::process::geteuid().as_raw() {
        Ok(())
    } else {
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "not a socket of this user",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_segment() {
        for (folder, expected) in [
            ("/home/a b", "%2Fhome%2Fa%20b"),
            ("/가", "%2F%EA%B0%80"),
            ("/a%2f?x#y", "%2Fa%252f%3Fx%23y"),
            ("/a/../b", "%2Fa%2F%2E%2E%2Fb"),
            ("a-_~9", "a-_~9"),
        ] {
            assert_eq!(Address::of_folder(Path::new(folder)).as_str(), expected);
        }
        let id = ProjectId::new("...").expect("an id");
        assert_eq!(Address::from(&id).as_str(), "%2E%2E%2E");
    }

    #[test]
    fn only_our_own_socket_is_trusted() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let kind = |path: &Path| check_ours(path).map_err(|error| error.kind());
        assert_eq!(kind(&socket), Err(io::ErrorKind::NotFound));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("bind");
        assert_eq!(kind(&socket), Ok(()));
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&socket, &link).expect("link");
        assert_eq!(kind(&link), Err(io::ErrorKind::PermissionDenied));
        assert_eq!(kind(dir.path()), Err(io::ErrorKind::PermissionDenied));
    }
}
