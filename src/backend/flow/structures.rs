//! Structures that were read, kept for as long as their files stay the same.
//!
//! A file of fifty kilobytes takes as long to parse as some nodes take to run, and is called again and again.
//!
//! **Invariant:** a structure is as its file was at some moment of the call that asked for it.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, SystemTime};

use super::error::FlowError;
use super::structure::Structure;
use crate::backend::locked::Locked;
use crate::files::{Stamp, read};

/// Structures that are kept; with more, all go.
const MOST: usize = 64;

/// A file that was written within this time may be written again and look the same: the clock of its times moves in
/// steps.
const STEP: Duration = Duration::from_millis(20);

/// Longer than any structure that a person drew.
const LONGEST: u64 = 64 << 20;

/// Structures by their files.
#[derive(Debug, Default)]
pub struct Structures(Locked<HashMap<PathBuf, (Stamp, Arc<Structure>)>>);

impl Structures {
    /// The structure in `file`; `None` where there is no plain file: reading anything else could take for ever.
    ///
    /// # Errors
    /// When it cannot be read, or is no structure.
    pub fn read(&self, file: &Path) -> Option<Result<Arc<Structure>, FlowError>> {
        // The stamp is taken before the file is read: the next call finds what is written in between.
        let found = std::fs::metadata(file).ok().filter(Metadata::is_file)?;
        let stamp = Stamp::of_metadata(&found);
        if let Some((of, structure)) = self.known().get(file)
            && *of == stamp
        {
            return Some(Ok(structure.clone()));
        }
        let read = read::read(file, LONGEST)
            .map_err(|error| FlowError::Failed(format!("{}: {error}", file.display())))
            .and_then(|text| {
                let why = |error| FlowError::Failed(format!("structure.json: {error}"));
                Structure::parse(&text).map(Arc::new).map_err(why)
            });
        if let Ok(structure) = &read
            && is_settled(&found)
        {
            let mut known = self.known();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(file.to_owned(), (stamp, structure.clone()));
        }
        Some(read)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<PathBuf, (Stamp, Arc<Structure>)>> {
        self.0.lock()
    }
}

/// Whether the file was left alone for longer than its clock's step; false where the clock was set back.
fn is_settled(found: &Metadata) -> bool {
    let changed = Duration::new(
        u64::try_from(found.ctime()).unwrap_or(0),
        u32::try_from(found.ctime_nsec()).unwrap_or(0),
    );
    let age = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH + changed);
    age.is_ok_and(|age| age > STEP)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: u32) -> String {
        format!(r#"{{"nodes":[{{"id":"{id}"}}]}}"#)
    }

    #[test]
    fn a_file_is_read_again_once_it_is_another() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let file = dir.path().join("structure.json");
        let structures = Structures::default();
        let read = || structures.read(&file).expect("a file").expect("read");
        std::fs::write(&file, text(1)).expect("written");
        while !is_settled(&file.metadata().expect("there")) {
            std::thread::yield_now();
        }
        let first = read();
        assert!(Arc::ptr_eq(&first, &read()), "it was kept");
        // In place and of the same size, as AIM-Forge writes it.
        std::fs::write(&file, text(2)).expect("written");
        assert_eq!(&*read().nodes[0].id, "2");
        std::fs::write(&file, text(3)).expect("written");
        assert_eq!(&*read().nodes[0].id, "3");
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let structures = Structures::default();
        assert!(structures.read(&dir.path().join("missing")).is_none());
        assert!(structures.read(dir.path()).is_none());
        let file = dir.path().join("structure.json");
        std::fs::write(&file, "[]").expect("written");
        assert!(structures.read(&file).expect("a file").is_err());
    }
}
