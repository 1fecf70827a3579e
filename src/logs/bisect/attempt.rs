//! The command, run in one view after another.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGQUIT};
use uuid::Uuid;

use super::search::Verdict;
use crate::exec::ChildStatus;
use crate::host::Host;
use crate::project::Venv;
use crate::store::places;
use crate::system;

/// How much is kept of what the command says, from its end.
const KEPT: u64 = 16 << 10;
/// The status by which a command says that it cannot tell (git-bisect(1)).
const SKIP: i32 = 125;
/// The status that shells give where there is no such program, or none that can run.
const NOT_THERE: i32 = 127;

/// The command.
pub(super) struct Attempts<'a> {
    host: &'a Host,
    program: &'a OsString,
    args: &'a [OsString],
    /// The person sees what it says.
    is_shown: bool,
    was_interrupted: Arc<AtomicBool>,
}

/// What came of one attempt.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: ChildStatus,
    pub(super) took: Duration,
    /// The end of what it said, where the person has not seen it.
    pub(super) said: Vec<u8>,
}

impl Outcome {
    /// What it means; none where the command was stopped, or wants everything to be.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        match self.status {
            ChildStatus::Exited(0) => Some(Verdict::Good),
            ChildStatus::Exited(SKIP) => Some(Verdict::Skip),
            ChildStatus::Exited(1..=127) => Some(Verdict::Bad),
            ChildStatus::Exited(_) | ChildStatus::Signaled(_) => None,
        }
    }
}

impl<'a> Attempts<'a> {
    /// Of the command `words`, which has a first one.
    ///
    /// # Errors
    /// That signals cannot be waited for.
    pub(super) fn of(
        host: &'a Host,
        (program, args): (&'a OsString, &'a [OsString]),
        is_shown: bool,
    ) -> io::Result<Self> {
        // The terminal sends these to both: the command ends, and then this does.
        let was_interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGQUIT] {
            signal_hook::flag::register(signal, Arc::clone(&was_interrupted))?;
        }
        Ok(Self {
            host,
            program,
            args,
            is_shown,
            was_interrupted,
        })
    }

    /// Whether the person wants no more.
    pub(super) fn was_interrupted(&self) -> bool {
        self.was_interrupted.load(Ordering::Relaxed)
    }

    /// Runs the command in the environment `venv`, with nobody at its keyboard.
    ///
    /// # Errors
    /// What the system says, but that there is no such program.
    pub(super) fn run(&self, venv: &Venv) -> io::Result<Outcome> {
        let mut command = self.command(venv);
        let heard = if self.is_shown {
            None
        } else {
            let heard = nameless(venv)?;
            command
                .stdout(heard.try_clone()?)
                .stderr(heard.try_clone()?);
            Some(heard)
        };
        let since = Instant::now();
        let status = match command.status() {
            Ok(status) => status.into(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => ChildStatus::Exited(NOT_THERE),
            Err(error) => return Err(error),
        };
        Ok(Outcome {
            status,
            took: since.elapsed(),
            said: heard.map_or(Ok(Vec::new()), |heard| end_of(&heard))?,
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the command that is asked")]
    fn command(&self, venv: &Venv) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(self.args)
            .env_remove("PYTHONHOME")
            .env_remove("VIRTUAL_ENV_PROMPT")
            .envs(venv.variables(self.host.var_os("PATH")))
            .stdin(Stdio::null());
        system::end_with_parent(&mut command);
        command
    }
}

/// A new file that has no name any more, beside the view `venv`.
fn nameless(venv: &Venv) -> io::Result<File> {
    let folder = places::environment(&venv.layout())?;
    let name = format!("{}.out", Uuid::now_v7());
    let file = folder.create_new(&name)?;
    folder.remove(&name)?;
    Ok(file)
}

fn end_of(file: &File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let from = length.saturating_sub(KEPT);
    let mut text = vec![0; usize::try_from(length - from).unwrap_or_default()];
    file.read_exact_at(&mut text, from)?;
    Ok(text)
}
