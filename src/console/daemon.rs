//! The daemon of a command that needs one: the one that runs, else one that is started now.
//!
//! Start reading at [`needed`]. What is started is `aim-backend serve --on-demand`, apart from this command in all that
//! a program gets from the one that starts it (decision 0033); which of two that are started at once serves, the place
//! decides (`backend/socket.rs`). A command that only looks asks `Client::connect` and starts nothing.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::output::Console;
use super::reach;
use crate::api::Client;
use crate::api::v1::PROGRAM;
use crate::env_vars;
use crate::error::{Error, Exit, Explain as _, Result};
use crate::exec;
use crate::files::Folder;
use crate::host::Host;
use crate::project::{Config, Project, UserLayout};
use crate::words::{self, t};

/// How long a daemon that is started may take until it serves; one that ends at that moment is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of a daemon's log, after which it becomes the older one.
const LONGEST_LOG: u64 = 4 << 20;

/// What of this command's surroundings says nothing about the daemon's.
const OF_THE_CALLER: &[&str] = &[
    env_vars::BYPASS,
    env_vars::COMPLETE,
    env_vars::GUARD,
    env_vars::HANDED_OVER,
    env_vars::TERMINAL,
    env_vars::WORKER_MARK,
    "OLDPWD",
    "PWD",
];

/// The daemon of `project`, else of this person; where none runs, one is started, and a terminal is told so.
///
/// # Errors
/// As [`Client::connect`], where `autostart` is off or there is no `aim-backend`; why the daemon did not start.
pub fn needed(host: &Host, console: &mut Console, project: Option<&Project>) -> Result<Client> {
    let absent = match reach::connect(console, host, project) {
        Err(error) if error.exit() == Exit::NoDaemon => error,
        Err(error) => return Err(error),
        Ok(client) => {
            say_version(console, &client);
            return Ok(client);
        }
    };
    let config = Config::load(host, project.map(Project::layout).as_ref());
    let Some(program) = program(host).filter(|_| config.autostart.value) else {
        return Err(absent);
    };
    {
        let said = t!("console.daemon.starting").into_owned();
        let _line = console
            .waiting(move |_| Some(said.clone()))
            .until_interrupted();
        start(host, &program)?;
    }
    let client = Client::connect(host, project)?;
    if console.talks_to_terminal() {
        console.aside(t!("console.daemon.started"));
    }
    Ok(client)
}

/// The `aim-backend` beside this program, else the one on PATH.
pub fn program(host: &Host) -> Option<PathBuf> {
    host.beside(PROGRAM)
        .or_else(|| which::which_in(PROGRAM, host.var_os("PATH"), host.cwd()?).ok())
}

/// Starts `program`, and returns when it serves, or another one does.
fn start(host: &Host, program: &Path) -> Result<()> {
    let mut log = Log::open(host);
    let mut child = spawn(host, program, log.as_ref().ok()).context(t!(
        "console.daemon.cannot_start",
        program = program.display()
    ))?;
    if says_where(&mut child) {
        return Ok(());
    }
    let why = if let Ok(None) = child.try_wait() {
        t!("console.daemon.silent", pid = child.id()).into_owned()
    } else {
        let said = log.as_mut().ok().and_then(Log::last_words);
        said.unwrap_or_else(|| t!("console.daemon.said_nothing").into_owned())
    };
    let failed = Error::failed(t!("console.daemon.did_not_start", why = why));
    Err(match log {
        Ok(log) => failed.hint(t!("console.daemon.hint_log", path = log.path.display())),
        Err(error) => failed.hint(t!("console.daemon.hint_no_log", why = error)),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the daemon that a command starts begins here"
)]
fn spawn(host: &Host, program: &Path, log: Option<&Log>) -> io::Result<Child> {
    let log = log.map(|log| log.file.try_clone()).transpose()?;
    let is_passed_on = |name: &std::ffi::OsStr| !OF_THE_CALLER.iter().any(|own| name == *own);
    let mut command = Command::new(program);
    command
        .args(["serve", "--on-demand"])
        .env_clear()
        .envs(host.vars().filter(|(name, _)| is_passed_on(name)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.map_or_else(Stdio::null, Stdio::from));
    if let Some(socket) = host.path_var(env_vars::SOCKET) {
        command.env(env_vars::SOCKET, host.absolute(socket));
    }
    exec::detach(&mut command);
    command.spawn()
}

/// Waits for the line that a daemon prints once it serves; false when it ends before, or takes too long.
fn says_where(child: &mut Child) -> bool {
    let Some(stdout) = child.stdout.take() else {
        return false;
    };
    let limit = Timespec::try_from(PATIENCE).ok();
    let is_ready = poll(&mut [PollFd::new(&stdout, PollFlags::IN)], limit.as_ref());
    let mut line = String::new();
    let is_said = is_ready.is_ok_and(|count| count > 0)
        && BufReader::new(stdout).read_line(&mut line).is_ok()
        && line.ends_with('\n');
    if !is_said && is_ready.is_ok_and(|count| count > 0) {
        // Its output is closed: it has ended, or will have in a moment.
        let _ = child.wait();
    }
    is_said
}

/// Where a daemon that a command starts says what it does.
struct Log {
    path: PathBuf,
    file: File,
    /// Where its words begin.
    from: u64,
}

impl Log {
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's own folder of the daemon's state"
    )]
    fn open(host: &Host) -> io::Result<Self> {
        let layout = UserLayout::of(host).ok_or(io::ErrorKind::NotFound)?;
        let path = layout.daemon_log();
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        std::fs::create_dir_all(folder)?;
        let folder = Folder::open(folder)?;
        let mut file = folder.open_to_append(name)?;
        if file.metadata()?.len() > LONGEST_LOG {
            let mut older = name.to_owned();
            older.push(".1");
            folder.rename(name, &folder, &older)?;
            file = folder.open_to_append(name)?;
        }
        let from = file.metadata()?.len();
        Ok(Self { path, file, from })
    }

    /// Why it ended, as it said it to people: its events are for programs.
    fn last_words(&mut self) -> Option<String> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(self.from)).ok()?;
        (&self.file).take(LONGEST_LOG).read_to_end(&mut text).ok()?;
        let text = String::from_utf8_lossy(&text);
        let labels = words::labels();
        let lines = text
            .lines()
            .skip_while(|line| line.starts_with('{') || line.is_empty());
        let said: Vec<&str> = lines
            .take_while(|line| !line.is_empty())
            .map(|line| {
                let line = line.trim();
                let mut labels = [&labels.error, &labels.caused_by].into_iter();
                labels
                    .find_map(|label| line.strip_prefix(label.as_str())?.strip_prefix(": "))
                    .unwrap_or(line)
            })
            .collect();
        (!said.is_empty()).then(|| said.join(": "))
    }
}

