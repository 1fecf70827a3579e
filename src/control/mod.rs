//! `aim-worker`: the workers of projects, controlled through the daemon.
//!
//! Start reading at [`run`]. Each command is one call of [`Client`] and the words for its reply.
//!
//! **Invariant:** starts no process and reads no file of the daemon's: what the daemon says is all that is known.

mod cli;
mod json_text;
mod logs;
mod node;
mod restart;
mod status;

pub use cli::{Cli, Command, LogsArgs, RunArgs, WhenArgs, command};

use chrono::Utc;

use crate::api::{Address, Client};
use crate::console::{self, CommonArgs, Console};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::project::Project;
use crate::words::t;

/// Does what the command line says.
///
/// # Errors
/// `Exit::NoDaemon` without a daemon, `Exit::NotFound` without a project, `Exit::Usage` for a node or an input that
/// cannot be run, `Exit::Failed` when the worker does not start.
pub fn run(host: &Host, cli: Cli) -> Result<Exit> {
    let common = &cli.common;
    let mut console = Console::new(host, common);
    match cli.command {
        Command::List => list(&mut console, &Client::connect(host)?)?,
        Command::Status => print_status(&mut console, &Reached::of(host, common)?)?,
        Command::Start => restart::start(&mut console, &Reached::of(host, common)?)?,
        Command::Stop(args) => restart::stop(&mut console, &Reached::of(host, common)?, args)?,
        Command::Restart(args) => {
            restart::restart(&mut console, &Reached::of(host, common)?, args)?;
        }
        Command::Logs(args) => logs::print(&mut console, &Reached::of(host, common)?, args)?,
        Command::Run(args) => {
            // What was typed is judged before the daemon is asked for anything.
            let input = node::input(&args)?;
            return node::run(
                &mut console,
                host,
                &Reached::of(host, common)?,
                &args,
                input,
            );
        }
    }
    Ok(Exit::Done)
}

/// A daemon, and the project there that is meant.
struct Reached {
    client: Client,
    project: Project,
}

impl Reached {
    fn of(host: &Host, common: &CommonArgs) -> Result<Self> {
        Ok(Self {
            client: Client::connect(host)?,
            project: console::project(host, common)?,
        })
    }

    /// The project as the daemon's calls name it.
    fn address(&self) -> Address {
        Address::from(&self.project)
    }
}

fn print_status(console: &mut Console, reached: &Reached) -> Result<()> {
    let status = reached.client.worker(reached.address())?;
    if console.is_json() {
        return console.json(&status);
    }
    for line in status::lines(&status, Utc::now()) {
        console.line(line)?;
    }
    Ok(())
}

fn list(console: &mut Console, client: &Client) -> Result<()> {
    let projects = client.projects()?;
    if console.is_json() {
        return console.json(&projects);
    }
    if projects.is_empty() {
        console.note(t!("control.no_projects"));
        return Ok(());
    }
    let text = status::table(&projects).to_text(console.width());
    console.text(text)
}

/// The worker on the newest environment did not start. `why` may begin with the sentence itself, as replies do, in
/// either language.
fn refresh_failed(why: &str) -> Error {
    let why = ["환경 갱신 실패:", "environment refresh failed:"]
        .iter()
        .find_map(|sentence| why.strip_prefix(sentence))
        .unwrap_or(why)
        .trim_start();
    Error::failed(t!("control.refresh_failed", why = why)).hint(t!("control.hint_logs"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{self, Language};

    #[test]
    fn a_failed_refresh_is_said_once_and_in_the_persons_language() {
        for why in [
            "python is gone",
            "환경 갱신 실패: python is gone",
            "environment refresh failed: python is gone",
        ] {
            words::choose(Language::English);
            let error = refresh_failed(why);
            assert_eq!(
                error.to_string(),
                "environment refresh failed: python is gone"
            );
            assert!(error.hints()[0].contains("aim-worker logs"));
            words::choose(Language::Korean);
            assert_eq!(
                refresh_failed(why).to_string(),
                "환경 갱신 실패: python is gone"
            );
        }
    }
}
