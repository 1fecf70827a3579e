//! `aim-worker logs`: what the worker said, as the daemon kept it.

use std::io::{BufRead, BufReader, Read};

use serde_json::json;

use super::cli::LogsArgs;
use super::reached::Reached;
use crate::console::Console;
use crate::error::{Explain, Result};
use crate::words::t;

pub(super) fn print(console: &mut Console, reached: &Reached, args: LogsArgs) -> Result<()> {
    let log = reached
        .client
        .worker_log(reached.address(), args.lines, args.follow)?;
    let printed = copy(console, log)?;
    if !printed && !console.is_json() {
        console.note(t!("worker_cli.log_empty"));
    }
    Ok(())
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
