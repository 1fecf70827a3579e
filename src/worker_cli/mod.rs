//! `aim-worker`: the workers of projects, controlled through the daemon.
//!
//! Start reading at [`run`]. Each command is one call of [`Client`] and the words for its reply, but for what needs no
//! daemon: `supervise` and what is asked of supervised commands (`supervised`), `run --here` and `run --at`.
//!
//! **Invariant:** reads no file of the daemon's: what the daemon says is all that is known. Starts no process but for
//! those commands and nodes, and the daemon itself where a command needs one (`console`).

mod attended;
mod cli;
mod flow;
mod flow_list;
mod here;
mod interrupt;
mod logs;
mod nearest;
mod node;
mod reached;
mod reply;
mod restart;
mod status;
mod structure;
mod supervise;
mod supervised;

pub use cli::{
    Cli, Command, FlowArgs, InterruptArgs, LogsArgs, NodeValue, RestartArgs, RunArgs, StartArgs,
    StopArgs, SuperviseArgs, WhenArgs, command,
};

use chrono::Utc;

use self::reached::Reached;
use self::status::Status;
use self::supervised::Found;
use crate::api::{Client, if_offered};
use crate::console::{Console, connect};
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::project::Project;
use crate::words::t;

/// Does what the command line says.
///
/// # Errors
/// `Exit::NoDaemon` without a daemon where none is started, `Exit::NotFound` without a project, `Exit::Usage` for a
/// node or an input that cannot be run, `Exit::Failed` when the daemon or the worker does not start.
pub fn run(host: &Host, cli: Cli) -> Result<Exit> {
    let common = &cli.common;
    let mut console = Console::new(host, common);
    match cli.command {
        Command::List => {
            let here = Project::of_host(host);
            let supervised = supervised::everywhere(host, here.as_ref());
            match connect(&console, host, here.as_ref()) {
                Ok(client) => list(&mut console, &client, &supervised)?,
                Err(error) => supervised::without_daemon(&mut console, &supervised, error)?,
            }
        }
        Command::Status => match Reached::of(host, common, &mut console) {
            Ok(reached) => print_status(&mut console, host, &reached)?,
            Err(error) => {
                let here = reached::project(host, common, &mut console).ok();
                let found = here.as_ref().map(|here| supervised::of(host, here));
                supervised::without_daemon(&mut console, found.as_slice(), error)?;
            }
        },
        Command::Start(args) => {
            if let Some(name) = &args.name {
                let project = reached::project(host, common, &mut console)?;
                supervised::start(&mut console, host, &project, name)?;
            } else {
                let reached = Reached::or_started(host, common, &mut console)?;
                restart::start(&mut console, &reached)?;
            }
        }
        Command::Stop(args) => {
            if let Some(name) = &args.name {
                let project = reached::project(host, common, &mut console)?;
                supervised::stop(&mut console, host, &project, name)?;
            } else {
                let reached = Reached::of(host, common, &mut console)?;
                restart::stop(&mut console, &reached, args.when)?;
            }
        }
        Command::Restart(args) => {
            if let Some(name) = &args.name {
                let project = reached::project(host, common, &mut console)?;
                supervised::restart(&mut console, host, &project, name)?;
            } else {
                let reached = Reached::or_started(host, common, &mut console)?;
                restart::restart(&mut console, &reached, args.when)?;
            }
        }
        Command::Supervise(args) => match supervise::run(host, common, args, &mut console)? {},
        Command::Interrupt(args) => {
            let reached = Reached::of(host, common, &mut console)?;
            interrupt::interrupt(&mut console, host, &reached, &args)?;
        }
        Command::Logs(args) => {
            if let Some(name) = &args.name {
                let project = reached::project(host, common, &mut console)?;
                logs::print_supervised(&mut console, host, &project, name, &args)?;
            } else {
                let reached = Reached::of(host, common, &mut console)?;
                logs::print(&mut console, &reached, &args)?;
            }
        }
        Command::Flow(args) => {
            let reached = Reached::or_started(host, common, &mut console)?;
            return flow::run(&mut console, host, &reached, args);
        }
        Command::Run(args) => {
            // What was typed is judged before the daemon is asked for anything.
            let input = node::input(&args)?;
            if args.here || args.at.is_some() {
                let project = reached::project(host, common, &mut console)?;
                return here::run(&mut console, host, &project, &args, &input);
            }
            let reached = Reached::or_started(host, common, &mut console)?;
            return node::run(&mut console, host, &reached, &args, input);
        }
    }
    Ok(Exit::Done)
}

fn print_status(console: &mut Console, host: &Host, reached: &Reached) -> Result<()> {
    // The order matters: the first call makes the project known to the daemon, and the second needs that.
    let worker = reached.client.worker(reached.address())?;
    let about = if_offered(reached.client.project(reached.address()))?;
    let found = supervised::of(host, &reached.project);
    let status = Status {
        worker,
        watching: about.and_then(|project| project.watching),
        supervised: found.running,
        not_running: found.not_running,
    };
    if console.is_json() {
        return console.json(&status);
    }
    for line in status.lines(Utc::now()) {
        console.line(line)?;
    }
    Ok(())
}

fn list(console: &mut Console, client: &Client, supervised: &[Found]) -> Result<()> {
    let projects = client.projects()?;
    if console.is_json() {
        return console.json(&supervised::beside(projects, supervised));
    }
    if projects.is_empty() && supervised.is_empty() {
        console.note(t!("worker_cli.no_projects"));
        return Ok(());
    }
    if !projects.is_empty() {
        let text = status::table(&projects).to_text(console.width());
        console.text(text)?;
    }
    if !supervised.is_empty() {
        let space = if projects.is_empty() { "" } else { "\n" };
        let text = supervised::table(supervised).to_text(console.width());
        console.text(format!("{space}{text}"))?;
    }
    Ok(())
}
