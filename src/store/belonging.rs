//! The two notes by which a project and its environment know each other; `project` reads them.

use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::error::StoreError;
use super::places;
use crate::project::{Note, Project, ProjectLayout, Venv, VenvLayout};

/// Makes `venv` know the project in `folder`, which is resolved, and the project know `venv` where it lies in no usual
/// place. What they know already is left as it is: who keeps the record goes on with it.
///
/// # Errors
/// What the system says, or a link in the place of a folder of ours.
pub fn belong(folder: &Path, venv: &Venv) -> Result<(), StoreError> {
    let keeper = Project::of_venv(venv.clone());
    if keeper.root() == folder && keeper.is_nobodys() {
        return Ok(()); // one folder for both
    }
    let write = || -> io::Result<()> {
        let mut note = Note::known(venv)?;
        // Who kept the record until now, without a note, stays the first.
        let has_record = !keeper.is_nobodys() && keeper.layout().env_meta().is_file();
        let is_changed = (has_record && note.add(keeper.root(), venv)) | note.add(folder, venv);
        if is_changed {
            let aim = places::made_aim(&venv.layout())?;
            aim.write(VenvLayout::PROJECT, &note.to_bytes())?;
        }
        if !Project::at(folder).is_some_and(|project| project.has(venv)) {
            let logs = places::made_logs(&ProjectLayout::new(folder))?;
            let place = venv.root().canonicalize()?;
            let place = place.strip_prefix(folder).unwrap_or(&place);
            let line = [place.as_os_str().as_bytes(), b"\n"].concat();
            logs.write(ProjectLayout::ENVIRONMENT, &line)?;
        }
        Ok(())
    };
    write().map_err(|error| StoreError::at(&venv.layout().project(), error))
}
