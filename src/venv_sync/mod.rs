//! `aim-venv-sync`: makes environments, puts the hook into them, and keeps their record true whichever tool
//! changed them.
//!
//! Start reading at [`run()`]. `plan` says what a sync has to do and `apply` does it; `init` is a sync of an
//! environment that was just made (`maker`). The other verbs only look: `status`, `doctor`, `config`; `remove` takes
//! out what `init` put in; `enable` and `disable` (`switch`) write what the person wants, and `setup` is for the
//! person: the shell, the service, many projects. `run` and `shell --at` become the program that they start, in
//! today's environment or in a view.
//!
//! **Invariant:** the daemon is told, never needed (`daemon`): only `--wait` fails without one.
//! **Invariant:** `--check`, `status`, `doctor` and `config` write nothing, not even a lock file.

mod active;
mod allow;
mod apply;
mod changes;
mod cli;
mod config;
mod daemon;
mod doctor;
mod ground;
mod init;
mod init_all;
mod interpreter;
mod list;
mod maker;
mod prompt;
mod remove;
mod report;
mod restore;
mod run;
mod setup;
mod status;
mod switch;
mod sync;

pub use cli::{
    AllowArgs, AtArgs, Cli, ConfigArgs, DoctorArgs, ForgetArgs, InitArgs, ManyArgs, PromptArgs,
    RemoveArgs, ReportArgs, ReportBy, RestoreArgs, RunArgs, SetupArgs, ShellArgs, ShellName,
    SwitchArgs, SyncArgs, Verb,
};

use self::ground::Ground;
use crate::console::{self, Console};
use crate::error::{Exit, Result};
use crate::host::Host;

/// The grammar of the command line, from which completions and manual pages are made.
pub fn command() -> clap::Command {
    console::grammar::<Cli>()
}

/// Does what `cli` asks for.
///
/// # Errors
/// As each verb; the exit status is in the error (design, section 11).
pub fn run(host: &Host, cli: Cli) -> Result<Exit> {
    let mut console = Console::new(host, &cli.common);
    run_on(host, cli, &mut console)
}

fn run_on(host: &Host, cli: Cli, console: &mut Console) -> Result<Exit> {
    let common = cli.common.clone();
    match cli.into_verb()? {
        Verb::Init(args) if args.all => init_all::init_all(host, &args, console),
        Verb::Init(args) => init::init(host, &common, &args, console),
        Verb::Remove(args) if args.all => remove::remove_all(host, args, console),
        Verb::Setup(args) => setup::setup(host, &args, console),
        Verb::Config(args) => config::config(host, &common, &args, console),
        Verb::Enable(args) if args.all => switch::switch_all(host, true, console),
        Verb::Disable(args) if args.all => switch::switch_all(host, false, console),
        Verb::Report(args) if args.all => report::report_all(host, &args, console),
        Verb::List => list::list(host, console),
        Verb::Forget(args) => list::forget(host, &common, &args, console),
        Verb::Shell(ShellArgs {
            shell: Some(shell),
            completions,
            ..
        }) => prompt::shell(shell, completions, console),
        Verb::Prompt(args) => prompt::prompt(host, args, console),
        verb => {
            let ground = Ground::find(host, &common, console)?;
            match verb {
                Verb::Status => status::status(&ground, console),
                Verb::Remove(_) => remove::remove(&ground, console),
                Verb::Doctor(args) => doctor::doctor(&ground, args, console),
                Verb::Restore(args) => {
                    restore::restore(&ground, &args, console).map(|()| Exit::Done)
                }
                Verb::Allow(args) => allow::allow(&ground, args, console),
                Verb::Enable(_) => switch::switch(&ground, true, console),
                Verb::Disable(_) => switch::switch(&ground, false, console),
                Verb::Report(args) => report::report(&ground, &args, console),
                Verb::Sync(args) => sync::sync(&ground, args, console),
                Verb::Run(args) => run::run(&ground, &args, console),
                Verb::Shell(args) => run::shell(&ground, &args.of, console),
                Verb::Init(_)
                | Verb::Setup(_)
                | Verb::Config(_)
                | Verb::List
                | Verb::Forget(_)
                | Verb::Prompt(_) => unreachable!("done above"),
            }
        }
    }
}

#[cfg(test)]
mod tests;
