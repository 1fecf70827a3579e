//! Checks of the environment: its interpreter, pip, and what leads pip to us.

use std::io::ErrorKind;
use std::path::Path;

use super::check::Check;
use crate::console::shell;
use crate::hook::{self, Finding, HookState};
use crate::inventory::Snapshot;
use crate::project::Venv;
use crate::store::places;
use crate::venv_sync::interpreter::{FoundPython, on_path};
use crate::venv_sync::{Ground, init};
use crate::words::t;

pub(super) fn checks(ground: &Ground<'_>) -> Vec<Check> {
    let mut checks = vec![place(ground), python(ground), pip(ground), enabled(ground)];
    checks.extend(left_over(ground));
    checks.extend(ways_in(ground));
    checks.push(first_pip(ground));
    checks
}

fn place(ground: &Ground<'_>) -> Check {
    const NAME: &str = "environment";
    let venv = ground.project.venv();
    match places::environment(&venv.layout()) {
        Ok(_) => {
            let path = venv.root().display();
            Check::good(NAME, t!("venv_sync.doctor.environment", path = path))
        }
        Err(error) => {
            let is_gone = error.kind() == ErrorKind::NotFound;
            let again = || init::make_again(ground.project.root(), venv.root());
            Check::wrong(NAME, error.to_string(), is_gone.then(again))
        }
    }
}

fn python(ground: &Ground<'_>) -> Check {
    const NAME: &str = "python";
    let venv = ground.project.venv();
    let again = || init::make_again(ground.project.root(), venv.root());
    let path = match venv.python() {
        Ok(path) => path,
        Err(error) => {
            return Check::wrong(NAME, error.to_string(), error.is_known().then(again));
        }
    };
    let shown = path.display().to_string();
    match FoundPython::probe(ground.host, path) {
        Some(found) if !found.is_new_enough() => Check::odd(
            NAME,
            t!("venv_sync.doctor.python_old", version = found.version),
            None,
        ),
        // The folder of site-packages has the version in its name: after an upgrade the packages are out of reach.
        Some(found) if moved_on(venv, &found.version) => Check::wrong(
            NAME,
            t!(
                "venv_sync.doctor.python_other",
                version = found.version,
                made = venv.python_version().unwrap_or_default()
            ),
            again(),
        ),
        Some(found) => Check::good(NAME, t!("venv_sync.doctor.python", version = found.version)),
        None => Check::wrong(
            NAME,
            t!("venv_sync.doctor.python_dead", path = shown),
            again(),
        ),
    }
}

/// Whether the interpreter is of another line (`3.12` for `3.11`) than the one that the environment was made with.
fn moved_on(venv: &Venv, now: &str) -> bool {
    let line =
        |version: &str| -> Vec<String> { version.split('.').take(2).map(str::to_owned).collect() };
    venv.python_version()
        .is_some_and(|made| line(&made) != line(now))
}

fn pip(ground: &Ground<'_>) -> Check {
    const NAME: &str = "pip";
    let venv = ground.project.venv();
    let scanned = Snapshot::scan(venv, ground.host).and_then(|now| Ok((now, hook::has_pip(venv)?)));
    let (now, has_pip) = match scanned {
        Ok(scanned) => scanned,
        Err(error) => {
            let path = venv.root().display();
            let message = format!("{}: {error}", t!("venv_sync.cannot_scan", path = path));
            return Check::wrong(NAME, message, None);
        }
    };
    match init::pip_version(&now) {
        Some(version) => Check::good(NAME, t!("venv_sync.doctor.pip", version = version)),
        None if has_pip => Check::good(NAME, t!("venv_sync.doctor.pip_shared")),
        None => Check::wrong(NAME, t!("venv_sync.doctor.no_pip"), init::bring_pip(venv)),
    }
}

/// What an environment that was made anew has of its older Python.
fn left_over(ground: &Ground<'_>) -> Option<Check> {
    let left = ground.project.venv().left_over();
    let paths: Vec<String> = left.iter().map(|path| path.display().to_string()).collect();
    let words = t!("venv_sync.doctor.left_over", paths = paths.join(", "));
    (!paths.is_empty()).then(|| Check::odd("leftover", words, None))
}

