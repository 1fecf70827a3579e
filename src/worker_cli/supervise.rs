//! `aim-worker supervise`: a command in this terminal, restarted when the environment has changed. No daemon is asked.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use super::cli::SuperviseArgs;
use super::reached;
use crate::console::style::{FAINT, paint};
use crate::console::{CommonArgs, Console, changes, describe, few, shell, time};
use crate::error::{Error, Exit, Result};
use crate::exec::{self, ChildStatus, SocketPlaces};
use crate::hook;
use crate::host::Host;
use crate::project::{Project, is_of_command_name};
use crate::supervise::{
    Changed, Doors, ListenError, Note, Observer, Order, Supervised, Told, name_of,
};
use crate::terminal::printable;
use crate::words::t;

/// Changes named in a line.
const NAMED: usize = 4;
/// Commands of one name in one environment.
const MOST: u32 = 1000;

/// Runs the command, and ends as it ends.
///
/// # Errors
/// `Exit::NoCommand` where there is no such program, `Exit::CannotRun` where it cannot be started, `Exit::Failed` for
/// an address in use or a name that another one has.
pub(super) fn run(
    host: &Host,
    common: &CommonArgs,
    args: SuperviseArgs,
    console: &mut Console,
) -> Result<Infallible> {
    let places = SocketPlaces::keep(args.listen.len())?;
    let doors = Doors::open(&args.listen).map_err(|error| cannot_listen(&error))?;
    let project = reached::project(host, common, console)?;
    if !hook::is_installed(project.venv()).unwrap_or(true) {
        let path = shell::path(&host.shown(project.venv().root()));
        console.aside(t!("worker_cli.supervise.never_set_up", path = path));
    }
    let listens: Vec<String> = args.listen.iter().map(ToString::to_string).collect();
    let mut order = Order {
        name: args
            .name
            .clone()
            .unwrap_or_else(|| file_name(&name_of(&args.command))),
        words: args.command,
        on: args.on,
        signal: args.signal,
        grace: args.grace,
        after_change: args.after_change,
    };
    let known_by = (args.name.is_some(), args.order.as_deref());
    let mut note = noted(&project, &mut order, &listens, known_by)?;
    let mut teller = Teller {
        console,
        name: order.name.clone(),
    };
    let ended = crate::supervise::run(
        &order,
        &project,
        host,
        (&places, doors),
        &mut note,
        &mut teller,
    );
    drop(note);
    let program = printable(&order.words[0].to_string_lossy());
    exec::leave(ended.map_err(|error| cannot_start(error, &program))?)
}

/// A name as a file can have it.
fn file_name(name: &str) -> String {
    let plain = |c: char| if is_of_command_name(c) { c } else { '-' };
    let name: String = name
        .trim_start_matches('.')
        .chars()
        .map(plain)
        .take(60)
        .collect();
    if name.is_empty() {
        "command".to_owned()
    } else {
        name
    }
}

/// Takes the order's name, or the next one that is free where nobody chose it.
fn noted(
    project: &Project,
    order: &mut Order,
    listens: &[String],
    (is_chosen, digest): (bool, Option<&str>),
) -> Result<Note> {
    let usual = order.name.clone();
    for number in 2..MOST {
        match Note::begin(project, order, listens.to_vec(), digest) {
            Ok(note) => return Ok(note),
            Err(other) if is_chosen => return Err(name_taken(&other)),
            Err(_) => order.name = format!("{usual}-{number}"),
        }
    }
    Err(Error::failed(t!(
        "worker_cli.supervise.too_many",
        name = usual
    )))
}

fn name_taken(other: &Supervised) -> Error {
    Error::failed(t!(
        "worker_cli.supervise.name_taken",
        name = other.name,
        pid = other.pid
    ))
    .hint(t!("worker_cli.supervise.hint_name"))
}

fn cannot_listen(error: &ListenError) -> Error {
    let address = error.address.to_string();
    match error.source.kind() {
        io::ErrorKind::AddrInUse => {
            Error::failed(t!("worker_cli.supervise.in_use", address = address))
                .hint(t!("worker_cli.supervise.hint_in_use"))
        }
        _ => Error::failed(&error.source)
            .context(t!("worker_cli.supervise.cannot_listen", address = address)),
    }
}

fn cannot_start(error: io::Error, program: &str) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound => Error::new(
            Exit::NoCommand,
            t!("worker_cli.supervise.not_found", program = program),
        ),
        _ => Error::from(error)
            .context(t!("worker_cli.supervise.cannot_run", program = program))
            .with_exit(Exit::CannotRun),
    }
}

/// A line on standard error for what happens.
struct Teller<'a> {
    console: &'a mut Console,
    name: String,
}

impl Observer for Teller<'_> {
    fn told(&mut self, told: &Told) {
        let line = format!("aim: {}", words(&self.name, told));
        let is_usual = match told {
            Told::Restarted { .. } | Told::Signaled { .. } => true,
            Told::HasRun { status, .. } => *status == ChildStatus::Exited(0),
            _ => false,
        };
        self.console
            .note(if is_usual { paint(FAINT, line) } else { line });
    }
}

