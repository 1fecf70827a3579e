//! A folder that is open, and what is done in it.
//!
//! Who may write into a project may put a link there, and a cloned repository brings its own: what is ours in a project
//! or an environment must not become a way to the person's other files. So a folder is opened once, and everything in
//! it is reached from its descriptor by one name (`docs/decisions/0010-no-link-is-followed.md`).
//!
//! **Invariant:** a name has no `/` and is neither `.` nor `..`; no link is followed at it. So nothing outside of the
//! folder is ever opened, made, changed or removed, whatever others do to it meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::found::Found;
use super::owner::hand_over;
use super::read;
use crate::system;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    fd: OwnedFd,
    /// As it was opened by; for messages.
    path: PathBuf,
    /// Whether what is made in it is its owner's alone.
    is_private: bool,
}

/// How folders are opened.
const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);
/// How files are opened: no link is followed, and nothing waits for whoever writes into a FIFO.
const FILE: OFlags = OFlags::CLOEXEC
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK);
/// What the caller's umask takes from.
const FILE_MODE: Mode = Mode::from_raw_mode(0o666);
/// Of what is its owner's alone.
const PRIVATE_MODE: Mode = Mode::from_raw_mode(0o600);
/// How often opening or making a file, or removing a folder, is tried again while others make and remove in it.
const ATTEMPTS: usize = 16;

