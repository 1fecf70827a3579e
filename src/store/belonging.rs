//! The two notes by which a project and its environment know each other; `project` reads them.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::StoreError;
use super::places;
use crate::project::{Note, Project, ProjectLayout, Venv, VenvLayout};

/// Makes `venv` know the project in `folder`, which is resolved, and the project know `venv` where it lies in no usual
/// place. What they know already is left as it is: who keeps the record goes on with it. Says whether anything was
/// written.
///
/// # Errors
/// What the system says, or a link in the place of a folder of ours.
pub fn belong(folder: &Path, venv: &Venv) -> Result<bool, StoreError> {
    let keeper = Project::of_venv(venv.clone());
    if keeper.root() == folder && folder == venv.root() {
        return Ok(false); // one folder for both
    }
    let write = || -> io::Result<bool> {
        let mut note = Note::known(venv)?;
        // Who kept the record until now, without a note, stays the first.
        let has_record = keeper.layout().env_meta().is_file() && keeper.root() != venv.root();
        let is_changed = (has_record && note.add(keeper.root(), venv)) | note.add(folder, venv);
        if is_changed {
            let aim = places::made_aim(&venv.layout())?;
            aim.write(VenvLayout::PROJECT, &note.to_bytes())?;
        }
        let is_known = Project::at(folder).is_some_and(|project| project.has(venv));
        if !is_known {
            let logs = places::made_logs(&ProjectLayout::new(folder))?;
            let place = venv.root().canonicalize()?;
            let place = place.strip_prefix(folder).unwrap_or(&place);
            let line = [place.as_os_str().as_bytes(), b"\n"].concat();
            logs.write(ProjectLayout::ENVIRONMENT, &line)?;
        }
        Ok(is_changed || !is_known)
    };
    write().map_err(|error| StoreError::at(&venv.layout().project(), error))
}
