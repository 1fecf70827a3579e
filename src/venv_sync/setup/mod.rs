//! `aim-venv-sync setup`: all that a person sets up once, in one go, and `--remove`, which takes it all back: the
//! line in the shell's start file, the daemon's service, the projects below a folder.
//!
//! Start reading at [`setup`]. `start_file` knows the files of shells. The service is `aim-backend`'s own affair, which
//! is asked for it (`service`), and the projects are those of `init --all` and `remove --all`.
//!
//! **Invariant:** nothing is done that was not shown before.

mod part;
mod service;
mod start_file;

use std::path::{Path, PathBuf};

use serde::Serialize;

use self::part::{Part, State};
use self::start_file::StartFile;
use super::cli::SetupArgs;
use super::init_all::{self, Found};
use super::remove;
use crate::console::Console;
use crate::console::table::Table;
use crate::error::{Exit, Result};
use crate::host::Host;
use crate::words::t;

/// What `setup --json` prints.
#[derive(Debug, Serialize)]
struct Report<P: Serialize> {
    /// The line in the start file of each shell that is concerned.
    shell: Vec<Part>,
    daemon: Part,
    projects: P,
}

/// Sets up what is to be set up once, or takes it back.
pub(super) fn setup(host: &Host, args: &SetupArgs, console: &mut Console) -> Result<Exit> {
    if args.remove {
        take_back(host, args, console)
    } else {
        set_up(host, args, console)
    }
}

fn set_up(host: &Host, args: &SetupArgs, console: &mut Console) -> Result<Exit> {
    let start_file = StartFile::of_the_person(host);
    let mut shell = match &start_file {
        Ok(file) => file.look(),
        Err(error) => Part::new(State::Skipped).because(error.to_string()),
    };
    let mut daemon = service::look(host, true);
    let mut found = match &args.path {
        Some(below) => init_all::below(host, below)?,
        None => Found::default(),
    };
    if !console.is_json() {
        let open = t!("venv_sync.setup.to_add");
        let mut table = table();
        table.push(shell.row(
            &t!("venv_sync.setup.shell"),
            &t!("venv_sync.setup.guide"),
            &open,
            host,
        ));
        table.push(daemon.row(
            &t!("venv_sync.setup.daemon"),
            &t!("venv_sync.setup.a_service"),
            &open,
            host,
        ));
        console.text(table.to_text(console.width()))?;
        found.show(host, console)?;
        if args.path.is_none() {
            console.note(t!("venv_sync.setup.no_folder"));
        }
    }
    let is_open = shell.is_open() || daemon.is_open() || found.is_open();
    if is_open && !args.dry_run {
        if !args.yes {
            console.confirm(&t!("venv_sync.setup.asks"), "-y")?;
        }
        if let Ok(file) = &start_file {
            shell.finish(|| file.add(), console);
            if shell.state == State::Done {
                console.note(t!("venv_sync.setup.added", path = host.shown(&file.path)));
                say_where_programs_are(host, console);
            }
        }
        daemon.finish(|| service::ask(host, "install"), console);
        if daemon.state == State::Done {
            console.note(t!("venv_sync.setup.service"));
        }
        found.set_up(host, console)?;
        console.note(t!("venv_sync.setup.undo"));
    } else if !is_open && !console.is_json() {
        console.note(t!("venv_sync.setup.nothing_to_do"));
    }
    end(
        vec![shell],
        daemon,
        &found.rows,
        found.has_failed(),
        console,
    )
}

fn take_back(host: &Host, args: &SetupArgs, console: &mut Console) -> Result<Exit> {
    let files: Vec<StartFile> = StartFile::all(host);
    let files: Vec<StartFile> = files.into_iter().filter(StartFile::is_marked).collect();
    let mut shells: Vec<Part> = files
        .iter()
        .map(|file| Part::new(State::Open).at(&file.path))
        .collect();
    let mut daemon = service::look(host, false);
    let venvs = remove::listed(host)?;
    if !console.is_json() {
        show_what_goes(host, &shells, &daemon, &venvs, console)?;
    }
    let is_open = !shells.is_empty() || daemon.is_open() || !venvs.is_empty();
    if !is_open && !console.is_json() {
        console.note(t!("venv_sync.setup.nothing_to_remove"));
    }
    if !is_open || args.dry_run {
        return end(shells, daemon, &venvs, false, console);
    }
    if !args.yes {
        console.confirm(&t!("venv_sync.setup.remove_asks"), "-y")?;
    }
    for (file, part) in files.iter().zip(&mut shells) {
        part.finish(|| file.take_out(), console);
    }
    daemon.finish(|| service::ask(host, "remove"), console);
    let (removed, exit) = remove::take_all_out(host, venvs, console)?;
    if !console.is_json() {
        for part in &shells {
            if let (State::Done, Some(file)) = (part.state, &part.file) {
                console.note(t!("venv_sync.setup.taken_out", path = host.shown(file)));
            }
        }
        console.note(t!("venv_sync.setup.programs_stay"));
    }
    end(shells, daemon, &removed, exit == Exit::Failed, console)
}

/// The table of what there is to do.
fn table() -> Table {
    let headings = [
        t!("venv_sync.setup.column_part"),
        t!("venv_sync.setup.column_what"),
        t!("venv_sync.column_state"),
    ];
    Table::new(headings).gives_way([1, 2])
}

fn show_what_goes(
    host: &Host,
    shells: &[Part],
    daemon: &Part,
    venvs: &[PathBuf],
    console: &mut Console,
) -> Result<()> {
    let open = t!("venv_sync.setup.to_take_out");
    let mut table = table();
    for part in shells {
        table.push(part.row(&t!("venv_sync.setup.shell"), "", &open, host));
    }
    if daemon.is_open() {
        let what = t!("venv_sync.setup.a_service");
        table.push(daemon.row(&t!("venv_sync.setup.daemon"), &what, &open, host));
    }
    for venv in venvs {
        let part = Part::new(State::Open).at(venv);
        table.push(part.row(&t!("venv_sync.setup.environment"), "", &open, host));
    }
    if shells.is_empty() && !daemon.is_open() && venvs.is_empty() {
        return Ok(());
    }
    console.text(table.to_text(console.width()))
}

fn end<P: Serialize>(
    shell: Vec<Part>,
    daemon: Part,
    projects: P,
    has_failed: bool,
    console: &mut Console,
) -> Result<Exit> {
    let failed = |part: &Part| part.state == State::Failed;
    let exit = if has_failed || failed(&daemon) || shell.iter().any(failed) {
        Exit::Failed
    } else {
        Exit::Done
    };
    if console.is_json() {
        console.json(&Report {
            shell,
            daemon,
            projects,
        })?;
    }
    Ok(exit)
}

/// Tells a person whose shells do not find the programs.
fn say_where_programs_are(host: &Host, console: &mut Console) {
    let search = host.var_os("PATH");
    let is_found = host
        .cwd()
        .is_some_and(|cwd| which::which_in("aim-venv-sync", search, cwd).is_ok());
    if let (false, Some(folder)) = (is_found, host.exe().and_then(Path::parent)) {
        console.warn(t!("venv_sync.setup.not_on_path", folder = folder.display()));
    }
}
