//! `aim-worker logs`: what the worker said, as the daemon kept it, and what a command said that the daemon has run.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use serde_json::json;

use super::cli::LogsArgs;
use super::reached::Reached;
use super::supervised::none_of_name;
use crate::console::Console;
use crate::error::{Explain, Result};
use crate::files::Growing;
use crate::host::Host;
use crate::project::{Project, VenvLayout, is_command_name};
use crate::store::Notes;
use crate::words::t;

/// How often a log is looked at that is followed.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn print(console: &mut Console, reached: &Reached, args: &LogsArgs) -> Result<()> {
    let log = reached
        .client
        .worker_log(reached.address(), args.lines, args.follow)?;
    let printed = copy(console, log)?;
    if !printed && !console.is_json() {
        console.note(t!("worker_cli.log_empty"));
    }
    Ok(())
}

/// Prints what the command `name` said that the daemon has run in `project`. The log lies in the environment, and needs
/// no daemon.
///
/// # Errors
/// `Exit::NotFound` where there is none of that name.
pub(super) fn print_supervised(
    console: &mut Console,
    host: &Host,
    project: &Project,
    name: &str,
    args: &LogsArgs,
) -> Result<()> {
    let file = VenvLayout::log_of(name);
    let notes = Notes::of(project, VenvLayout::SUPERVISED);
    // No link is followed at it.
    let is_there = notes.and_then(|notes| notes.folder().open_file(&file));
    if !is_command_name(name) || is_there.is_err() {
        return Err(none_of_name(host, project, name));
    }
    let path = project.venv().layout().supervised().join(file);
    let mut log = Growing::at(path);
    let last = log.last_lines(args.lines)?;
    let said = Said {
        last: io::Cursor::new(last),
        log,
        is_followed: args.follow,
    };
    let printed = copy(console, said)?;
    if !printed && !console.is_json() {
        console.note(t!("worker_cli.log_empty_of", name = name));
    }
    Ok(())
}

/// A log from its last lines on, for ever where it is followed.
struct Said {
    last: io::Cursor<Vec<u8>>,
    log: Growing,
    is_followed: bool,
}

impl Read for Said {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.last.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let more = self.log.more()?;
            if more.is_empty() {
                if !self.is_followed {
                    return Ok(0);
                }
                std::thread::sleep(LOOK);
            }
            self.last = io::Cursor::new(more);
        }
    }
}

/// Prints `log` as it comes, as JSON one object a line; says whether there was anything.
fn copy(console: &mut Console, log: impl Read) -> Result<bool> {
    let mut log = BufReader::with_capacity(64 * 1024, log);
    let mut printed = false;
    let mut line = Vec::new();
    loop {
        if console.is_json() {
            line.clear();
            log.read_until(b'\n', &mut line)
                .context(t!("worker_cli.log_lost"))?;
        } else {
            let come = log.fill_buf().context(t!("worker_cli.log_lost"))?;
            line = come[..whole_characters(come)].to_vec();
            log.consume(line.len());
        }
        if line.is_empty() {
            return Ok(printed);
        }
        printed = true;
        if console.is_json() {
            let text = String::from_utf8_lossy(&line);
            console.json_line(&json!({ "text": text.trim_end_matches(['\n', '\r']) }))?;
        } else {
            console.foreign(&line)?;
        }
    }
}

/// How many of these bytes end with a whole character; all of them where they are no text.
fn whole_characters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CommonArgs, testing};

    #[test]
    fn the_log_is_copied_or_told_line_by_line() {
        fn check(json: bool, log: &str, expected: &str) {
            let (mut console, out, _) = testing::console(&CommonArgs {
                json,
                ..CommonArgs::default()
            });
            let printed = copy(&mut console, log.as_bytes()).expect("copied");
            assert_eq!(out.text(), expected);
            assert_eq!(printed, !log.is_empty());
        }
        check(false, "a\x1b[1m\nb", "a\x1b[1m\nb");
        check(
            true,
            "a\r\n가\nc",
            "{\"text\":\"a\"}\n{\"text\":\"가\"}\n{\"text\":\"c\"}\n",
        );
        check(true, "", "");
    }
}