fn enabled(ground: &Ground<'_>) -> Check {
    const NAME: &str = "enabled";
    let setting = &ground.config.enabled;
    if setting.value {
        Check::good(NAME, t!("venv_sync.doctor.enabled"))
    } else {
        Check::odd(
            NAME,
            t!("venv_sync.doctor.disabled", origin = setting.origin),
            ground.typed("enable"),
        )
    }
}

/// The shim, each hook, and launchers that an earlier version left.
fn ways_in(ground: &Ground<'_>) -> Vec<Check> {
    let venv = ground.project.venv();
    let Some(aim_pip) = hook::aim_pip_path(ground.host) else {
        let remedy = t!("venv_sync.hint_aim_pip").into_owned();
        return vec![Check::wrong("aim-pip", t!("venv_sync.no_aim_pip"), remedy)];
    };
    let found = t!("venv_sync.doctor.aim_pip", path = aim_pip.display());
    let mut checks = vec![Check::good("aim-pip", found)];
    let findings = hook::is_installed(venv).and_then(|is_installed| {
        let findings = is_installed.then(|| hook::inspect(venv, &aim_pip));
        findings.transpose()
    });
    match findings {
        Ok(Some(findings)) => {
            checks.extend(findings.iter().map(|finding| way_in(ground, finding)));
        }
        Ok(None) => checks.push(Check::wrong(
            "hook",
            t!("venv_sync.doctor.not_installed"),
            init_command(ground),
        )),
        Err(error) => checks.push(Check::wrong("hook", error.to_string(), None)),
    }
    checks
}

fn way_in(ground: &Ground<'_>, finding: &Finding) -> Check {
    const NAME: &str = "hook";
    let path = short(ground, &finding.path);
    let sync = || "aim-venv-sync sync".to_owned();
    match &finding.state {
        HookState::Ours => Check::good(NAME, t!("venv_sync.doctor.ours", path = path)),
        HookState::Elsewhere(other) if finding.state.leads_somewhere() => Check::odd(
            NAME,
            t!(
                "venv_sync.doctor.elsewhere",
                path = path,
                other = other.display()
            ),
            sync(),
        ),
        HookState::Elsewhere(other) => Check::wrong(
            NAME,
            t!(
                "venv_sync.doctor.elsewhere_gone",
                path = path,
                other = other.display()
            ),
            sync(),
        ),
        HookState::Foreign => {
            Check::wrong(NAME, t!("venv_sync.doctor.foreign", path = path), sync())
        }
        HookState::Missing => {
            Check::wrong(NAME, t!("venv_sync.doctor.missing", path = path), sync())
        }
        HookState::Launcher => Check::odd(
            "pip-script",
            t!("venv_sync.doctor.launcher", path = path),
            sync(),
        ),
    }
}

/// What `pip` means in this shell, where the environment is active.
fn first_pip(ground: &Ground<'_>) -> Check {
    const NAME: &str = "path";
    let bin = ground.project.venv().bin();
    let same = |folder: &Path| folder.canonicalize().ok() == bin.canonicalize().ok();
    let activate = format!(
        "source {}",
        shell::word(&ground.project.venv().script("activate").to_string_lossy())
    );
    match on_path(ground.host, "pip") {
        Some(pip) if pip.parent().is_some_and(same) => {
            Check::good(NAME, t!("venv_sync.doctor.pip_is_ours"))
        }
        Some(pip) => {
            let message = t!("venv_sync.doctor.pip_is_another", path = pip.display());
            Check::odd(NAME, message, activate)
        }
        None => Check::odd(NAME, t!("venv_sync.doctor.pip_is_none"), activate),
    }
}

fn init_command(ground: &Ground<'_>) -> String {
    let root = ground.project.root().to_string_lossy();
    format!("aim-venv-sync init {}", shell::word(&root))
}

fn short(ground: &Ground<'_>, path: &Path) -> String {
    let root = ground.project.root();
    let short = path.strip_prefix(root).unwrap_or(path);
    short.display().to_string()
}
