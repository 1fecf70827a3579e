//! How a daemon moves to another program, in the same process: `aim-backend restart`.
//!
//! What it has is written down as an [`Estate`]: words, and the numbers of descriptors that stay open. That goes to a
//! file without a name, whose number the next program is told by a variable; then it takes the place of this one by
//! `exec`. The process stays the same one, and so children, a service manager and the notes in environments notice
//! nothing. Each room says itself what it hands over and takes it up again: `socket`, `doors`, `terminal`.
//!
//! **Invariant:** what the next program does not understand it closes, which ends what hangs on it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::doors::HandedTcp;
use super::handed::{Handed, adopt};
use super::service_manager;
use super::socket::HandedPlace;
use super::terminal::HandedTerminal;
use crate::env_vars;
use crate::host::Host;
use crate::system;

/// The form of an estate. Another number is for a form that a program which knows this one would misread.
const SCHEMA: u32 = 1;

/// All that is handed over.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Estate {
    schema: u32,
    /// Of the program that wrote this.
    pub(super) version: String,
    pub(super) place: HandedPlace,
    pub(super) tcp: Option<HandedTcp>,
    pub(super) terminals: Vec<HandedTerminal>,
}

impl Estate {
    pub(super) fn new(
        place: HandedPlace,
        tcp: Option<HandedTcp>,
        terminals: Vec<HandedTerminal>,
    ) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            place,
            tcp,
            terminals,
        }
    }

    fn descriptors(&self) -> impl Iterator<Item = &Handed> {
        let place = self.place.descriptors().into_iter();
        let tcp = self.tcp.iter().map(HandedTcp::descriptor);
        let terminals = self.terminals.iter().map(HandedTerminal::descriptor);
        place.chain(tcp).chain(terminals)
    }

    /// Has `program` take the place of this one; returns only when neither it nor this one can be started again.
    pub(super) fn pass_on(&self, host: &Host, program: &Path) -> io::Error {
        let file = match self.written() {
            Ok(file) => file,
            Err(error) => return error,
        };
        let number = file.as_raw_fd().to_string();
        let own = system::OWN_PROGRAM.map(Path::new).or(host.exe());
        let programs = [Some(program), own].into_iter().flatten();
        let mut why = io::Error::from(io::ErrorKind::NotFound);
        for program in programs {
            why = exec(host, program, &number);
            tracing::error!(program = %program.display(), error = %why, "the program cannot be started");
        }
        why
    }

    /// As a file without a name, which outlives an exec as all descriptors in it do.
    fn written(&self) -> io::Result<File> {
        let mut file = system::unnamed_file()?;
        serde_json::to_writer(io::BufWriter::new(&mut file), self)?;
        file.flush()?;
        file.rewind()?;
        for descriptor in self.descriptors() {
            descriptor.outlive_exec()?;
        }
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
        Ok(file)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the daemon goes on in another program"
)]
fn exec(host: &Host, program: &Path, estate: &str) -> io::Error {
    // A socket that a service manager gave is handed over as the daemon's own is.
    let is_kept = |name: &std::ffi::OsStr| !service_manager::is_of_given_socket(name);
    Command::new(program)
        .args(host.args().iter().skip(1))
        .env_clear()
        .envs(host.vars().filter(|(name, _)| is_kept(name)))
        .env(env_vars::HANDED_OVER, estate)
        .exec()
}

/// What the program before this one handed over, if it did. To be asked before anything else is opened.
///
/// # Errors
/// When it is not understood: then all of it is closed.
pub(super) fn received(host: &Host) -> Option<io::Result<Estate>> {
    let number = host.var(env_vars::HANDED_OVER)?;
    let estate = read(number);
    if estate.is_err() {
        system::close_others();
    }
    Some(estate)
}

fn read(number: &str) -> io::Result<Estate> {
    #[derive(Deserialize)]
    struct Form {
        schema: u32,
    }
    let number = number.parse().map_err(io::Error::other)?;
    let mut text = Vec::new();
    File::from(adopt(number)?.into_inner()).read_to_end(&mut text)?;
    let form: Form = serde_json::from_slice(&text)?;
    if form.schema != SCHEMA {
        let why = format!(
            "it has the form {}, and this version knows {SCHEMA}",
            form.schema
        );
        return Err(io::Error::other(why));
    }
    Ok(serde_json::from_slice(&text)?)
}
