//! Checks of what is recorded: the record itself, the run log, the lock, and whether all of it can be written.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use super::check::Check;
use crate::console::shell;
use crate::console::turn::held_by;
use crate::store::{Link, LinkRefused, RunLock, RunLog, Standing, Unfinished};
use crate::terminal::printable;
use crate::venv_sync::sync::words;
use crate::venv_sync::{Ground, apply};
use crate::words::t;

pub(super) fn checks(ground: &Ground<'_>) -> Vec<Check> {
    let mut checks = vec![record(ground), run_log(ground), lock(ground)];
    checks.extend(link(ground));
    checks.extend(writable(ground));
    checks.extend(full_disk(ground));
    checks
}

fn sync() -> String {
    "aim-venv-sync sync".to_owned()
}

fn record(ground: &Ground<'_>) -> Check {
    const NAME: &str = "env-meta";
    let compared = match apply::compare(ground) {
        Ok(compared) => compared,
        Err(error) => return Check::wrong(NAME, error.to_string(), None),
    };
    let generation = compared.recorded.generation();
    let said = words(&compared.standing, generation);
    match compared.standing {
        Standing::InStep => Check::good(
            NAME,
            t!("venv_sync.doctor.in_step", generation = generation),
        ),
        Standing::Unreadable(..) => Check::wrong(NAME, said, sync()),
        Standing::Differs(_) | Standing::Unrecorded(_) => Check::odd(NAME, said, sync()),
    }
}

fn run_log(ground: &Ground<'_>) -> Check {
    const NAME: &str = "run-log";
    let log = RunLog::read(&ground.project.layout());
    match log.problems.first() {
        None => Check::good(NAME, t!("venv_sync.doctor.run_log", count = log.runs.len())),
        Some(problem) => Check::odd(
            NAME,
            t!(
                "venv_sync.doctor.run_log_damaged",
                count = log.problems.len(),
                problem = printable(&problem.to_string())
            ),
            None,
        ),
    }
}

/// A folder of logs that is a link.
fn link(ground: &Ground<'_>) -> Option<Check> {
    const NAME: &str = "logs-link";
    let link = Link::at(&ground.project.layout())?;
    let remedy = |refused: &LinkRefused| {
        if refused.can_be_allowed() {
            "aim-venv-sync allow".to_owned()
        } else {
            let path = shell::word(&link.path.to_string_lossy());
            format!("mv {path} {path}.old")
        }
    };
    let (path, target) = (link.path.display(), link.target.to_string_lossy());
    Some(match link.refused() {
        None => Check::good(
            NAME,
            t!(
                "venv_sync.doctor.link_allowed",
                path = path,
                target = printable(&target)
            ),
        ),
        Some(refused) => Check::wrong(
            NAME,
            t!(
                "venv_sync.doctor.link_refused",
                why = printable(&refused.to_string())
            ),
            remedy(&refused),
        ),
    })
}

fn lock(ground: &Ground<'_>) -> Check {
    const NAME: &str = "lock";
    let layout = ground.project.venv().layout();
    if let Some(holder) = RunLock::holder(&layout) {
        let kill = holder.pid.map(|pid| format!("ps -p {pid} -f"));
        return Check::odd(NAME, held_by(&holder), kill);
    }
    match Unfinished::last(&layout) {
        Err(error) => Check::wrong(NAME, error.to_string(), None),
        Ok(Some(left)) => Check::odd(
            NAME,
            t!(
                "venv_sync.doctor.unfinished",
                action = printable(&left.run.action)
            ),
            sync(),
        ),
        Ok(None) => Check::good(NAME, t!("venv_sync.doctor.no_lock")),
    }
}

/// One line when everything can be written, else one for each place that cannot.
fn writable(ground: &Ground<'_>) -> Vec<Check> {
    const NAME: &str = "permissions";
    let project = ground.project.layout();
    let venv = ground.project.venv();
    let mut places = vec![
        ground.project.root().to_path_buf(),
        project.logs(),
        venv.root().to_path_buf(),
        venv.bin(),
        venv.layout().aim().to_path_buf(),
    ];
    places.extend(venv.site_packages());
    let mut denied: Vec<Check> = places
        .iter()
        .filter(|place| is_denied(place, Access::WRITE_OK | Access::EXEC_OK))
        .map(|place| {
            let message = t!("venv_sync.doctor.not_writable", path = place.display());
            Check::wrong(NAME, message, permit(place, "u+wx"))
        })
        .collect();
    let meta = project.env_meta();
    if is_denied(&meta, Access::READ_OK) {
        let message = t!("venv_sync.cannot_read", path = meta.display());
        denied.push(Check::wrong(NAME, message, permit(&meta, "u+rw")));
    }
    if denied.is_empty() {
        vec![Check::good(NAME, t!("venv_sync.doctor.writable"))]
    } else {
        denied
    }
}

/// A disk without room, on which a run would be written down.
fn full_disk(ground: &Ground<'_>) -> Option<Check> {
    const NAME: &str = "disk";
    let places = [
        ground.project.layout().logs(),
        ground.project.root().to_path_buf(),
        ground.project.venv().root().to_path_buf(),
    ];
    let full = places.into_iter().find(|place| is_full(place))?;
    let message = t!("venv_sync.doctor.disk_full", path = full.display());
    let remedy = format!("df -h {}", shell::word(&full.to_string_lossy()));
    Some(Check::wrong(NAME, message, remedy))
}

/// Whether what a run writes has no room in `place`, in bytes or in files. File systems that do not count files say 0.
fn is_full(place: &Path) -> bool {
    rustix::fs::statvfs(place).is_ok_and(|disk| {
        let has_no_bytes = disk.f_bavail.saturating_mul(disk.f_frsize) < ROOM;
        has_no_bytes || (disk.f_files > 0 && disk.f_favail == 0)
    })
}

/// Bytes of a usual run: its log, its record, and `env_meta.json` once more.
const ROOM: u64 = 256 << 10;

/// Whether `place` is there and may not be used so; what is not there is made.
fn is_denied(place: &Path, access: Access) -> bool {
    let denied = rustix::fs::access(place, access);
    denied.is_err_and(|errno| !matches!(errno, Errno::NOENT | Errno::NOTDIR))
}

/// What to type where `place` may not be used: its owner can change that, and others can see who that is.
fn permit(place: &Path, mode: &str) -> String {
    let path = shell::word(&place.to_string_lossy());
    let us = rustix::process::geteuid().as_raw();
    let owner = place.metadata().map(|found| found.uid());
    if owner.is_ok_and(|owner| owner == us) {
        format!("chmod {mode} {path}")
    } else {
        format!("ls -ld {path}")
    }
}