/// Tells a terminal of a daemon of another version than this command: what both know goes well.
fn say_version(console: &mut Console, client: &Client) {
    const OURS: &str = env!("CARGO_PKG_VERSION");
    let Some(theirs) = client
        .version()
        .version
        .as_deref()
        .filter(|theirs| *theirs != OURS)
    else {
        return;
    };
    if !console.talks_to_terminal() || !client.health().is_ok_and(|health| health.is_ours()) {
        return;
    }
    let theirs = crate::terminal::printable(theirs);
    console.aside(if order(&theirs, OURS) == Ordering::Greater {
        t!("console.daemon.newer", theirs = theirs, ours = OURS)
    } else {
        t!("console.daemon.older", theirs = theirs, ours = OURS)
    });
}

/// How two versions of the toolkit follow each other.
fn order(one: &str, other: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u64> {
        let parts = version.split(|c: char| !c.is_ascii_digit());
        parts.map_while(|part| part.parse().ok()).collect()
    };
    numbers(one).cmp(&numbers(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (one, other, expected) in [
            ("0.9.0", "0.10.0", Ordering::Less),
            ("1.0.0", "0.10.0", Ordering::Greater),
            ("0.1.0", "0.1.0", Ordering::Equal),
            ("0.1.1-dev", "0.1.0", Ordering::Greater),
        ] {
            assert_eq!(order(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_last_words_are_those_for_people() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let state = dir.path().join("state");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", &state);
        let path = state.join("aim-toolkit/backend.log");
        let mut log = Log::open(&host).expect("a log");
        assert_eq!(log.last_words(), None);
        let said = "{\"level\":\"INFO\"}\nerror: cannot lock /x\n  caused by: denied\n\nhint: no\n";
        std::fs::write(&path, said).expect("write");
        assert_eq!(log.last_words().as_deref(), Some("cannot lock /x: denied"));
        let mut next = Log::open(&host).expect("a log");
        assert_eq!(next.last_words(), None, "those of another daemon");
    }

    #[test]
    fn a_long_log_becomes_the_older_one() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"]).with_var("XDG_STATE_HOME", dir.path());
        let path = Log::open(&host).expect("a log").path;
        let much = vec![b'x'; usize::try_from(LONGEST_LOG).expect("fits") + 1];
        std::fs::write(&path, much).expect("write");
        let log = Log::open(&host).expect("a log");
        assert_eq!((log.from, log.path.clone()), (0, path.clone()));
        assert!(path.with_extension("log.1").is_file());
    }

    #[test]
    fn a_command_without_the_daemons_program_says_what_it_always_said() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let host = Host::fake(["x"])
            .with_cwd(dir.path())
            .with_var(env_vars::SOCKET, dir.path().join("s"));
        let (mut console, _, _) =
            super::super::testing::console(&crate::console::CommonArgs::default());
        let error = needed(&host, &mut console, None).expect_err("nobody serves");
        assert_eq!(error.exit(), Exit::NoDaemon);
    }
}
