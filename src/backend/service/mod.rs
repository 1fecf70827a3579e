//! `aim-backend service`: has the system's service manager start the daemon when it is called, at login at the latest.
//!
//! Start reading at [`run`]. `units` has the text of the files that are written, `manager` asks the manager itself. It
//! knows nothing of the daemon that then runs: what that is given and says is in `service_manager`.
//!
//! **Invariant:** a file that is not known as ours is neither changed nor removed.

mod manager;
mod units;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use self::manager::{Manager, State};
use self::units::{Ground, MARK, names, units};
use crate::console::{Console, examples};
use crate::env_vars;
use crate::error::{Error, Exit, Explain as _, Result};
use crate::files::{Folder, read};
use crate::host::Host;
use crate::project::{UserLayout, service_folder};
use crate::system::SERVICE_MANAGER;
use crate::words::t;

/// Longer than any file of ours.
const LONGEST: u64 = 1 << 20;

/// What `aim-backend service` can do.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Has the service manager start the daemon.
    #[command(
        about = t!("backend.help.service_install").into_owned(),
        after_help = examples(&[("aim-backend service install", t!("backend.help.example_service_install"))])
    )]
    Install,
    /// Takes that back.
    #[command(
        about = t!("backend.help.service_remove").into_owned(),
        after_help = examples(&[("aim-backend service remove", t!("backend.help.example_service_remove"))])
    )]
    Remove,
    /// Says whether it does.
    #[command(
        about = t!("backend.help.service_status").into_owned(),
        after_help = examples(&[("aim-backend service status --json", t!("backend.help.example_service_status"))])
    )]
    Status,
}

/// What `aim-backend service status --json` prints.
#[derive(Debug, Serialize)]
struct Status {
    installed: bool,
    /// Where the files are, or would be.
    files: Vec<PathBuf>,
    /// How each part is, in the service manager's words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    states: Vec<State>,
    /// Why there is no service manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    unavailable: Option<String>,
}

/// `aim-backend service`.
pub(super) fn run(host: &Host, command: &ServiceCommand, console: &mut Console) -> Result<Exit> {
    let folder = service_folder(host, SERVICE_MANAGER)
        .ok_or_else(|| Error::failed(t!("backend.service.no_home")))?;
    match command {
        ServiceCommand::Install => install(host, &folder, console),
        ServiceCommand::Remove => remove(host, &folder, console),
        ServiceCommand::Status => status(host, &folder, console),
    }
}

fn install(host: &Host, folder: &Path, console: &mut Console) -> Result<Exit> {
    let manager = Manager::of(host, SERVICE_MANAGER)?;
    let layout = UserLayout::of(host).ok_or_else(|| Error::failed(t!("backend.no_home")))?;
    let program = host
        .exe()
        .ok_or_else(|| Error::failed(t!("backend.service.no_exe")))?;
    let socket = host
        .path_var(env_vars::SOCKET)
        .map(|socket| host.absolute(socket));
    let ground = Ground {
        program,
        socket: socket.as_deref(),
        path: host.var("PATH"),
        log: &layout.daemon_log(),
    };
    let files = files(folder);
    if let Some(strange) = files.iter().find(|file| !may_be_written(file)) {
        return Err(Error::failed(t!(
            "backend.service.not_ours",
            path = strange.display()
        )));
    }
    write(folder, &ground)?;
    manager.begin(folder)?;
    if console.is_json() {
        console.json(&serde_json::json!({"installed": true, "files": files}))?;
        return Ok(Exit::Done);
    }
    console.note(t!("backend.service.installed"));
    for file in &files {
        console.note(t!("backend.service.wrote", path = host.shown(file)));
    }
    console.note(t!("backend.service.undo"));
    Ok(Exit::Done)
}

fn remove(host: &Host, folder: &Path, console: &mut Console) -> Result<Exit> {
    let ours: Vec<PathBuf> = files(folder)
        .into_iter()
        .filter(|file| is_ours(file))
        .collect();
    if !ours.is_empty() {
        // Where there is no manager any more, there is nothing but the files.
        let manager = Manager::of(host, SERVICE_MANAGER).ok();
        if let Some(manager) = &manager {
            manager.end(folder)?;
        }
        let opened = Folder::open(folder)?;
        for file in &ours {
            let name = file.file_name().unwrap_or_default();
            opened
                .remove(name)
                .context(t!("backend.service.cannot_remove", path = file.display()))?;
        }
        if let Some(manager) = &manager {
            manager.forget()?;
        }
    }
    if console.is_json() {
        console.json(&serde_json::json!({"removed": ours}))?;
    } else if ours.is_empty() {
        console.note(t!("backend.service.not_installed"));
    } else {
        for file in &ours {
            console.note(t!("backend.service.removed", path = host.shown(file)));
        }
    }
    Ok(Exit::Done)
}

fn status(host: &Host, folder: &Path, console: &mut Console) -> Result<Exit> {
    let files = files(folder);
    let installed = files.iter().all(|file| is_ours(file));
    let manager = Manager::of(host, SERVICE_MANAGER);
    let answering = manager.as_ref().ok().filter(|_| installed);
    let about = Status {
        installed,
        states: answering.map(Manager::states).unwrap_or_default(),
        unavailable: manager.err().map(|error| error.to_string()),
        files,
    };
    if console.is_json() {
        console.json(&about)?;
        return Ok(Exit::Done);
    }
    if installed {
        for file in &about.files {
            console.line(host.shown(file))?;
        }
        for State { name, state } in &about.states {
            console.line(t!("backend.service.state", name = name, state = state))?;
        }
    } else {
        console.line(t!("backend.service.not_installed"))?;
    }
    if let Some(why) = &about.unavailable {
        console.line(why)?;
    } else if !installed {
        console.hint(t!("backend.service.hint_install"));
    }
    Ok(Exit::Done)
}

/// The files, in their order.
fn files(folder: &Path) -> Vec<PathBuf> {
    names(SERVICE_MANAGER)
        .iter()
        .map(|name| folder.join(name))
        .collect()
}

fn is_ours(file: &Path) -> bool {
    read::text(file, LONGEST).is_ok_and(|text| text.contains(MARK))
}

fn may_be_written(file: &Path) -> bool {
    file.symlink_metadata().is_err() || is_ours(file)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person's own folder of the service manager"
)]
fn write(folder: &Path, ground: &Ground<'_>) -> Result<()> {
    let written = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let opened = Folder::open(folder)?;
        for unit in units(SERVICE_MANAGER, ground) {
            opened.write(unit.name, unit.text.as_bytes())?;
        }
        Ok(())
    };
    written()
        .context(t!("backend.service.cannot_write", path = folder.display()))
        .hint(t!("backend.service.hint_autostart"))
}
