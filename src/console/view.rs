//! The view of a generation that a person names: what it lacks is said first.

use chrono::Utc;

use super::few::few;
use super::history;
use super::output::Console;
use crate::error::{Error, Result};
use crate::inventory::Change;
use crate::project::Project;
use crate::store::{Contents, EnvMeta, Generation, View, ViewError};
use crate::terminal::printable;
use crate::words::t;

/// Distributions that are named, at most.
const MOST: usize = 10;

/// A view of the environment of `project` as it was at what `at` names ([`history::moment`]). What it had and is lost
/// is told; that is an error but where `is_incomplete` allows it.
///
/// # Errors
/// `Exit::NotFound` where there is no such time or nobody knows what there was, `Exit::Failed` for what is lost and
/// what the system refuses.
pub fn view(
    console: &mut Console,
    project: &Project,
    at: &str,
    is_incomplete: bool,
) -> Result<View> {
    let layout = project.layout();
    let log = history::whole(&layout)?;
    let meta = EnvMeta::read(&layout).0;
    let generation = history::generation(at, (&meta, &log), Utc::now())?;
    let contents = Contents::of(project.venv(), (&meta, &log), generation).map_err(no_view)?;
    if !contents.lost.is_empty() {
        let what = named(&contents.lost);
        if !is_incomplete {
            let lost = t!("console.view.lost", generation = generation, what = what);
            return Err(Error::failed(lost).hint(t!("console.view.hint_incomplete")));
        }
        console.warn(t!(
            "console.view.without",
            generation = generation,
            what = what
        ));
    }
    made(project, &contents)
}

/// The view with `contents`.
///
/// # Errors
/// As [`view`].
pub fn made(project: &Project, contents: &Contents) -> Result<View> {
    let refusal = t!("console.view.refusal", generation = contents.generation);
    View::of(project.venv(), contents, &refusal).map_err(no_view)
}

/// Why there is none, in words.
pub fn no_view(error: ViewError) -> Error {
    match error {
        ViewError::Unknown(generation) => unknown(generation),
        ViewError::NoVenv(_) => Error::failed(t!("console.view.no_venv")),
        error @ ViewError::Io { .. } => Error::from(error).context(t!("console.view.cannot_make")),
    }
}

fn unknown(generation: Generation) -> Error {
    Error::not_found(t!("console.view.unknown", generation = generation)).hint(t!("logs.hint_list"))
}

/// `six 1.16.0, numpy 2.0`.
pub fn named(lost: &[Change]) -> String {
    let names = few(lost, MOST, |one| {
        let version = one.to.as_deref().unwrap_or_default();
        printable(&format!("{} {version}", one.name))
    });
    names.join(", ")
}
