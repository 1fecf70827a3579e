//! `aim-lsp -- COMMAND…`: between an editor and its language server.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::console::{self, CommonArgs};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::lsp::{Client, Environment, Launch, Note, Observer, Outcome, Strategy, Told};
use crate::project::Project;
use crate::words::t;

/// What is printed of what strays is no longer than this.
const LONGEST_STRAY: usize = 500;

pub(super) fn run(host: &Host, common: &CommonArgs, command: Vec<OsString>) -> Result<Exit> {
    if command.is_empty() {
        return Err(Error::usage(t!("lsp_cli.no_command")).hint(t!("lsp_cli.hint_command")));
    }
    let is_named = common.project.is_some() || common.env.is_some();
    let named = is_named.then(|| console::project(host, common, |_| None));
    let strategy = Strategy::of(&command);
    let mut proxy = Proxy {
        host,
        command,
        named: named.transpose()?,
        is_quiet: common.quiet,
        is_verbose: common.verbose,
        note: None,
    };
    let client = Client {
        input: copy(std::io::stdin())?,
        output: copy(std::io::stdout())?,
        stop: Some(stop()?),
    };
    let is_goodbye = crate::lsp::run(client, strategy, &mut proxy)?;
    Ok(if is_goodbye { Exit::Done } else { Exit::Failed })
}

/// The environment's own copy of the server comes before others.
fn prefer_own(command: &mut [OsString], project: &Project) {
    if let Some(program) = command.first_mut()
        && Path::new(program).components().count() == 1
    {
        let own = project.venv().script(&*program);
        if own.exists() {
            *program = own.into_os_string();
        }
    }
}

fn copy(stream: impl AsFd) -> Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(stream, 3)?)
}

/// Readable once somebody wants the end.
fn stop() -> Result<OwnedFd> {
    let (stop, told) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, told.try_clone()?)?;
    }
    Ok(stop.into())
}

/// What an editor has started. Its words go to standard error, which editors keep with a server's own log.
struct Proxy<'a> {
    host: &'a Host,
    command: Vec<OsString>,
    /// The project that was named on the command line.
    named: Option<Project>,
    is_quiet: bool,
    is_verbose: bool,
    note: Option<Note>,
}

impl Proxy<'_> {
    fn line(&self, words: &str) {
        if !self.is_quiet {
            // Nobody need read it.
            let _ = writeln!(anstream::stderr(), "aim-lsp: {words}");
        }
    }

    /// The project of the first folder of the editor's that has one: it may have been started elsewhere.
    fn project_of(&self, roots: &[PathBuf]) -> Option<Project> {
        let mut resolved = roots.iter().filter_map(|root| root.canonicalize().ok());
        resolved
            .find_map(|root| Project::containing(&root))
            .or_else(|| Project::of_host(self.host))
    }

    /// How servers are started, in the environment of `project` from now on.
    fn launch(&mut self, project: Option<&Project>) -> Launch {
        let mut launch = Launch {
            command: self.command.clone(),
            vars: Vec::new(),
            folder: None,
        };
        if let Some(project) = project {
            self.line(&t!(
                "lsp_cli.follows",
                path = project.venv().root().display()
            ));
            prefer_own(&mut launch.command, project);
            let vars = project.venv().variables(self.host.var_os("PATH"));
            launch.vars = vars
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect();
            self.note = Some(Note::begin(project, &launch.command));
        }
        launch
    }
}

impl Observer for Proxy<'_> {
    fn begin(&mut self, roots: &[PathBuf]) -> (Launch, Environment) {
        let project = self.named.take().or_else(|| self.project_of(roots));
        if project.is_none() {
            self.line(&t!("lsp_cli.no_environment"));
        }
        (self.launch(project.as_ref()), Environment::of(project))
    }

    fn appeared(&mut self, roots: &[PathBuf]) -> Option<(Launch, Environment)> {
        let project = self.project_of(roots)?;
        // One that is being made just now has no interpreter yet.
        project.venv().python().ok()?;
        Some((self.launch(Some(&project)), Environment::of(Some(project))))
    }

    fn started(&mut self, number: u32, pid: u32) {
        if self.is_verbose {
            self.line(&t!("lsp_cli.started", number = number, pid = pid));
        }
        if let Some(note) = &mut self.note {
            note.started(pid);
        }
    }

    fn told(&mut self, told: &Told) {
        let words = match told {
            Told::Synced {
                generation,
                how,
                took,
            } => {
                let millis = took.as_millis();
                match how {
                    Outcome::Injected => {
                        t!("lsp_cli.injected", generation = generation, ms = millis)
                    }
                    Outcome::Replaced => {
                        t!("lsp_cli.replaced", generation = generation, ms = millis)
                    }
                    Outcome::Nothing => t!("lsp_cli.nothing", generation = generation),
                }
            }
            Told::NoSign => t!("lsp_cli.no_sign"),
            Told::Late => t!("lsp_cli.late"),
            Told::Ended { words, in_a_row } => {
                t!("lsp_cli.ended", words = words, n = in_a_row)
            }
        };
        self.line(&words);
        if let Some(note) = &mut self.note {
            note.told(told);
        }
    }

    fn said(&mut self, text: &[u8]) {
        let _ = std::io::stderr().write_all(text);
    }

    fn strayed(&mut self, of_client: bool, text: &[u8]) {
        let text = String::from_utf8_lossy(&text[..text.len().min(LONGEST_STRAY)]);
        let text = text.trim_end();
        let words = if of_client {
            t!("lsp_cli.client_strayed", text = text)
        } else {
            t!("lsp_cli.server_strayed", text = text)
        };
        self.line(&words);
    }

    fn generation(&mut self, generation: u64) {
        if let Some(note) = &mut self.note {
            note.generation(generation);
        }
    }
}
