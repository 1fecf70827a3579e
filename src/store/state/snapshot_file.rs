//! `<venv>/.aim/snapshot.json`: what was installed at the last record, with the stamps by which an installation over
//! itself is seen. It can be made again, so it is written without waiting for the disk.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use crate::files::Folder;
use crate::files::momentary::found;
use crate::inventory::{Distribution, Snapshot, StartupFiles};
use crate::project::VenvLayout;
use crate::store::places;
use crate::store::record::Generation;

/// The file's content.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFile {
    /// The generation that it belongs to.
    pub(crate) generation: Generation,
    /// What was installed then.
    pub(crate) snapshot: Snapshot,
}

/// As it is read; what earlier toolkits wrote has no `startup` and no `outside`.
#[derive(Deserialize)]
struct Read {
    schema: u32,
    generation: Generation,
    distributions: Vec<Distribution>,
    #[serde(default)]
    startup: Option<StartupFiles>,
    #[serde(default)]
    outside: BTreeMap<String, StartupFiles>,
}

/// As it is written.
#[derive(Serialize)]
struct Written<'a> {
    schema: u32,
    generation: Generation,
    #[serde(flatten)]
    snapshot: &'a Snapshot,
}

impl SnapshotFile {
    const SCHEMA: u32 = 1;

    /// The content of the file in `aim`; nothing when it is missing, broken, or of a newer form.
    ///
    /// # Errors
    /// What is of the moment.
    pub(crate) fn read(aim: &Folder) -> io::Result<Option<Self>> {
        let bytes = found(aim.read(VenvLayout::SNAPSHOT, LONGEST))?;
        let file = bytes.and_then(|bytes| serde_json::from_slice::<Read>(&bytes).ok());
        let is_known = |file: &Read| file.schema == Self::SCHEMA && file.generation.is_believable();
        Ok(file.filter(is_known).map(|file| Self {
            generation: file.generation,
            snapshot: Snapshot::of_parts(file.distributions, file.startup, file.outside),
        }))
    }

    /// The content of the file of the environment in `layout`.
    ///
    /// # Errors
    /// What is of the moment.
    pub(crate) fn of(layout: &VenvLayout) -> io::Result<Option<Self>> {
        match found(places::aim(layout))? {
            Some(aim) => Self::read(&aim),
            None => Ok(None),
        }
    }

    /// Writes the file, making its folder where it is missing.
    pub(crate) fn write(
        layout: &VenvLayout,
        generation: Generation,
        snapshot: &Snapshot,
    ) -> io::Result<()> {
        let file = Written {
            schema: Self::SCHEMA,
            generation,
            snapshot,
        };
        let bytes = serde_json::to_vec(&file)?;
        places::made_aim(layout)?.write_unsynced(VenvLayout::SNAPSHOT, &bytes)
    }
}

/// Longer than the file of any plausible environment: 20,000 distributions. It is read before each run.
const LONGEST: u64 = 8 << 20;
