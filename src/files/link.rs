//! One file at two places: a further name for it, or a copy where there can be none.

use std::ffi::OsStr;
use std::fs::{FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use rustix::fs::{self, AtFlags, OFlags};

use super::folder::{Folder, plain};

impl Folder {
    /// Gives the file or link `from` the further name `to` in the folder `there`, which has nothing of that name.
    ///
    /// # Errors
    /// What the system says: above all that the two lie on different disks, or that the file is another person's.
    pub fn link(
        &self,
        from: impl AsRef<OsStr>,
        there: &Self,
        to: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (from, to) = (plain(from.as_ref())?, plain(to.as_ref())?);
        Ok(fs::linkat(self, from, there, to, AtFlags::empty())?)
    }

    /// Makes the new link `name`, which leads to `target`.
    ///
    /// # Errors
    /// What the system says; above all that there is something.
    pub fn make_link(&self, name: impl AsRef<OsStr>, target: impl AsRef<Path>) -> io::Result<()> {
        let name = plain(name.as_ref())?;
        Ok(fs::symlinkat(target.as_ref(), self, name)?)
    }

    /// Copies the file or link `from` to the new name `to` in the folder `there`, with its mode and its time. A system
    /// that can lets both share their content on the disk.
    ///
    /// # Errors
    /// What the system says; a part of a copy may be there then.
    pub fn copy(
        &self,
        from: impl AsRef<OsStr>,
        there: &Self,
        to: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        self.copy_at(from, there, to, None)
    }

    /// The same, with the time `written` instead of its own.
    ///
    /// # Errors
    /// As [`Folder::copy`].
    pub fn copy_at(
        &self,
        from: impl AsRef<OsStr>,
        there: &Self,
        to: impl AsRef<OsStr>,
        written: Option<SystemTime>,
    ) -> io::Result<()> {
        let (from, to) = (plain(from.as_ref())?, plain(to.as_ref())?);
        let found = self.found(from)?;
        if found.is_link {
            return there.make_link(to, self.read_link(from)?);
        }
        let (mut old, _) = self.open_file(from)?;
        let mut new = there.create(to, OFlags::WRONLY, None)?;
        io::copy(&mut old, &mut new)?;
        new.set_permissions(Permissions::from_mode(found.mode))?;
        new.set_times(
            FileTimes::new()
                .set_accessed(SystemTime::now())
                .set_modified(written.unwrap_or(found.modified)),
        )
    }

    /// Whether `name` and `other` in the folder `there` are one file.
    pub fn is_same(&self, name: impl AsRef<OsStr>, there: &Self, other: impl AsRef<OsStr>) -> bool {
        let stat = |folder: &Self, name: &OsStr| plain(name).and_then(|name| folder.stat(name));
        match (stat(self, name.as_ref()), stat(there, other.as_ref())) {
            (Ok(one), Ok(two)) => (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_further_name_is_the_same_file_and_a_copy_is_another() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let path = |name: &str| dir.path().join(name);
        std::fs::write(path("file"), "text").expect("write");
        std::fs::set_permissions(path("file"), Permissions::from_mode(0o750)).expect("set");
        symlink("/nowhere", path("link")).expect("link");
        let folder = Folder::open(dir.path()).expect("open");
        for name in ["file", "link"] {
            folder
                .link(name, &folder, format!("{name}2"))
                .expect("linked");
            folder
                .copy(name, &folder, format!("{name}3"))
                .expect("copied");
            assert!(folder.is_same(name, &folder, format!("{name}2")), "{name}");
            assert!(!folder.is_same(name, &folder, format!("{name}3")), "{name}");
        }
        let (old, new) = (folder.found("file"), folder.found("file3"));
        assert_eq!(
            old.expect("there"),
            new.expect("there"),
            "mode and time, too"
        );
        assert_eq!(
            folder.read_link("link3").expect("a link"),
            Path::new("/nowhere")
        );
        assert!(
            folder.link("file", &folder, "link").is_err(),
            "nothing is replaced"
        );
        assert!(folder.link("../file", &folder, "x").is_err());
    }
}
