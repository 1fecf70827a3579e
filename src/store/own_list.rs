//! A list in the person's own folder of state, which several programs of ours edit: one JSON object with a version, the
//! items under one name, and other lists or what newer toolkits wrote beside them.
//!
//! **Invariant:** read anew each time, so that what was taken out counts at once; written whole, under a lock. A list
//! of a form that is not known is never written.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::files::{atomic, read};

/// Longer than anybody's list, in bytes.
const LONGEST: u64 = 4 << 20;

/// The version of the form.
const SCHEMA: u64 = 1;

/// A list of `T`, in `file`, under `name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnList<T> {
    file: PathBuf,
    name: &'static str,
    of: PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq> OwnList<T> {
    pub(super) fn new(file: PathBuf, name: &'static str) -> Self {
        Self {
            file,
            name,
            of: PhantomData,
        }
    }

    /// All items; none where there is no list yet.
    ///
    /// # Errors
    /// What the system says, or that the list is of a form that is not known.
    pub(super) fn load(&self) -> io::Result<Vec<T>> {
        Ok(self.parts()?.0)
    }

    /// Changes the items, and gives what `change` gives.
    ///
    /// # Errors
    /// As [`OwnList::load`].
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's state folder, which no project can bring"
    )]
    pub(super) fn edit<R>(&self, change: impl FnOnce(&mut Vec<T>) -> R) -> io::Result<R> {
        if let Some(folder) = self.file.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let lock = File::create(self.file.with_extension("lock"))?;
        lock.lock()?;
        let (mut items, mut whole) = self.parts()?;
        let before = items.clone();
        let result = change(&mut items);
        if items != before {
            whole.insert("schema".to_owned(), SCHEMA.into());
            whole.insert(self.name.to_owned(), serde_json::to_value(&items)?);
            atomic::write(&self.file, &serde_json::to_vec_pretty(&whole)?)?;
        }
        Ok(result)
    }

    fn parts(&self) -> io::Result<(Vec<T>, Map<String, Value>)> {
        let bytes = match read::read(&self.file, LONGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), Map::new()));
            }
            bytes => bytes?,
        };
        let whole: Map<String, Value> = serde_json::from_slice(&bytes)?;
        if whole.get("schema").and_then(Value::as_u64) != Some(SCHEMA) {
            let why = format!("{}: of a newer form", self.file.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let items = whole.get(self.name).cloned();
        let items = items.map_or_else(|| Ok(Vec::new()), serde_json::from_value)?;
        Ok((items, whole))
    }
}
