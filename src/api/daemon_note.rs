//! The note that a daemon leaves in the environment of a project that it serves: `<venv>/.aim/daemon`.
//!
//! A daemon that was started by a service or in a container, and a shell, may have other variables, and then neither
//! knows where the other looks. The environment is what both have. A note is only a hint where to look: it is nothing
//! where its daemon is gone or of somebody who is not trusted here, and whoever follows it asks whose the socket is.
//!
//! **Invariant:** reading follows no link, waits for nothing and is bounded: a project can bring anything in its place.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::trusted::Trusted;
use super::v1::PROGRAM;
use crate::files::{Folder, read};
use crate::project::{Venv, VenvLayout};
use crate::system::{beginning_of, is_alive};

/// A note is some 150 bytes; a socket's path has its own bound.
const LONGEST: u64 = 4 << 10;

/// What a daemon says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonNote {
    /// Version of this format.
    schema: u32,
    /// Where it listens.
    pub socket: PathBuf,
    /// Its process.
    pub pid: u32,
    /// When its process began, as [`beginning_of`] tells it; none where the system tells nobody.
    #[serde(default)]
    began: Option<u64>,
    /// What it is: [`PROGRAM`], or another backend that offers the same calls.
    pub program: String,
}

impl DaemonNote {
    const SCHEMA: u32 = 1;

    /// The note of this process, which listens at `socket`.
    pub fn here(socket: PathBuf) -> Self {
        let pid = std::process::id();
        Self {
            schema: Self::SCHEMA,
            socket,
            pid,
            began: beginning_of(pid.into()),
            program: PROGRAM.to_owned(),
        }
    }

    /// As it stands in the file.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether `other` is of the same process, wherever that listens.
    pub fn is_of_same_process(&self, other: &Self) -> bool {
        (self.pid, self.began) == (other.pid, other.began)
    }

    /// The note in `venv`, if its daemon lives and is of somebody who is trusted, and so is the note itself.
    pub fn of_somebody_here(venv: &Venv, trusted: &Trusted) -> Option<Self> {
        let folder = Folder::open(venv.root()).ok()?.folder(VenvLayout::AIM);
        let (note, _) = Self::read(&folder.ok()?, trusted).ok()?;
        let is_here = is_alive(note.pid, note.began) && trusted.check(&note.socket).is_ok();
        is_here.then_some(note)
    }

    /// The note in `folder`, an environment's `.aim`, and its file.
    ///
    /// # Errors
    /// What the system says, that it is no note, or that others than who is trusted wrote it or could.
    pub fn read(folder: &Folder, trusted: &Trusted) -> io::Result<(Self, File)> {
        let (file, _) = folder.open_file(VenvLayout::DAEMON)?;
        let found = file.metadata()?;
        if !trusted.has(found.uid()) || found.mode() & 0o022 != 0 {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let text = read::opened(OwnedFd::from(file.try_clone()?), LONGEST)?;
        let note: Self = serde_json::from_slice(&text)?;
        if note.schema == Self::SCHEMA && note.socket.is_absolute() {
            Ok((note, file))
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::Path;

    use super::*;

    struct World {
        dir: tempfile::TempDir,
        _daemon: UnixListener,
    }

    impl World {
        /// An environment, and a socket at which this process listens.
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            std::fs::create_dir_all(dir.path().join("v/.aim")).expect("folders");
            std::fs::write(dir.path().join("v/pyvenv.cfg"), "").expect("write");
            let daemon = UnixListener::bind(dir.path().join("s")).expect("bind");
            Self {
                dir,
                _daemon: daemon,
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn file(&self) -> PathBuf {
            self.path("v/.aim/daemon")
        }

        fn note(&self) -> DaemonNote {
            DaemonNote::here(self.path("s"))
        }

        fn write(&self, text: &str) {
            let _ = std::fs::remove_file(self.file());
            std::fs::write(self.file(), text).expect("write");
        }

        fn found(&self) -> Option<DaemonNote> {
            let venv = Venv::open(self.path("v")).expect("an environment");
            DaemonNote::of_somebody_here(&venv, &Trusted::us())
        }
    }

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let world = World::new();
        assert_eq!(world.found(), None);
        world.write(&world.note().to_text());
        assert_eq!(world.found(), Some(world.note()));
        let more = world.note().to_text().replacen('{', "{\"new\":[1],", 1);
        world.write(&more);
        assert_eq!(world.found(), Some(world.note()), "of a later version");
    }

    #[test]
    fn a_note_of_a_process_that_is_gone_is_none() {
        let world = World::new();
        let gone = DaemonNote {
            pid: u32::MAX,
            ..world.note()
        };
        world.write(&gone.to_text());
        assert_eq!(world.found(), None);
        let note = world.note();
        if let Some(began) = note.began {
            let earlier = DaemonNote {
                began: Some(began - 1),
                ..note
            };
            world.write(&earlier.to_text());
            assert_eq!(world.found(), None, "the same number, another process");
        }
    }

    #[test]
    fn what_is_no_note_is_none() {
        let world = World::new();
        let note = world.note().to_text();
        let long = note.trim_end().to_owned() + &" ".repeat(5000);
        let with = |socket: &Path| DaemonNote::here(socket.to_path_buf()).to_text();
        for text in [
            "",
            "{",
            "[]",
            "null",
            &note[..note.len() / 2],
            &long,
            &note.replace("\"schema\":1", "\"schema\":2"),
            &with(Path::new("s")),
            &with(&world.path("nothing")),
            &with(&world.path("v/pyvenv.cfg")),
        ] {
            world.write(text);
            assert_eq!(world.found(), None, "{text}");
        }
        world.write(&note);
        std::fs::set_permissions(world.file(), PermissionsExt::from_mode(0o666)).expect("mode");
        assert_eq!(world.found(), None, "anybody may have written it");
    }

    #[test]
    fn no_link_is_followed_and_nothing_is_waited_for() {
        let world = World::new();
        std::fs::write(world.path("real"), world.note().to_text()).expect("write");
        for target in [world.path("real"), PathBuf::from("/dev/zero")] {
            let _ = std::fs::remove_file(world.file());
            symlink(target, world.file()).expect("link");
            assert_eq!(world.found(), None);
        }
        std::fs::remove_file(world.file()).expect("removed");
        let fifo = std::process::Command::new("mkfifo")
            .arg(world.file())
            .status();
        assert!(fifo.expect("mkfifo runs").success());
        assert_eq!(world.found(), None);
        std::fs::remove_file(world.file()).expect("removed");
        std::fs::create_dir(world.file()).expect("folder");
        assert_eq!(world.found(), None);
        std::fs::remove_dir_all(world.path("v/.aim")).expect("removed");
        std::fs::create_dir(world.path("elsewhere")).expect("folder");
        std::fs::rename(world.path("real"), world.path("elsewhere/daemon")).expect("moved");
        symlink(world.path("elsewhere"), world.path("v/.aim")).expect("link");
        assert_eq!(world.found(), None, "its folder is a link");
    }
}
