//! What is none of the toolkit's business, and what leads there.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::sandbox::Sandbox;

/// A folder outside of the project, with a file and a folder of the person's.
pub(crate) struct Outside {
    root: PathBuf,
    before: BTreeMap<PathBuf, String>,
}

/// What is put in the place of something of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    LinkToFile,
    LinkToNothing,
    LinkToFolder,
    LinkToZeros,
    HardLink,
    Fifo,
    Socket,
    Folder,
}

impl Outside {
    /// Makes it, beside the project.
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let root = sandbox.root().join("outside");
        std::fs::create_dir_all(root.join("folder")).expect("folders");
        std::fs::write(root.join("notes.txt"), "my notes\n").expect("write");
        std::fs::write(root.join("folder/kept.txt"), "kept\n").expect("write");
        let before = listing(&root);
        Self { root, before }
    }

    /// The folder in it.
    pub(crate) fn folder(&self) -> PathBuf {
        self.root.join("folder")
    }

    /// Puts a thing of this `kind` at `path`, in the place of what is there.
    pub(crate) fn put(&self, kind: Kind, path: &Path) {
        if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
            std::fs::remove_dir_all(path).expect("removed");
        } else {
            let _ = std::fs::remove_file(path);
        }
        let link = |target: &Path| symlink(target, path).expect("link");
        match kind {
            Kind::LinkToFile => link(&self.root.join("notes.txt")),
            Kind::LinkToNothing => link(&self.root.join("new.txt")),
            Kind::LinkToFolder => link(&self.folder()),
            Kind::LinkToZeros => link(Path::new("/dev/zero")),
            Kind::HardLink => std::fs::hard_link(self.root.join("notes.txt"), path).expect("link"),
            Kind::Fifo => {
                let made = Command::new("mkfifo").arg(path).status();
                assert!(made.expect("mkfifo runs").success());
            }
            Kind::Socket => drop(UnixListener::bind(path).expect("a socket")),
            Kind::Folder => std::fs::create_dir(path).expect("folder"),
        }
    }

    /// Asserts that nothing there has changed, come or gone.
    #[track_caller]
    pub(crate) fn is_untouched(&self, after: &str) {
        assert_eq!(listing(&self.root), self.before, "after {after}");
    }
}

/// Every name below `root`, with its owner, permissions and content.
fn listing(root: &Path) -> BTreeMap<PathBuf, String> {
    walkdir::WalkDir::new(root)
        .into_iter()
        .map(|entry| {
            let path = entry.expect("readable").into_path();
            let found = path.metadata().expect("there");
            let (owner, mode) = (found.uid(), found.mode());
            let text = std::fs::read(&path).unwrap_or_default();
            let text = format!("{owner} {mode:o} {}", String::from_utf8_lossy(&text));
            (path, text)
        })
        .collect()
}
