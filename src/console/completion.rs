//! The answer to a shell that asks after Tab what can be typed: the grammar's words, and the values of `candidate`.
//!
//! The scripts in `packaging/data/share` ask the command itself, with what was typed after `--` and the shell's name in
//! [`env_vars::COMPLETE`]; so they need no change where a command has a new option.

use std::ffi::OsString;
use std::io::Write as _;

use clap::CommandFactory;
use clap_complete::env::Shells;

use super::args::{CommonArgs, grammar};
use super::place;
use crate::env_vars;
use crate::host::Host;
use crate::project::Project;

/// Answers a shell that asks for what can be typed; whether one did.
pub(super) fn answer<P: CommandFactory>(host: &Host) -> bool {
    let shells = Shells::builtins();
    let Some(shell) = host
        .var(env_vars::COMPLETE)
        .and_then(|name| shells.completer(name))
    else {
        return false;
    };
    let mut text = Vec::new();
    let mut command = grammar::<P>();
    let words = line(host).to_vec();
    // A shell that asks can do nothing with an error.
    if shell
        .write_complete(&mut command, words, host.cwd(), &mut text)
        .is_ok()
    {
        let _ = std::io::stdout().write_all(&text);
    }
    true
}

/// The project that the line is about, as the command would find it.
pub fn project() -> Option<Project> {
    let host = Host::real();
    place::project(&host, &named(line(&host)), |_| None).ok()
}

/// The line that is completed.
fn line(host: &Host) -> &[OsString] {
    let args = host.args();
    let begin = args.iter().position(|word| word == "--");
    &args[begin.map_or(args.len(), |at| at + 1)..]
}

/// What a line that is not whole yet says of its project.
fn named(line: &[OsString]) -> CommonArgs {
    let value = |option: &str| {
        let mut words = line.iter().map(|word| word.to_string_lossy());
        while let Some(word) = words.next() {
            match word.strip_prefix(option) {
                Some("") => return words.next().map(std::borrow::Cow::into_owned),
                Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
                _ => {}
            }
        }
        None
    };
    CommonArgs {
        project: value("--project"),
        env: value("--env").map(Into::into),
        ..CommonArgs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_project_before_it_is_whole() {
        let check = |line: &str, project: Option<&str>, env: Option<&str>| {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            let found = named(&words);
            assert_eq!(found.project.as_deref(), project, "{line}");
            assert_eq!(found.env, env.map(Into::into), "{line}");
        };
        check("aim-logs show ", None, None);
        check("aim-logs --project demo show ", Some("demo"), None);
        check(
            "aim-logs show --project=a/b --env x",
            Some("a/b"),
            Some("x"),
        );
        check("aim-logs --projects x --project", None, None);
    }
}
