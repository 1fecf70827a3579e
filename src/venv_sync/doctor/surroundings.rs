//! Checks of what is around a project: settings, the daemon's socket, the daemon, the worker.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

use super::Check;
use crate::project;
use crate::venv_sync::Ground;
use crate::venv_sync::daemon::{self, Daemon};
use crate::words::t;

/// Longest path of a socket that every supported system takes (`sun_path`: 108 bytes on Linux, 104 on macOS, with a
/// NUL).
const LONGEST_SOCKET: usize = if cfg!(target_os = "macos") { 103 } else { 107 };

pub(super) fn checks(ground: &Ground<'_>) -> Vec<Check> {
    let mut checks = settings(ground);
    checks.push(socket(ground));
    checks.extend(daemon_and_worker(ground));
    checks
}

fn settings(ground: &Ground<'_>) -> Vec<Check> {
    const NAME: &str = "settings";
    if ground.config.problems.is_empty() {
        return vec![Check::good(NAME, t!("venv_sync.doctor.settings"))];
    }
    let problems = ground.config.problems.iter();
    problems
        .map(|problem| {
            let message = t!("venv_sync.doctor.setting_wrong", problem = problem);
            Check::wrong(NAME, message, "aim-venv-sync config".to_owned())
        })
        .collect()
}

/// The socket's path and who owns it: nobody else's may be talked to.
fn socket(ground: &Ground<'_>) -> Check {
    const NAME: &str = "socket";
    let path = project::socket(ground.host);
    let shown = path.display();
    let elsewhere = || t!("venv_sync.doctor.remedy_socket").into_owned();
    if path.as_os_str().as_bytes().len() > LONGEST_SOCKET {
        let message = t!("venv_sync.doctor.socket_long", path = shown);
        return Check::wrong(NAME, message, elsewhere());
    }
    let uid = rustix::process::getuid().as_raw();
    let foreign = |meta: &std::fs::Metadata| meta.uid() != uid;
    let folder = path.parent().and_then(|folder| folder.metadata().ok());
    // A folder that others may write in is where anybody can put a socket before us; a sticky one is safe.
    let open = folder.is_some_and(|meta| meta.mode() & 0o022 != 0 && meta.mode() & 0o1000 == 0);
    match path.symlink_metadata() {
        Ok(meta) if foreign(&meta) => Check::wrong(
            NAME,
            t!("venv_sync.doctor.socket_foreign", path = shown),
            elsewhere(),
        ),
        Ok(meta) if !meta.file_type().is_socket() => Check::wrong(
            NAME,
            t!("venv_sync.doctor.socket_is_none", path = shown),
            elsewhere(),
        ),
        _ if open => Check::odd(
            NAME,
            t!("venv_sync.doctor.socket_open", path = shown),
            elsewhere(),
        ),
        _ => Check::good(NAME, t!("venv_sync.doctor.socket", path = shown)),
    }
}

fn daemon_and_worker(ground: &Ground<'_>) -> Vec<Check> {
    const NAME: &str = "daemon";
    let daemon = daemon::look(ground);
    let words = t!("venv_sync.doctor.daemon", state = daemon.words());
    match &daemon {
        Daemon::Running { worker, .. } => {
            let mut checks = vec![Check::good(NAME, words)];
            if worker.as_deref().is_some_and(daemon::has_failed) {
                let words = daemon.worker_words(0);
                let message = t!("venv_sync.doctor.worker", state = words);
                checks.push(Check::wrong(
                    "worker",
                    message,
                    "aim-worker logs".to_owned(),
                ));
            }
            checks
        }
        Daemon::Absent => vec![Check::odd(NAME, words, "aim-backend serve".to_owned())],
        Daemon::Unusable { .. } => {
            let again = "aim-backend stop; aim-backend serve";
            vec![Check::wrong(NAME, words, again.to_owned())]
        }
    }
}
