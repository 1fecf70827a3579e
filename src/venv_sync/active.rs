//! The environment that is active where `init` finds none in the folder: a second one is never made in silence.

use crate::console::Console;
use crate::error::Result;
use crate::host::Host;
use crate::project::{Project, Venv};
use crate::words::t;

/// The active environment, if it shall be the folder's: the person says so, or nobody can be asked and it has no
/// project. Otherwise it is said that another one is made.
pub(super) fn to_use(host: &Host, console: &mut Console) -> Result<Option<Venv>> {
    let Some(venv) = Venv::active(host) else {
        return Ok(None);
    };
    let path = venv.root().display().to_string();
    let project = Project::of_venv(venv.clone());
    if !project.is_nobodys() {
        pass_over(host, console);
        return Ok(None);
    }
    let question = t!("venv_sync.use_active", path = path);
    if let Some(answer) = console.ask(&question)? {
        let is_no = matches!(answer.trim().to_lowercase().as_str(), "n" | "no" | "아니요");
        return Ok((!is_no).then_some(venv));
    }
    console.note(t!("venv_sync.active_is_used", path = path));
    Ok(Some(venv))
}

/// Says that another environment is made than the active one, if one is active.
pub(super) fn pass_over(host: &Host, console: &mut Console) {
    if let Some(venv) = Venv::active(host) {
        let path = venv.root().display();
        console.note(t!("venv_sync.active_of_another", path = path));
    }
}