fn words(name: &str, told: &Told) -> String {
    let name = printable(name);
    match told {
        Told::Restarted { why, took } => {
            let took = time::duration(*took);
            because(
                why,
                &t!("worker_cli.supervise.restarted", name = name, took = took),
            )
        }
        Told::Signaled { why, signal } => {
            let signal = describe::signal_name(*signal);
            because(
                why,
                &t!(
                    "worker_cli.supervise.signaled",
                    name = name,
                    signal = signal
                ),
            )
        }
        Told::HasRun { why, status, took } => {
            let took = time::duration(*took);
            because(
                why,
                &if *status == ChildStatus::Exited(0) {
                    t!("worker_cli.supervise.has_run", name = name, took = took)
                } else {
                    let why = how(*status);
                    t!(
                        "worker_cli.supervise.has_failed_after",
                        name = name,
                        why = why,
                        took = took
                    )
                },
            )
        }
        Told::Paced { pause } => t!(
            "worker_cli.supervise.paced",
            name = name,
            pause = shown(*pause)
        )
        .into_owned(),
        Told::LoadedUnknown => t!("worker_cli.supervise.loaded_unknown", name = name).into_owned(),
        Told::Killed { grace } => t!(
            "worker_cli.supervise.killed",
            name = name,
            grace = shown(*grace)
        )
        .into_owned(),
        Told::EndedAtOnce {
            why,
            status,
            goes_on,
        } => {
            let how = how(*status);
            because(
                why,
                &if *goes_on {
                    t!("worker_cli.supervise.ended_goes_on", name = name, how = how)
                } else {
                    t!("worker_cli.supervise.ended_waits", name = name, how = how)
                },
            )
        }
        Told::CannotStart {
            why,
            error,
            goes_on,
        } => {
            let error = printable(error);
            because(
                why,
                &if *goes_on {
                    t!(
                        "worker_cli.supervise.cannot_goes_on",
                        name = name,
                        why = error
                    )
                } else {
                    t!(
                        "worker_cli.supervise.cannot_waits",
                        name = name,
                        why = error
                    )
                },
            )
        }
    }
}

/// `words` after what has changed, if anything has.
fn because(why: &Changed, words: &str) -> String {
    let changes: Vec<_> = why.diff.changes().collect();
    let mut named = few(&changes, NAMED, |change| printable(&changes::words(change)));
    if named.is_empty() {
        named = few(&why.diff.affected(), NAMED, |name| printable(name));
    }
    let number = why.number.map(|number| format!(" ({number})"));
    if named.is_empty() {
        return words.to_owned();
    }
    let number = number.unwrap_or_default();
    format!("{}{number} · {words}", named.join(", "))
}

/// A time that somebody chose, as they would say it.
fn shown(grace: Duration) -> String {
    if grace.subsec_millis() == 0 {
        time::so_far(grace)
    } else {
        time::duration(grace)
    }
}

fn how(status: ChildStatus) -> String {
    match status {
        ChildStatus::Exited(code) => t!("worker_cli.exit_code", code = code).into_owned(),
        ChildStatus::Signaled(signal) => describe::signal_name(signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Change, Diff};
    use crate::store::Generation;
    use crate::words::{self as language, Language};

    fn changed(names: &[&str]) -> Changed {
        let change = |name: &&str| Change {
            name: (*name).to_owned(),
            from: Some("1".to_owned()),
            to: Some("2".to_owned()),
        };
        Changed {
            generation: Generation(7),
            number: None,
            diff: Diff {
                changed: names.iter().map(change).collect(),
                ..Diff::default()
            },
        }
    }

    #[test]
    fn a_line_says_what_changed_and_what_became_of_it() {
        let check = |told: Told, english: &str, korean: &str| {
            language::choose(Language::English);
            assert_eq!(words("web", &told), english);
            language::choose(Language::Korean);
            assert_eq!(words("web", &told), korean);
        };
        let restarted = |why| Told::Restarted {
            why,
            took: Duration::from_millis(400),
        };
        check(
            restarted(changed(&["six"])),
            "six 1 → 2 · web restarted in 400 ms",
            "six 1 → 2 · web 재시작됨(400밀리초)",
        );
        check(
            restarted(changed(&[])),
            "web restarted in 400 ms",
            "web 재시작됨(400밀리초)",
        );
        check(
            restarted(changed(&["a", "b", "c", "d", "e", "f"])),
            "a 1 → 2, b 1 → 2, c 1 → 2, d 1 → 2, … and 2 more · web restarted in 400 ms",
            "a 1 → 2, b 1 → 2, c 1 → 2, d 1 → 2, … 외 2개 · web 재시작됨(400밀리초)",
        );
        check(
            Told::LoadedUnknown,
            "web: nobody can tell what it has loaded, so each change restarts it",
            "web: 무엇을 불러왔는지 알 수 없어 변경될 때마다 재시작합니다",
        );
        let grace = Duration::from_secs(10);
        check(
            Told::Killed { grace },
            "web did not end within 10 s and was killed",
            "web 10초 안에 끝나지 않아 강제로 종료함",
        );
        check(
            Told::EndedAtOnce {
                why: changed(&[]),
                status: ChildStatus::Signaled(15),
                goes_on: true,
            },
            "web ended at once (SIGTERM); the one from before goes on",
            "web 시작하자마자 종료(SIGTERM), 이전 것이 계속 실행됩니다",
        );
    }

    #[test]
    fn any_program_has_a_name_that_a_file_can_have() {
        for (program, name) in [
            ("uvicorn", "uvicorn"),
            (".hidden", "hidden"),
            ("a b/c", "a-b-c"),
            ("..", "command"),
        ] {
            assert_eq!(file_name(program), name);
        }
    }
}
