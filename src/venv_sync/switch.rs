//! `aim-venv-sync enable` and `disable`: whether pip is remembered, as this person wants it of a project or of all.
//!
//! Nothing in a project or an environment is touched: the wish is in the person's own folder, over what the repository
//! says (`docs/decisions/0038-whose-wish-counts.md`). What can be said by saying nothing is not written.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::ground::Ground;
use super::list;
use crate::console::{Console, few};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::hook;
use crate::host::Host;
use crate::project::{Config, ProjectLayout, resolved};
use crate::store::{Of, OwnSettings};
use crate::terminal::printable;
use crate::words::t;

/// Names that are listed of many.
const MOST: usize = 5;

/// What was switched.
#[derive(Debug, Serialize)]
struct Switched {
    /// Of all projects, those of which something else was said before.
    projects: Vec<PathBuf>,
    all: bool,
    enabled: bool,
    changed: bool,
    /// Where it is written.
    file: PathBuf,
    /// Where it is said otherwise, and what of.
    otherwise: Vec<Otherwise>,
}

/// A place that is over what was wanted.
#[derive(Debug, Serialize)]
struct Otherwise {
    project: Option<PathBuf>,
    origin: String,
}

/// Switches one project on or off, with those that share its environment.
pub(super) fn switch(ground: &Ground<'_>, is_on: bool, console: &mut Console) -> Result<Exit> {
    let own = own(ground.host)?;
    let projects = ground.project.sharing();
    let mut changed = false;
    for root in &projects {
        let root = resolved(root);
        let layout = ProjectLayout::new(&root);
        let of = Of::Project(&root);
        let is_new = set(&own, of, is_on, || {
            Config::of_files(ground.host, Some(&layout))
        })
        .context(cannot_write(&own))?;
        changed |= is_new;
    }
    let now = Config::load(ground.host, Some(&ground.project.layout())).enabled;
    let otherwise = (now.value != is_on).then(|| Otherwise {
        project: Some(ground.project.root().to_path_buf()),
        origin: now.origin.to_string(),
    });
    let switched = Switched {
        projects,
        all: false,
        enabled: is_on,
        changed,
        file: own.file().to_path_buf(),
        otherwise: otherwise.into_iter().collect(),
    };
    if !console.is_json() {
        let path = printable(&ground.host.shown(ground.project.root()));
        console.line(match (is_on, changed) {
            (true, true) => t!("venv_sync.switch.on", path = path),
            (true, false) => t!("venv_sync.switch.was_on", path = path),
            (false, true) => t!("venv_sync.switch.off", path = path),
            (false, false) => t!("venv_sync.switch.was_off", path = path),
        })?;
        let back = (!is_on).then(|| ground.typed("enable"));
        tell(ground.host, &switched, back.as_deref(), console);
        if is_on && !hook::is_installed(ground.project.venv())? {
            console.hint(t!("venv_sync.hint_init", command = ground.typed("init")));
        }
    }
    finish(&switched, console)
}

/// Switches every project of this person on or off, also those of which something else was said.
pub(super) fn switch_all(host: &Host, is_on: bool, console: &mut Console) -> Result<Exit> {
    let own = own(host)?;
    let projects = own.said(!is_on).context(cannot_write(&own))?;
    let mut changed = false;
    for root in &projects {
        let taken_back = own.enable(Of::Project(root), None);
        changed |= taken_back.context(cannot_write(&own))?;
    }
    changed |=
        set(&own, Of::All, is_on, || Config::of_files(host, None)).context(cannot_write(&own))?;
    let switched = Switched {
        projects,
        all: true,
        enabled: is_on,
        changed,
        file: own.file().to_path_buf(),
        otherwise: otherwise(host, is_on),
    };
    if !console.is_json() {
        console.line(match (is_on, changed) {
            (true, true) => t!("venv_sync.switch.all_on"),
            (true, false) => t!("venv_sync.switch.all_was_on"),
            (false, true) => t!("venv_sync.switch.all_off"),
            (false, false) => t!("venv_sync.switch.all_was_off"),
        })?;
        let back = (!is_on).then_some("aim-venv-sync enable --all");
        tell(host, &switched, back, console);
    }
    finish(&switched, console)
}

/// Says of all projects or of one that it is off; or that it is on, where it would not be without saying so.
fn set(
    own: &OwnSettings,
    of: Of<'_>,
    is_on: bool,
    config: impl Fn() -> Config,
) -> std::io::Result<bool> {
    if !is_on {
        return own.enable(of, Some(false));
    }
    let was_on = config().enabled.value;
    if !was_on {
        own.enable(of, None)?;
        if !config().enabled.value {
            own.enable(of, Some(true))?;
        }
    }
    Ok(!was_on)
}

/// Which projects that were set up are not as it was wanted of all, and why.
fn otherwise(host: &Host, is_on: bool) -> Vec<Otherwise> {
    let everywhere = Config::load(host, None).enabled;
    if everywhere.value != is_on {
        return vec![Otherwise {
            project: None,
            origin: everywhere.origin.to_string(),
        }];
    }
    let listed = list::listed(host).ok();
    let projects = listed
        .iter()
        .filter_map(|all| all.projects().ok())
        .flatten();
    let others = projects.filter_map(|project| {
        let setting = Config::load(host, Some(&project.layout())).enabled;
        (setting.value != is_on).then(|| Otherwise {
            project: Some(project.root().to_path_buf()),
            origin: setting.origin.to_string(),
        })
    });
    others.collect()
}

/// Where it is written, how it is taken `back`, and what is over it.
fn tell(host: &Host, switched: &Switched, back: Option<&str>, console: &mut Console) {
    if switched.changed {
        let file = printable(&host.shown(&switched.file));
        console.note(match back {
            Some(back) => t!("venv_sync.switch.written", path = file, command = back),
            None => t!("venv_sync.switch.written_into", path = file),
        });
    }
    let named = few(&switched.otherwise, MOST, |one| {
        let origin = shown(host, &one.origin);
        match &one.project {
            Some(project) => format!("{} ({origin})", printable(&host.shown(project))),
            None => origin,
        }
    });
    if !named.is_empty() {
        let projects = named.join(", ");
        console.warn(if switched.enabled {
            t!("venv_sync.switch.stays_off", projects = projects)
        } else {
            t!("venv_sync.switch.stays_on", projects = projects)
        });
    }
}

fn shown(host: &Host, origin: &str) -> String {
    if origin.starts_with('/') {
        printable(&host.shown(Path::new(origin)))
    } else {
        printable(origin)
    }
}

fn finish(switched: &Switched, console: &mut Console) -> Result<Exit> {
    if console.is_json() {
        console.json(switched)?;
    }
    Ok(Exit::Done)
}

fn own(host: &Host) -> Result<OwnSettings> {
    OwnSettings::of(host).ok_or_else(|| Error::failed(t!("venv_sync.switch.no_home")))
}

fn cannot_write(own: &OwnSettings) -> String {
    let path = printable(&own.file().to_string_lossy());
    t!("venv_sync.switch.cannot_write", path = path).into_owned()
}
