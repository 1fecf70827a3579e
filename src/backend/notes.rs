//! The notes by which commands and the shim find this daemon: one in the environment of each project that it serves
//! (see [`DaemonNote`]).
//!
//! **Invariant:** a note of another daemon that lives and may be talked to stays; what is taken back is our own.
//! **Invariant:** failing changes nothing but that the daemon is found by its usual places alone.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::locked::Locked;
use crate::api::{DaemonNote, Trusted};
use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::store::places;

/// The notes of this daemon.
#[derive(Debug)]
pub(super) struct Notes {
    kept: Locked<Kept>,
}

#[derive(Debug)]
struct Kept {
    mine: DaemonNote,
    /// The environments in which it stands, or would if another daemon's were not there.
    left: BTreeSet<PathBuf>,
    /// No more is written.
    is_closed: bool,
}

impl Notes {
    /// The notes of this process, which listens at `socket`.
    pub(super) fn new(socket: &Path) -> Self {
        Self {
            kept: Locked::new(Kept {
                mine: DaemonNote::here(socket.to_path_buf()),
                left: BTreeSet::new(),
                is_closed: false,
            }),
        }
    }

    /// Leaves a note in the environment of `project`, which is used.
    pub(super) fn leave(&self, project: &Project) {
        self.leave_in(project, places::made_aim);
    }

    /// The same, if the toolkit is in that environment already: nobody has asked for anything there. Says whether the
    /// note that stands there is this daemon's.
    pub(super) fn leave_where_known(&self, project: &Project) -> bool {
        self.leave_in(project, places::aim)
    }

    fn leave_in(&self, project: &Project, open: fn(&VenvLayout) -> io::Result<Folder>) -> bool {
        let mut kept = self.kept.lock();
        if kept.is_closed {
            return false;
        }
        let layout = project.venv().layout();
        match open(&layout).and_then(|folder| write(&folder, project, &kept.mine)) {
            Ok(is_mine) => {
                kept.left.insert(layout.root().to_path_buf());
                return is_mine;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let path = layout.daemon();
                tracing::debug!(path = %path.display(), %error, "no note can be left");
            }
        }
        false
    }

    /// Takes back the note in the environment of `project`.
    pub(super) fn take_back(&self, project: &Project) {
        let mut kept = self.kept.lock();
        let root = project.venv().root();
        if kept.left.remove(root) {
            take(root, &kept.mine);
        }
    }

    /// Takes back all of them, and writes no more.
    pub(super) fn close(&self) {
        let mut kept = self.kept.lock();
        kept.is_closed = true;
        for root in std::mem::take(&mut kept.left) {
            take(&root, &kept.mine);
        }
    }

    /// From now on it listens at `socket`.
    pub(super) fn move_to(&self, socket: &Path) {
        self.kept.lock().mine = DaemonNote::here(socket.to_path_buf());
    }
}

/// Writes `mine` unless it stands there, or that of another daemon that may be talked to. Says whether `mine` stands
/// there.
fn write(folder: &Folder, project: &Project, mine: &DaemonNote) -> io::Result<bool> {
    let trusted = Trusted::around(project);
    let there = DaemonNote::of_somebody_here(project.venv(), &trusted);
    match there {
        Some(there) if there == *mine => return Ok(true),
        Some(there) if !there.is_of_same_process(mine) => return Ok(false),
        _ => {}
    }
    folder.write_private(VenvLayout::DAEMON, mine.to_text().as_bytes())?;
    Ok(true)
}