impl Folder {
    /// The folder at `path`, which the person named: links in it are followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            fd: fs::open(path, FOLDER, Mode::empty())?,
            path: path.to_path_buf(),
            is_private: false,
        })
    }

    /// The folder `name` in this one.
    ///
    /// # Errors
    /// What the system says, or that it is a link.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = plain(name.as_ref())?;
        let opened = fs::openat(&self.fd, name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
        Ok(Self {
            fd: opened.map_err(|error| self.why(name, error))?,
            path: self.path.join(name),
            is_private: self.is_private,
        })
    }

    /// The folder at `path`, which has names alone, below this one: at once where the system can.
    ///
    /// # Errors
    /// As [`Folder::folder`], or that `path` has other parts or none.
    pub fn below(&self, path: &Path) -> io::Result<Self> {
        let mut names = path.components().map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(io::Error::from(io::ErrorKind::InvalidFilename)),
        });
        if names.clone().all(|name| name.is_ok())
            && let Some(fd) = system::open_below(self.fd.as_fd(), path)
        {
            return Ok(Self {
                fd,
                path: self.path.join(path),
                is_private: self.is_private,
            });
        }
        let first = names.next().ok_or(io::ErrorKind::InvalidFilename)??;
        names.try_fold(self.folder(first)?, |above, name| above.folder(name?))
    }

    /// The folder `name` in this one, made where it is missing; it then belongs to whom this one belongs.
    ///
    /// # Errors
    /// As [`Folder::folder`].
    pub fn make_folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = plain(name.as_ref())?;
        let is_new = match fs::mkdirat(&self.fd, name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => false,
            made => {
                made?;
                true
            }
        };
        let folder = self.folder(name)?;
        // One that holds something is another, which somebody put in its place.
        if is_new && folder.names().is_ok_and(|names| names.is_empty()) {
            hand_over(&folder.fd, &self.fd, None);
        }
        Ok(folder)
    }

    /// The same folder; files that are made in it are their owner's alone where `above` is so.
    ///
    /// # Errors
    /// What the system says.
    pub fn kept_as_private_as(mut self, above: &Self) -> io::Result<Self> {
        let others = Mode::RWXG | Mode::RWXO;
        let mode = Mode::from_raw_mode(fs::fstat(&above.fd)?.st_mode);
        self.is_private = !mode.intersects(others);
        Ok(self)
    }

    /// The path that the folder was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The regular file `name`, open for reading, and its length.
    ///
    /// # Errors
    /// What the system says, or that it is a link or no regular file.
    pub fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<(File, u64)> {
        let name = plain(name.as_ref())?;
        let opened = fs::openat(&self.fd, name, OFlags::RDONLY | FILE, Mode::empty());
        read::regular(opened.map_err(|error| self.why(name, error))?)
    }

    /// The content of the regular file `name`, of at most `longest` bytes.
    ///
    /// # Errors
    /// As [`Folder::open_file`], or that it is longer.
    pub fn read(&self, name: impl AsRef<OsStr>, longest: u64) -> io::Result<Vec<u8>> {
        let (file, length) = self.open_file(name)?;
        read::all(file, length, longest)
    }

    /// The regular file `name`, open for reading and writing, made where it is missing.
    ///
    /// # Errors
    /// As [`Folder::open_file`].
    pub fn open_or_make(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.open_to_change(name.as_ref(), OFlags::RDWR)
    }

    /// The new file `name`, open for reading and writing.
    ///
    /// # Errors
    /// What the system says; above all that there is something.
    pub fn create_new(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create(plain(name.as_ref())?, OFlags::RDWR, None)
    }

    /// Gives `from` the name `to` in the folder `there`, in whose place it comes.
    ///
    /// # Errors
    /// What the system says.
    pub fn rename(
        &self,
        from: impl AsRef<OsStr>,
        there: &Self,
        to: impl AsRef<OsStr>,
    ) -> io::Result<()> {
        let (from, to) = (plain(from.as_ref())?, plain(to.as_ref())?);
        Ok(fs::renameat(&self.fd, from, &there.fd, to)?)
    }

    /// What the link `name` leads to.
    ///
    /// # Errors
    /// What the system says; above all that it is no link.
    pub fn read_link(&self, name: impl AsRef<OsStr>) -> io::Result<PathBuf> {
        let name = plain(name.as_ref())?;
        let target = fs::readlinkat(&self.fd, name, Vec::new())?;
        Ok(PathBuf::from(OsStr::from_bytes(target.as_bytes())))
    }

    /// Removes the file or link `name`; says whether there was one.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        let name = plain(name.as_ref())?;
        match fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(false),
            done => Ok(done.map(|()| true)?),
        }
    }

    /// Removes the empty folder `name`.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_folder(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = plain(name.as_ref())?;
        Ok(fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR)?)
    }

    /// Removes `name` with everything in it, also what comes meanwhile; says whether there was anything. Of links only
    /// the link goes.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove_all(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        let name = name.as_ref();
        match self.found(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Ok(found) if !found.is_folder => return self.remove(name),
            found => found.map(|_| ())?,
        }
        let folder = self.folder(name)?;
        for _ in 0..ATTEMPTS {
            for inside in folder.names()? {
                folder.remove_all(&inside)?;
            }
            match self.remove_folder(name) {
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                done => return done.map(|()| true),
            }
        }
        Err(io::ErrorKind::DirectoryNotEmpty.into())
    }

    /// The names in the folder, in no order.
    ///
    /// # Errors
    /// What the system says.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::Dir::read_from(&self.fd)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if plain(name).is_ok() {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    /// What is at `name`, without opening it.
    ///
    /// # Errors
    /// What the system says.
    pub fn found(&self, name: impl AsRef<OsStr>) -> io::Result<Found> {
        Ok(Found::of(&self.stat(plain(name.as_ref())?)?))
    }

    /// Whether `name` leads to `file` now.
    pub fn is_at(&self, file: &File, name: impl AsRef<OsStr>) -> bool {
        let named = plain(name.as_ref()).and_then(|name| self.stat(name));
        match (fs::fstat(file.as_fd()), named) {
            (Ok(open), Ok(named)) => (open.st_dev, open.st_ino) == (named.st_dev, named.st_ino),
            _ => false,
        }
    }

    /// The folder itself, for locking it.
    ///
    /// # Errors
    /// What the system says.
    pub fn as_file(&self) -> io::Result<File> {
        Ok(File::from(self.fd.try_clone()?))
    }

    /// The user that the folder belongs to, by number.
    ///
    /// # Errors
    /// What the system says.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(fs::fstat(&self.fd)?.st_uid)
    }

    /// A new file, which belongs to whom `old` belongs, else to whom the folder does.
    pub(super) fn create(
        &self,
        name: &OsStr,
        access: OFlags,
        old: Option<&Stat>,
    ) -> io::Result<File> {
        let flags = access | FILE | OFlags::CREATE | OFlags::EXCL;
        let mode = if self.is_private {
            PRIVATE_MODE
        } else {
            FILE_MODE
        };
        let new = fs::openat(&self.fd, name, flags, mode)?;
        hand_over(&new, &self.fd, old);
        Ok(File::from(new))
    }

    pub(super) fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn open_to_change(&self, name: &OsStr, access: OFlags) -> io::Result<File> {
        let name = plain(name)?;
        for _ in 0..ATTEMPTS {
            match fs::openat(&self.fd, name, access | FILE, Mode::empty()) {
                Err(Errno::NOENT) => match self.create(name, access, None) {
                    // Somebody else was quicker.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => return made,
                },
                opened => {
                    let opened = opened.map_err(|error| self.why(name, error))?;
                    return Ok(read::regular(opened)?.0);
                }
            }
        }
        Err(io::Error::other("it is made and removed all the time"))
    }

    /// The error for a link says that it is a link: each system has another word for it.
    fn why(&self, name: &OsStr, error: Errno) -> io::Error {
        let is_link = |found: Stat| FileType::from_raw_mode(found.st_mode) == FileType::Symlink;
        if error != Errno::NOENT && self.stat(name).is_ok_and(is_link) {
            let why = "a link is not followed here";
            return io::Error::new(io::ErrorKind::InvalidInput, why);
        }
        error.into()
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether nothing else leads to `file`: then what is written to it appears nowhere else.
pub fn is_only_name(file: &File) -> bool {
    fs::fstat(file.as_fd()).is_ok_and(|found| found.st_nlink <= 1)
}

/// `name`, if it cannot lead out of a folder.
pub(super) fn plain(name: &OsStr) -> io::Result<&OsStr> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::files::testing::names;

    /// A folder `in`, beside a folder and a file that nothing may reach from it.
    fn world() -> (tempfile::TempDir, Folder) {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::create_dir_all(dir.path().join("in")).expect("folder");
        std::fs::create_dir_all(dir.path().join("out")).expect("folder");
        std::fs::write(dir.path().join("out/secret"), "theirs").expect("write");
        let folder = Folder::open(&dir.path().join("in")).expect("open");
        (dir, folder)
    }

    fn is_untouched(dir: &tempfile::TempDir) {
        let out = dir.path().join("out");
        assert_eq!(names(&out), ["secret"]);
        assert_eq!(
            std::fs::read_to_string(out.join("secret")).expect("read"),
            "theirs"
        );
    }

    #[test]
    fn only_plain_names_are_names() {
        let (dir, folder) = world();
        for bad in [
            "",
            ".",
            "..",
            "../out",
            "../out/secret",
            "/etc/passwd",
            "a/b",
            "a\0b",
        ] {
            assert!(folder.read(bad, 10).is_err(), "{bad:?}");
            assert!(folder.write(bad, b"x").is_err(), "{bad:?}");
            assert!(folder.open_to_append(bad).is_err(), "{bad:?}");
            assert!(folder.make_folder(bad).is_err(), "{bad:?}");
            assert!(folder.remove_all(bad).is_err(), "{bad:?}");
            assert!(folder.rename(bad, &folder, "x").is_err(), "{bad:?}");
        }
        is_untouched(&dir);
    }

    #[test]
    fn a_folder_below_is_reached_by_no_link_and_no_way_up() {
        let (dir, folder) = world();
        std::fs::create_dir_all(dir.path().join("in/a/b/c")).expect("folders");
        std::fs::write(dir.path().join("in/a/b/c/file"), "ours").expect("write");
        symlink("../../out", dir.path().join("in/a/link")).expect("link");
        symlink("b", dir.path().join("in/a/near")).expect("link");
        let below = folder.below("a/b/c".as_ref()).expect("open");
        assert_eq!(names(below.path()), ["file"]);
        assert_eq!(below.read("file", 10).expect("read"), b"ours");
        for bad in [
            "",
            ".",
            "..",
            "/",
            "/etc",
            "a/..",
            "../out",
            "a/link",
            "a/near",
            "a/near/c",
            "a/b/c/file",
        ] {
            assert!(folder.below(bad.as_ref()).is_err(), "{bad:?}");
        }
        let missing = folder.below("a/none/c".as_ref()).expect_err("missing");
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        is_untouched(&dir);
    }

    #[test]
    fn links_are_replaced_or_removed_and_never_followed() {
        let (dir, folder) = world();
        let link = dir.path().join("in/link");
        for target in ["../out/secret", "../out", "../out/new", "/dev/zero"] {
            symlink(target, &link).expect("link");
            for error in [
                folder.read("link", 10).err(),
                folder.open_or_make("link").err(),
                folder.open_to_append("link").err(),
                folder.folder("link").err(),
                folder.make_folder("link").err(),
                folder.create_new("link").err(),
            ] {
                assert!(error.is_some(), "{target}");
            }
            assert!(folder.remove_all("link").expect("removed"));
            symlink(target, &link).expect("link");
            folder.write("link", b"ours").expect("replaced");
            assert_eq!(folder.read("link", 10).expect("read"), b"ours");
            folder.remove("link").expect("removed");
        }
        is_untouched(&dir);
        symlink("../out/secret", &link).expect("link");
        let error = folder.read("link", 10).expect_err("a link");
        assert_eq!(error.to_string(), "a link is not followed here");
    }

    #[test]
    fn what_is_removed_with_all_in_it_takes_links_but_not_their_targets() {
        let (dir, folder) = world();
        let inner = folder.make_folder("inner").expect("made");
        inner
            .make_folder("deep")
            .expect("made")
            .write("a", b"x")
            .expect("written");
        symlink("../../out", dir.path().join("in/inner/link")).expect("link");
        assert!(folder.remove_all("inner").expect("removed"));
        assert!(!folder.remove_all("inner").expect("nothing left"));
        assert!(names(&dir.path().join("in")).is_empty());
        is_untouched(&dir);
    }

    #[test]
    fn nothing_is_added_to_a_file_with_a_second_name() {
        let (dir, folder) = world();
        std::fs::hard_link(dir.path().join("out/secret"), dir.path().join("in/runs"))
            .expect("link");
        let mut file = folder.open_to_append("runs").expect("open");
        file.write_all(b" and ours").expect("written");
        assert_eq!(folder.read("runs", 100).expect("read"), b"theirs and ours");
        assert_eq!(names(&dir.path().join("in")), ["runs"]);
        is_untouched(&dir);
        assert!(is_only_name(&folder.open_or_make("runs").expect("open")));
    }

    #[test]
    fn a_folder_that_was_moved_away_is_still_the_one_that_was_opened() {
        let (dir, folder) = world();
        std::fs::rename(dir.path().join("in"), dir.path().join("moved")).expect("rename");
        symlink("out", dir.path().join("in")).expect("link");
        folder.write("a", b"x").expect("written");
        folder.make_folder("b").expect("made");
        assert_eq!(names(&dir.path().join("moved")), ["a", "b"]);
        is_untouched(&dir);
    }
}
