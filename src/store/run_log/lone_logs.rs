//! Logs without a record: AIM-Forge's, and those of projects that come from elsewhere.

use std::collections::HashSet;
use std::io::{self, Read as _};

use memchr::memmem;

use super::problem::Problem;
use crate::files::Folder;
use crate::files::momentary::found;
use crate::project::LOGS;
use crate::store::log::file::Header;
use crate::store::record::{LoneLog, Run};

/// Runs that only their logs tell of.
#[derive(Debug, Default)]
pub(super) struct LoneLogs {
    pub(super) runs: Vec<Run>,
    /// How many older ones there are besides.
    pub(super) earlier: usize,
    pub(super) problems: Vec<Problem>,
}

impl LoneLogs {
    /// Those in the folder `logs` beside the `recorded` runs, in the order of their times: those that are newer than
    /// what is told by the text `older`, of records which were not read. The others are counted.
    pub(super) fn beside(recorded: &[Run], logs: &Folder, older: &[u8]) -> Self {
        let oldest = recorded.first().filter(|_| !older.is_empty()).map(ended);
        let mut lone = Self::default();
        let known: HashSet<String> = recorded
            .iter()
            .filter_map(|run| run.log_path().map(str::to_owned))
            .collect();
        let names = match logs.names() {
            Err(error) => {
                lone.problems.push(Problem::unread(logs.path(), &error));
                return lone;
            }
            Ok(names) => names,
        };
        for name in names {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if oldest.as_ref().is_some_and(|oldest| name < *oldest) {
                lone.earlier += usize::from(is_others(&name));
                continue;
            }
            let Some(by_name) = Header::of_name(&name) else {
                continue;
            };
            let log_path = format!("{LOGS}/{name}");
            if known.contains(&log_path) || memmem::find(older, log_path.as_bytes()).is_some() {
                continue;
            }
            match found(logs.found(&name)) {
                Ok(Some(found)) if found.is_file => {}
                Ok(_) => continue,
                Err(error) => {
                    lone.problems
                        .push(Problem::unread(&logs.path().join(&name), &error));
                    continue;
                }
            }
            match head(logs, &name) {
                Ok((text, bytes)) => {
                    let header = Header::parse(&text).unwrap_or(by_name);
                    let packages = header
                        .packages
                        .split(", ")
                        .filter(|package| !package.is_empty());
                    lone.runs.push(Run::Lone(LoneLog {
                        packages: packages.map(str::to_owned).collect(),
                        log_path,
                        action: header.action,
                        success: header.success,
                        at: header.at,
                        bytes,
                    }));
                }
                Err(error) => {
                    let problem = Problem::unread(&logs.path().join(&name), &error);
                    lone.problems.push(problem);
                }
            }
        }
        lone.runs.sort_by_key(Run::at);
        lone
    }
}

/// When `run` ended, as the names of logs begin.
fn ended(run: &Run) -> String {
    let by_name = run
        .log_name()
        .and_then(|name| name.get(..14))
        .map(str::to_owned);
    by_name.unwrap_or_else(|| run.ended_at().format("%Y%m%d%H%M%S").to_string())
}

/// Whether `name` is that of a log as AIM-Forge calls it: ours have a run's id, and so a record.
fn is_others(name: &str) -> bool {
    const LONGEST: usize = 40;
    name.len() < LONGEST && Header::of_name(name).is_some()
}

/// The beginning of a log, where its header is, and the log's size.
fn head(logs: &Folder, name: &str) -> io::Result<(String, u64)> {
    const LONGEST_HEADER: u64 = 16 * 1024;
    let (file, bytes) = logs.open_file(name)?;
    let mut head = Vec::new();
    file.take(LONGEST_HEADER).read_to_end(&mut head)?;
    Ok((String::from_utf8_lossy(&head).into_owned(), bytes))
}