/// Removes the note in the environment at `root`, if it is ours.
fn take(root: &Path, mine: &DaemonNote) {
    let Ok(folder) = places::aim(&VenvLayout::new(root)) else {
        return;
    };
    // What we wrote may have been given to whom the project belongs.
    let anybody = Trusted::whoever_owns(&folder);
    if let Ok((there, file)) = DaemonNote::read(&folder, &anybody)
        && there.is_of_same_process(mine)
        && folder.is_at(&file, VenvLayout::DAEMON)
    {
        let _ = folder.remove(VenvLayout::DAEMON);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    struct World {
        dir: tempfile::TempDir,
        project: Project,
        notes: Notes,
        _daemon: UnixListener,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            let venv = dir.path().join("p/.venv");
            std::fs::create_dir_all(&venv).expect("folders");
            std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
            let socket = dir.path().join("s");
            Self {
                project: Project::at(&dir.path().join("p")).expect("a project"),
                notes: Notes::new(&socket),
                _daemon: UnixListener::bind(socket).expect("bind"),
                dir,
            }
        }

        fn file(&self) -> PathBuf {
            self.project.venv().layout().daemon()
        }

        fn text(&self) -> String {
            std::fs::read_to_string(self.file()).expect("a note")
        }

        /// Another daemon's note, whose process is `pid`.
        fn others(&self, pid: u32) -> String {
            let text = DaemonNote::here(self.dir.path().join("s")).to_text();
            let ours = format!("\"pid\":{}", std::process::id());
            text.replace(&ours, &format!("\"pid\":{pid}"))
        }
    }

    #[test]
    fn a_note_is_left_where_a_project_is_used_and_taken_back() {
        let world = World::new();
        world.notes.leave_where_known(&world.project);
        assert!(
            !world.project.venv().layout().aim().exists(),
            "nobody asked"
        );
        world.notes.leave(&world.project);
        let found = DaemonNote::of_somebody_here(world.project.venv(), &Trusted::us());
        assert_eq!(found.expect("a note").pid, std::process::id());
        let mode = world.file().metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        world.notes.take_back(&world.project);
        assert!(!world.file().exists());
        world.notes.leave_where_known(&world.project);
        assert!(world.file().exists(), "the toolkit is there by now");
        world.notes.close();
        assert!(!world.file().exists());
        world.notes.leave(&world.project);
        assert!(!world.file().exists(), "on its way out");
    }

    #[test]
    fn a_note_that_went_comes_again_and_moves_with_the_socket() {
        let world = World::new();
        world.notes.leave(&world.project);
        std::fs::remove_file(world.file()).expect("removed");
        world.notes.leave_where_known(&world.project);
        assert!(world.text().contains("/s\""));
        world.notes.move_to(&world.dir.path().join("elsewhere"));
        world.notes.leave_where_known(&world.project);
        assert!(world.text().contains("/elsewhere\""));
    }

    #[test]
    fn the_note_of_a_daemon_that_is_gone_is_replaced() {
        let world = World::new();
        world.notes.leave(&world.project);
        std::fs::write(world.file(), world.others(u32::MAX)).expect("write");
        world.notes.leave(&world.project);
        assert!(!world.text().contains(&u32::MAX.to_string()));
    }

    #[test]
    fn the_note_of_another_daemon_stays() {
        let world = World::new();
        world.notes.leave(&world.project);
        let mut other = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a process");
        let began = |pid: u32| crate::system::beginning_of(pid.into());
        let mut text = world.others(other.id());
        if let (Some(ours), Some(theirs)) = (began(std::process::id()), began(other.id())) {
            text = text.replace(&format!(":{ours}"), &format!(":{theirs}"));
        }
        std::fs::write(world.file(), &text).expect("write");
        world.notes.leave(&world.project);
        assert_eq!(world.text(), text);
        world.notes.take_back(&world.project);
        assert_eq!(world.text(), text);
        world.notes.leave(&world.project);
        world.notes.close();
        assert_eq!(world.text(), text);
        other.kill().expect("killed");
        other.wait().expect("gone");
    }

    #[test]
    fn what_is_no_note_of_ours_is_replaced_and_never_followed() {
        let world = World::new();
        let precious = world.dir.path().join("precious");
        let untouched = || {
            let text = std::fs::read_to_string(&precious).expect("there");
            assert_eq!(text, "precious");
        };
        std::fs::write(&precious, "precious").expect("write");
        world.notes.leave(&world.project);
        let layout = world.project.venv().layout();
        std::fs::remove_file(world.file()).expect("removed");
        symlink(&precious, world.file()).expect("link");
        world.notes.take_back(&world.project);
        assert!(world.file().is_symlink(), "not ours");
        world.notes.leave(&world.project);
        assert!(!world.file().is_symlink());
        untouched();
        std::fs::remove_file(world.file()).expect("removed");
        std::fs::hard_link(&precious, world.file()).expect("link");
        world.notes.leave(&world.project);
        assert!(world.text().contains("schema"));
        untouched();
        std::fs::remove_file(world.file()).expect("removed");
        std::fs::create_dir(world.file()).expect("folder");
        world.notes.leave(&world.project);
        world.notes.take_back(&world.project);
        assert!(world.file().is_dir(), "a folder is left alone");
        std::fs::remove_dir_all(layout.aim()).expect("removed");
        std::fs::create_dir(world.dir.path().join("theirs")).expect("folder");
        symlink(world.dir.path().join("theirs"), layout.aim()).expect("link");
        world.notes.leave(&world.project);
        let theirs = world.dir.path().join("theirs");
        assert_eq!(std::fs::read_dir(theirs).expect("list").count(), 0);
    }
}
