//! What a run printed: its log, and where that lies.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::read::RunLog;
use crate::files::Folder;
use crate::files::momentary::is_momentary;
use crate::project::{LOGS, ProjectLayout};
use crate::secrets;
use crate::store::log::file::Log;
use crate::store::log::last_reason;
use crate::store::places;
use crate::store::record::{PartFile, Run, is_growing};

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The run has none.
    #[error("this run has no log")]
    None,
    /// Its path is not relative, or leads out of the folder of logs.
    #[error("{0:?} is not a path below {LOGS}")]
    Outside(String),
    /// It was removed.
    #[error("{} is gone", .0.display())]
    Gone(PathBuf),
    /// The system refuses to read it.
    #[error("{}: {source}", .path.display())]
    Unreadable {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Eight times what is kept of a run's text: AIM-Forge keeps all of it.
const LONGEST_LOG: u64 = 64 << 20;

/// As much of a log's end as is looked through for pip's last word.
const LONGEST_TAIL: u64 = 64 << 10;

impl RunLog {
    /// The text of the log of `run`, in its sections, without secrets. Bytes that are no UTF-8 are left out, as
    /// AIM-Forge does.
    ///
    /// # Errors
    /// [`LogError`].
    pub fn log(project: &ProjectLayout, run: &Run) -> Result<Log, LogError> {
        let log_path = run.log_path().ok_or(LogError::None)?;
        let (logs, name) = Self::place(project, log_path)?;
        let bytes = logs
            .read(&name, LONGEST_LOG)
            .map_err(|source| LogError::Unreadable {
                path: logs.path().join(&name),
                source,
            })?;
        let text: String = bytes.utf8_chunks().map(|chunk| chunk.valid()).collect();
        let length = run.record().and_then(|record| record.stdout_bytes);
        let log = length.map_or_else(
            || Log::parse(&text),
            |length| Log::parse_with_length(&text, length),
        );
        // Logs of AIM-Forge, and of earlier versions.
        Ok(Log {
            stdout: secrets::hide(&log.stdout).into_owned(),
            stderr: secrets::hide(&log.stderr).into_owned(),
        })
    }

    /// The last line in the log of `run` that begins with `ERROR`, without secrets: why pip gave up. Only the log's end
    /// is read.
    pub fn last_error(project: &ProjectLayout, run: &Run) -> Option<String> {
        let (logs, name) = Self::place(project, run.log_path()?).ok()?;
        let (file, length) = logs.open_file(&name).ok()?;
        let mut tail = vec![0; usize::try_from(length.min(LONGEST_TAIL)).ok()?];
        let start = length - tail.len() as u64;
        file.read_exact_at(&mut tail, start).ok()?;
        let text = String::from_utf8_lossy(&tail);
        Some(secrets::hide(last_reason(&text)?).into_owned())
    }

    /// Where the log `log_path` is, which a record, `env_meta.json` or a person named: a name in the folder of logs,
    /// with or without `.pip-logs/` before it (compat, section 5). Never a place outside that folder, not by a link
    /// either.
    ///
    /// # Errors
    /// [`LogError::Outside`], [`LogError::Gone`] and [`LogError::Unreadable`].
    pub fn path(project: &ProjectLayout, log_path: &str) -> Result<PathBuf, LogError> {
        let (logs, name) = Self::place(project, log_path)?;
        Ok(logs.path().join(name))
    }

    /// The folder and the name of the log `log_path`.
    fn place(project: &ProjectLayout, log_path: &str) -> Result<(Folder, String), LogError> {
        let outside = || LogError::Outside(log_path.to_owned());
        let relative = log_path.trim_start_matches("./");
        let name = match relative.split_once('/') {
            Some((LOGS, name)) => name,
            None if relative != LOGS => relative,
            _ => return Err(outside()),
        };
        let path = || project.logs().join(name);
        let found = places::logs(project).and_then(|logs| Ok((logs.found(name)?, logs)));
        match found {
            Ok((found, logs)) if found.is_file => Ok((logs, name.to_owned())),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Err(LogError::Gone(path())),
            Err(source)
                if source.kind() == io::ErrorKind::PermissionDenied || is_momentary(&source) =>
            {
                let path = path();
                Err(LogError::Unreadable { path, source })
            }
            _ => Err(outside()),
        }
    }

    /// The part files of runs that are going on now, oldest first. A reader shows what is new up to the last line end:
    /// the lines of a progress bar at the end of the file still change, and the file may become shorter by them.
    pub fn growing(project: &ProjectLayout) -> Vec<PathBuf> {
        let Ok(logs) = places::logs(project) else {
            return Vec::new();
        };
        let names = logs.names().unwrap_or_default().into_iter();
        let mut parts: Vec<PathBuf> = names
            .filter_map(|name| name.into_string().ok())
            .filter(|name| PartFile::run_of(name).is_some() && is_growing(&logs, name))
            .map(|name| logs.path().join(name))
            .collect();
        // Names begin with the run's id, which begins with its time.
        parts.sort();
        parts
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::inventory::Snapshot;
    use crate::project::Config;
    use crate::store::testing::{finished, project_with_logs, remember};

    #[test]
    fn the_last_error_is_pips_last_word() {
        let (_dir, project) = project_with_logs();
        let layout = project.layout();
        let nothing = Snapshot::default();
        let text = format!(
            "{}\nERROR: no\nERROR: none at all \nWARNING: old\n",
            "x".repeat(1 << 17)
        );
        let run = finished("install", &text);
        crate::store::publish(&project, &Config::default(), run, &nothing, &nothing)
            .expect("published");
        remember(&project, "list");
        let log = RunLog::read(&layout);
        let said = |place: usize| RunLog::last_error(&layout, &log.runs[place]);
        assert_eq!(said(1).as_deref(), Some("ERROR: none at all"));
        assert_eq!(said(0), None);
    }

    #[test]
    fn no_path_leads_out_of_the_folder_of_logs() {
        let (dir, project) = project_with_logs();
        let layout = project.layout();
        fs::write(dir.path().join("secret"), "x").expect("write");
        fs::create_dir(dir.path().join(".pip-logs-old")).expect("folder");
        fs::write(dir.path().join(".pip-logs-old/a.log"), "x").expect("write");
        fs::write(layout.logs().join("a.log"), "x").expect("write");
        fs::create_dir(layout.logs().join("folder")).expect("folder");
        std::os::unix::fs::symlink("../secret", layout.logs().join("link.log")).expect("link");
        for bad in [
            "../secret",
            "/etc/passwd",
            ".pip-logs/../secret",
            "link.log",
            "",
            ".pip-logs",
            "folder",
            "../.pip-logs-old/a.log",
        ] {
            assert!(
                matches!(RunLog::path(&layout, bad), Err(LogError::Outside(_))),
                "{bad}"
            );
        }
        for good in ["a.log", ".pip-logs/a.log"] {
            assert!(RunLog::path(&layout, good).is_ok(), "{good}");
        }
        assert!(matches!(
            RunLog::path(&layout, "b.log"),
            Err(LogError::Gone(_))
        ));
    }
}
