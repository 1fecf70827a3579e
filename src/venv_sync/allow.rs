//! `aim-venv-sync allow`: lets this project's `.pip-logs` be a link to a folder elsewhere, and takes that back.
//!
//! A repository can bring such a link, so none is followed before the person has said so; what was said is in their own
//! folder (`docs/decisions/0010-no-link-is-followed.md`).

use serde_json::json;

use super::cli::AllowArgs;
use super::ground::Ground;
use crate::console::Console;
use crate::error::{Error, Exit, Explain, Result};
use crate::store::{Allowed, Link};
use crate::terminal::printable;
use crate::words::t;

/// Allows the link that is there now, or takes back what was allowed for this project.
pub(super) fn allow(ground: &Ground<'_>, args: AllowArgs, console: &mut Console) -> Result<Exit> {
    let allowed =
        Allowed::of(ground.host).ok_or_else(|| Error::failed(t!("venv_sync.allow.no_home")))?;
    if args.remove {
        return remove(ground, &allowed, console);
    }
    let layout = ground.project.layout();
    let Some(link) = Link::at(&layout) else {
        let path = layout.logs();
        return Err(Error::failed(t!(
            "venv_sync.allow.no_link",
            path = path.display()
        )));
    };
    let shown = printable(&link.target.to_string_lossy());
    if !link.is_yours() {
        return Err(Error::failed(t!(
            "venv_sync.allow.not_yours",
            path = link.path.display(),
            target = shown
        )));
    }
    let is_new = allowed
        .add(&link.project, &link.target)
        .context(t!("venv_sync.allow.cannot_write"))?;
    if console.is_json() {
        console.json(&json!({
            "project": link.project,
            "link": link.path,
            "target": link.target,
            "allowed": true,
            "changed": is_new,
        }))?;
    } else {
        console.line(t!(
            "venv_sync.allow.done",
            path = link.path.display(),
            target = shown
        ))?;
        console.note(t!("venv_sync.allow.how_to_take_back"));
    }
    Ok(Exit::Done)
}

fn remove(ground: &Ground<'_>, allowed: &Allowed, console: &mut Console) -> Result<Exit> {
    let root = ground.project.root();
    let project = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let gone = allowed
        .remove(&project)
        .context(t!("venv_sync.allow.cannot_write"))?;
    let link = ground.project.layout().logs();
    if console.is_json() {
        console.json(&json!({
            "project": project,
            "link": link,
            "target": gone.as_ref().map(|gone| &gone.target),
            "allowed": false,
            "changed": gone.is_some(),
        }))?;
    } else {
        console.line(match &gone {
            Some(gone) => t!(
                "venv_sync.allow.taken_back",
                path = link.display(),
                target = printable(&gone.target.to_string_lossy())
            ),
            None => t!("venv_sync.allow.was_not", path = link.display()),
        })?;
    }
    Ok(Exit::Done)
}
