//! Who may be told about our projects.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use crate::files::Folder;
use crate::project::Project;

/// Whose daemon may be talked to: this person's and, for the superuser at work in another person's project, that
/// person's. What a worker of theirs does there it does with their rights, not with the superuser's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trusted {
    us: u32,
    owner: Option<u32>,
}

impl Trusted {
    /// This person alone.
    pub fn us() -> Self {
        Self {
            us: rustix::process::geteuid().as_raw(),
            owner: None,
        }
    }

    /// Who is trusted where `project` is concerned.
    pub fn around(project: &Project) -> Self {
        let us = Self::us();
        let owner = |found: Metadata| found.uid();
        Self {
            owner: (us.us == 0)
                .then(|| std::fs::metadata(project.root()).ok().map(owner))
                .flatten(),
            ..us
        }
    }

    /// The user of this number alone.
    #[cfg(test)]
    pub(super) fn only(us: u32) -> Self {
        Self { us, owner: None }
    }

    /// This person, and whoever `folder` belongs to: for the superuser's own daemon, whose notes are given to them.
    pub fn whoever_owns(folder: &Folder) -> Self {
        Self {
            owner: folder.owner().ok(),
            ..Self::us()
        }
    }

    /// Whether the user of this number is one of them.
    pub fn has(&self, user: u32) -> bool {
        user == self.us || Some(user) == self.owner
    }

    /// Whether what is at `socket` is a socket of one of them.
    ///
    /// # Errors
    /// `NotFound` when nothing is there, `PermissionDenied` when it is not a socket or of somebody else.
    pub fn check(&self, socket: &Path) -> io::Result<()> {
        let found = std::fs::symlink_metadata(socket)?;
        if found.file_type().is_socket() && self.has(found.uid()) {
            Ok(())
        } else {
            Err(strangers())
        }
    }
}

pub(super) fn strangers() -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, "not a socket of this user")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_superuser_trusts_who_the_project_belongs_to() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir(dir.path().join(".venv")).expect("folder");
        std::fs::write(dir.path().join(".venv/pyvenv.cfg"), "").expect("write");
        let project = Project::at(dir.path()).expect("a project");
        let us = rustix::process::geteuid();
        if !us.is_root() {
            assert_eq!(Trusted::around(&project), Trusted::us());
            return;
        }
        std::os::unix::fs::chown(project.root(), Some(4321), None).expect("given");
        let trusted = Trusted::around(&project);
        assert!(trusted.has(4321) && trusted.has(0) && !trusted.has(4322));
        assert!(!Trusted::us().has(4321));
    }
}
