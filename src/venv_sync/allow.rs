//! `aim-venv-sync allow`: lets this project have its commands run and its `.pip-logs` lead elsewhere, and takes that
//! back.
//!
//! A repository can bring both, so nothing is run and no such link is followed before the person has seen it and said
//! so; what was said is in their own folder (`docs/decisions/0010-no-link-is-followed.md`, 0039).

use std::path::PathBuf;

use serde::Serialize;

use super::cli::AllowArgs;
use super::daemon;
use super::ground::Ground;
use crate::console::{self, Console, shell, style};
use crate::error::{Error, Exit, Explain, Result};
use crate::hook;
use crate::project::{Orders, ProjectLayout, SupervisedOrder, resolved};
use crate::store::{Allowed, Link, OrdersStanding};
use crate::terminal::printable;
use crate::words::t;

/// What `allow` did; its JSON is this.
#[derive(Debug, Serialize)]
struct Done<'o> {
    project: PathBuf,
    link: PathBuf,
    /// Where the link leads; none where there is none.
    target: Option<PathBuf>,
    /// What the project has run.
    orders: &'o Orders,
    allowed: bool,
    changed: bool,
}

/// Allows what there is now, or takes back what was allowed for this project.
pub(super) fn allow(ground: &Ground<'_>, args: AllowArgs, console: &mut Console) -> Result<Exit> {
    let allowed =
        Allowed::of(ground.host).ok_or_else(|| Error::failed(t!("venv_sync.allow.no_home")))?;
    if args.remove {
        return remove(ground, &allowed, console);
    }
    let (orders, root) = (&ground.config.orders, ground.project.root());
    let link = own_link(&ground.project.layout())?;
    let standing = allowed.standing(root, orders);
    match standing {
        OrdersStanding::Nothing if link.is_none() => {
            let path = ground.project.layout().logs();
            let error = Error::failed(t!("venv_sync.allow.no_link", path = path.display()));
            let problems = ground.config.problems.iter();
            return Err(problems.fold(error, Error::hint));
        }
        OrdersStanding::NotYours => {
            let path = printable(&root.to_string_lossy());
            return Err(Error::failed(t!(
                "venv_sync.allow.not_your_project",
                path = path
            )));
        }
        _ => {}
    }
    if !console.is_json() {
        for order in &orders.supervised {
            console.line(shown(order))?;
        }
    }
    for problem in &ground.config.problems {
        console.warn(problem);
    }
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if standing.is_to_be_allowed() && !args.yes {
        let path = printable(&ground.host.shown(root));
        console.confirm(&t!("venv_sync.allow.asks", path = path), "--yes")?;
    }
    let project = resolved(root);
    let cannot_write = || t!("venv_sync.allow.cannot_write");
    let mut changed = false;
    if let Some(link) = &link {
        let is_new = allowed.add(&link.project, &link.target);
        changed |= is_new.context(cannot_write())?;
    }
    if !orders.is_empty() {
        let is_new = allowed.add_orders(&project, orders);
        changed |= is_new.context(cannot_write())?;
    }
    if !console.is_json() {
        if let Some(link) = &link {
            console.line(t!(
                "venv_sync.allow.done",
                path = link.path.display(),
                target = printable(&link.target.to_string_lossy())
            ))?;
        }
        if !orders.is_empty() {
            console.line(t!("venv_sync.allow.orders_done", names = names(orders)))?;
        }
        console.note(t!("venv_sync.allow.how_to_take_back"));
    }
    if !orders.is_empty() {
        have_run(ground, console)?;
    }
    if console.is_json() {
        console.json(&Done {
            project,
            link: ground.project.layout().logs(),
            target: link.map(|link| link.target),
            orders,
            allowed: true,
            changed,
        })?;
    }
    Ok(Exit::Done)
}

/// The link in the place of the folder of logs, if there is one.
fn own_link(layout: &ProjectLayout) -> Result<Option<Link>> {
    let link = Link::at(layout);
    if let Some(link) = link.as_ref().filter(|link| !link.is_yours()) {
        return Err(Error::failed(t!(
            "venv_sync.allow.not_yours",
            path = link.path.display(),
            target = printable(&link.target.to_string_lossy())
        )));
    }
    Ok(link)
}

/// Has the daemon look, which is started where none runs: it has the commands run.
fn have_run(ground: &Ground<'_>, console: &mut Console) -> Result<()> {
    if !hook::is_installed(ground.project.venv())? {
        console.hint(t!("venv_sync.hint_init", command = ground.typed("init")));
    } else if !ground.config.enabled.value {
        console.hint(t!(
            "venv_sync.allow.hint_enable",
            command = ground.typed("enable")
        ));
    } else if let Err(error) = console::needed_daemon(ground.host, console, Some(&ground.project)) {
        console.warn(error);
        console.hint(t!("venv_sync.allow.hint_daemon"));
    } else {
        daemon::register(ground, console);
    }
    Ok(())
}

/// A command with its name and options, in a line.
fn shown(order: &SupervisedOrder) -> String {
    let name = style::paint(style::NAME, &order.name);
    let command = printable(&shell::command(&order.command));
    let options = shell::command(&order.options());
    if options.is_empty() {
        return format!("{name}: {command}");
    }
    let options = style::paint(style::FAINT, format!("({})", printable(&options)));
    format!("{name}: {command} {options}")
}

/// The names of what is run.
pub(super) fn names(orders: &Orders) -> String {
    let names: Vec<&str> = orders.supervised.iter().map(|one| &*one.name).collect();
    names.join(", ")
}

fn remove(ground: &Ground<'_>, allowed: &Allowed, console: &mut Console) -> Result<Exit> {
    let project = resolved(ground.project.root());
    let cannot_write = || t!("venv_sync.allow.cannot_write");
    let gone = allowed.remove(&project).context(cannot_write())?;
    let was_run = allowed.remove_orders(&project).context(cannot_write())?;
    let link = ground.project.layout().logs();
    if !console.is_json() {
        if let Some(gone) = &gone {
            console.line(t!(
                "venv_sync.allow.taken_back",
                path = link.display(),
                target = printable(&gone.target.to_string_lossy())
            ))?;
        }
        let path = printable(&ground.host.shown(ground.project.root()));
        if was_run {
            console.line(t!("venv_sync.allow.orders_taken_back", path = path))?;
        } else if gone.is_none() {
            console.line(t!("venv_sync.allow.was_not", path = path))?;
        }
    }
    if was_run {
        daemon::register(ground, console);
    }
    if console.is_json() {
        console.json(&Done {
            project,
            link,
            changed: was_run || gone.is_some(),
            target: gone.map(|gone| gone.target),
            orders: &ground.config.orders,
            allowed: false,
        })?;
    }
    Ok(Exit::Done)
}
