//! `aim-logs prune`: retention, now; and the views that nobody uses.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::{self, PruneArgs};
use crate::console::turn::{held_by, turn};
use crate::console::{Console, size, time};
use crate::error::{Error, Explain, Result};
use crate::host::Host;
use crate::project::{Config, Project};
use crate::store::{self, Limits, LockError, RunLock};
use crate::words::t;

/// Removes what is over the limits, or says what would go.
pub(super) fn prune(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &PruneArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let config = Config::load(host, Some(&project.layout()));
    for problem in &config.problems {
        console.warn(problem);
    }
    let limits = limits(&config, args, now)?;
    let lock = if args.dry_run {
        None
    } else {
        Some(lock(console, project, &config)?)
    };
    // A view that goes keeps no files any more.
    let views = store::prune_views(project.venv(), args.dry_run);
    let views = views.context(t!("logs.cannot_prune"))?;
    let pruned = store::prune(project, limits, lock.as_ref()).context(t!("logs.cannot_prune"))?;
    if console.is_json() {
        return console.json(&json!({
            "runs": pruned.runs,
            "bytes": pruned.bytes,
            "views": views,
            "generations": pruned.generations,
            "archived_bytes": pruned.archived,
            "dry_run": args.dry_run,
        }));
    }
    let (runs, size) = (pruned.runs, size::bytes(pruned.bytes));
    match (runs, args.dry_run) {
        (0, _) if views > 0 => {}
        (0, _) => console.note(t!("logs.nothing_to_prune")),
        (_, true) => console.line(t!("logs.would_prune", n = runs, size = size))?,
        (_, false) => console.note(t!("logs.pruned", n = runs, size = size)),
    }
    if pruned.generations > 0 {
        let (n, size) = (pruned.generations, size::bytes(pruned.archived));
        if args.dry_run {
            console.line(t!("logs.would_prune_archive", n = n, size = size))?;
        } else {
            console.note(t!("logs.pruned_archive", n = n, size = size));
        }
    }
    match (views, args.dry_run) {
        (0, _) => {}
        (views, true) => console.line(t!("logs.would_prune_views", n = views))?,
        (views, false) => console.note(t!("logs.pruned_views", n = views)),
    }
    Ok(())
}

/// Nobody may be in the middle of a change that the archive is needed for.
fn lock(console: &mut Console, project: &Project, config: &Config) -> Result<RunLock> {
    let limit = config.lock_wait().unwrap_or_default();
    let venv = project.venv().layout();
    turn(console, &venv, "aim-logs prune", limit).map_err(|error| match error {
        LockError::Busy(holder) => Error::failed(held_by(&holder)),
        error @ LockError::Unusable { .. } => Error::from(error),
    })
}

fn limits(config: &Config, args: &PruneArgs, now: DateTime<Utc>) -> Result<Limits> {
    let settings = Limits::of(config);
    let before = args.older_than.as_deref();
    let before = before.map(|text| cli::time(text, now, time::moment));
    Ok(Limits {
        runs: args.keep.unwrap_or(settings.runs),
        days: args.days.unwrap_or(settings.days),
        mib: args.mib.unwrap_or(settings.mib),
        before: before.transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn options_are_over_settings() {
        let args = PruneArgs {
            days: Some(7),
            ..PruneArgs::default()
        };
        let of = |args: &PruneArgs| limits(&Config::default(), args, Utc::now());
        let limits = of(&args).expect("limits");
        assert_eq!((limits.runs, limits.days, limits.mib), (200, 7, 256));
        let older = |text: &str| PruneArgs {
            older_than: Some(text.into()),
            ..PruneArgs::default()
        };
        assert!(of(&older("30d")).expect("limits").before.is_some());
        assert_eq!(of(&older("soon")).expect_err("refused").exit(), Exit::Usage);
    }
}
