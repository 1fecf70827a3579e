//! The service manager itself, asked by its own command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Serialize;

use super::units::{AGENT, SERVICE, SOCKET};
use crate::error::{Error, Explain as _, Result};
use crate::host::Host;
use crate::system::ServiceManager;
use crate::terminal::printable;
use crate::words::t;

/// A service manager that answers.
#[derive(Debug)]
pub(super) struct Manager<'h> {
    host: &'h Host,
    program: PathBuf,
    kind: ServiceManager,
}

/// How a part of the service is.
#[derive(Debug, Serialize)]
pub(super) struct State {
    pub(super) name: &'static str,
    pub(super) state: String,
}

impl<'h> Manager<'h> {
    /// The one of this system.
    ///
    /// # Errors
    /// When it is not there, or does not run for this person: in a container, say, or where nobody has logged in.
    pub(super) fn of(host: &'h Host, kind: ServiceManager) -> Result<Self> {
        let name = match kind {
            ServiceManager::Systemd => "systemctl",
            ServiceManager::Launchd => "launchctl",
        };
        let absent = |why: String| {
            let absent = Error::failed(t!("backend.service.no_manager", why = why));
            absent.hint(t!("backend.service.hint_autostart"))
        };
        let program = which::which_in(name, host.var_os("PATH"), "/")
            .map_err(|_| absent(t!("backend.service.no_program", name = name).into_owned()))?;
        let manager = Self {
            host,
            program,
            kind,
        };
        if kind == ServiceManager::Systemd {
            let asked = manager.run(&["show", "--property=Version"])?;
            if !asked.status.success() {
                return Err(absent(words(&asked)));
            }
        }
        Ok(manager)
    }

    /// Has it take up the files that were written to `folder`.
    pub(super) fn begin(&self, folder: &Path) -> Result<()> {
        match self.kind {
            ServiceManager::Systemd => {
                self.ask(&["daemon-reload"])?;
                self.ask(&["enable", "--now", SOCKET])
            }
            ServiceManager::Launchd => {
                self.ask(&["load", "-w", &folder.join(AGENT).to_string_lossy()])
            }
        }
    }

    /// Has it end the daemon and begin it no more. To be called before the files go.
    pub(super) fn end(&self, folder: &Path) -> Result<()> {
        match self.kind {
            ServiceManager::Systemd => self.ask(&["disable", "--now", SOCKET, SERVICE]),
            ServiceManager::Launchd => {
                self.ask(&["unload", "-w", &folder.join(AGENT).to_string_lossy()])
            }
        }
    }

    /// Tells it that the files are gone.
    pub(super) fn forget(&self) -> Result<()> {
        match self.kind {
            ServiceManager::Systemd => self.ask(&["daemon-reload"]),
            ServiceManager::Launchd => Ok(()),
        }
    }

    /// How the socket and the daemon are, in its own words: `active`, `inactive`, `failed`.
    pub(super) fn states(&self) -> Vec<State> {
        match self.kind {
            ServiceManager::Systemd => [SOCKET, SERVICE]
                .into_iter()
                .map(|name| {
                    let asked = self.run(&["is-active", name]);
                    let state = asked.map(|asked| first_line(&asked.stdout));
                    State {
                        name,
                        state: state.unwrap_or_default(),
                    }
                })
                .collect(),
            ServiceManager::Launchd => Vec::new(),
        }
    }

    fn ask(&self, args: &[&str]) -> Result<()> {
        let asked = self.run(args)?;
        if asked.status.success() {
            return Ok(());
        }
        let call = format!("{} {}", self.program.display(), args.join(" "));
        Err(Error::failed(t!(
            "backend.service.refused",
            call = call,
            why = words(&asked)
        )))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the service manager"
    )]
    fn run(&self, args: &[&str]) -> Result<Output> {
        let mut command = Command::new(&self.program);
        if self.kind == ServiceManager::Systemd {
            command.arg("--user");
        }
        let asked = command
            .args(args)
            .env_clear()
            .envs(self.host.vars())
            .stdin(Stdio::null())
            .output();
        asked.context(t!(
            "backend.service.no_program",
            name = self.program.display()
        ))
    }
}

fn words(asked: &Output) -> String {
    first_line(&asked.stderr)
}

fn first_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    printable(said.lines().next().unwrap_or_default())
        .trim()
        .to_owned()
}
