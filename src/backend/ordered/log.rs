//! What a supervised command says: `<venv>/.aim/supervised/web.log`, beside its note.
//!
//! The command writes into the file itself, so that no daemon stands in between: one that moves or is killed costs it
//! nothing. So a file that is full is copied to `web.log.1` and emptied; who appends goes on at its beginning. What is
//! said between the two is lost.
//!
//! **Invariant:** a link in the place of the file is not followed; a file takes its place.

use std::fs::File;
use std::io::{self, Read as _};

use crate::files::Folder;
use crate::project::{Project, VenvLayout};
use crate::store::Notes;

/// Bytes of a file, after which it becomes the older one.
const LONGEST: u64 = 4 << 20;

/// The log of the command `name` in the environment of `project`, open for writing at its end.
///
/// # Errors
/// What the system says.
pub(super) fn open(project: &Project, name: &str) -> io::Result<File> {
    let notes = Notes::made(project, VenvLayout::SUPERVISED)?;
    let (folder, file) = (notes.folder(), VenvLayout::log_of(name));
    folder.open_to_append(&file).or_else(|_| {
        folder.remove(&file)?;
        folder.open_to_append(&file)
    })
}

/// Begins the log anew where it is full.
///
/// # Errors
/// What the system says.
pub(super) fn bound(project: &Project, name: &str) -> io::Result<()> {
    let notes = Notes::of(project, VenvLayout::SUPERVISED)?;
    bound_in(notes.folder(), name, LONGEST)
}

fn bound_in(folder: &Folder, name: &str, longest: u64) -> io::Result<()> {
    let file = VenvLayout::log_of(name);
    let (log, length) = folder.open_file(&file)?;
    if length <= longest {
        return Ok(());
    }
    let mut text = Vec::new();
    log.take(2 * longest).read_to_end(&mut text)?;
    folder.write_unsynced(VenvLayout::older_log_of(name), &text)?;
    folder.open_to_append(&file)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_full_log_becomes_the_older_one_and_its_writer_goes_on() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let folder = Folder::open(dir.path()).expect("a folder");
        let mut writer = folder.open_to_append("web.log").expect("a log");
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("read");
        writer.write_all(b"0123456789").expect("written");
        bound_in(&folder, "web", 10).expect("looked at");
        assert_eq!(read("web.log"), "0123456789");
        writer.write_all(b"a").expect("written");
        bound_in(&folder, "web", 10).expect("begun anew");
        writer.write_all(b"next").expect("written");
        assert_eq!(
            (&*read("web.log"), &*read("web.log.1")),
            ("next", "0123456789a")
        );
        assert!(bound_in(&folder, "other", 10).is_err());
    }
}
