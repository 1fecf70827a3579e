//! The folders that are ours, opened: everything that the toolkit writes below a project or an environment is written
//! by way of one of these (`docs/decisions/0010-no-link-is-followed.md`).
//!
//! The folders of the project and of the environment are the person's own paths. Below them no link is followed, but a
//! `.pip-logs` that the person allowed to lie elsewhere ([`Link`]).

use std::io;

use super::link::{Link, LinkRefused};
use crate::files::Folder;
use crate::project::{LOGS, ProjectLayout, VenvLayout};

/// The folder that the record of a project lies in.
pub(crate) fn project(layout: &ProjectLayout) -> io::Result<Folder> {
    Folder::open(layout.keeper())
}

/// The folder of logs. Of a project whose folder is its owner's alone, they are so wherever they may be copied to.
pub(crate) fn logs(layout: &ProjectLayout) -> io::Result<Folder> {
    let project = project(layout)?;
    let logs = match allowed_link(layout, &project)? {
        Some(elsewhere) => elsewhere,
        None => project.folder(LOGS)?,
    };
    logs.kept_as_private_as(&project)
}

/// The folder of logs, made where it is missing; the folder above is not.
pub(crate) fn made_logs(layout: &ProjectLayout) -> io::Result<Folder> {
    let project = project(layout)?;
    let logs = match allowed_link(layout, &project)? {
        Some(elsewhere) => elsewhere,
        None => project.make_folder(LOGS)?,
    };
    logs.kept_as_private_as(&project)
}

/// The folder that `.pip-logs` leads to, if it is a link.
fn allowed_link(layout: &ProjectLayout, project: &Folder) -> io::Result<Option<Folder>> {
    let is_link = project.found(LOGS).is_ok_and(|found| found.is_link);
    if is_link {
        Link::of(layout, project)?.follow().map(Some)
    } else {
        Ok(None)
    }
}

/// The environment's folder. One that is reached by a link, as `.venv` may be, must be the caller's own.
///
/// # Errors
/// What the system says, or [`LinkRefused`].
pub fn environment(layout: &VenvLayout) -> io::Result<Folder> {
    let folder = Folder::open(layout.root())?;
    let is_link = std::fs::symlink_metadata(layout.root()).is_ok_and(|found| found.is_symlink());
    if is_link && folder.owner()? != rustix::process::geteuid().as_raw() {
        let target = std::fs::read_link(layout.root()).unwrap_or_default();
        return Err(LinkRefused::strangers(layout.root(), target).into());
    }
    Ok(folder)
}

/// The folder in the environment that is private to the toolkit.
///
/// # Errors
/// As [`environment`]; also that it is a link.
pub fn aim(layout: &VenvLayout) -> io::Result<Folder> {
    environment(layout)?.folder(VenvLayout::AIM)
}

/// The same, made where it is missing; an environment that is gone stays gone.
///
/// # Errors
/// As [`aim`].
pub fn made_aim(layout: &VenvLayout) -> io::Result<Folder> {
    environment(layout)?.make_folder(VenvLayout::AIM)
}
