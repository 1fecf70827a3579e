//! `aim-logs prune`: retention, now; and the views that nobody uses.

use serde_json::json;

use super::cli::PruneArgs;
use crate::console::{Console, size};
use crate::error::{Explain, Result};
use crate::host::Host;
use crate::project::{Config, Project};
use crate::store::{self, Limits};
use crate::words::t;

/// Removes what is over the limits, or says what would go.
pub(super) fn prune(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &PruneArgs,
) -> Result<()> {
    let config = Config::load(host, Some(&project.layout()));
    for problem in &config.problems {
        console.warn(problem);
    }
    let limits = limits(&config, args);
    let pruned = store::prune(project, limits, args.dry_run).context(t!("logs.cannot_prune"))?;
    let views = store::prune_views(project.venv(), args.dry_run);
    let views = views.context(t!("logs.cannot_prune"))?;
    if console.is_json() {
        return console.json(&json!({
            "runs": pruned.runs,
            "bytes": pruned.bytes,
            "views": views,
            "dry_run": args.dry_run,
        }));
    }
    let size = size::bytes(pruned.bytes);
    match (pruned.runs, args.dry_run) {
        (0, _) if views > 0 => {}
        (0, _) => console.note(t!("logs.nothing_to_prune")),
        (runs, true) => console.line(t!("logs.would_prune", n = runs, size = size))?,
        (runs, false) => console.note(t!("logs.pruned", n = runs, size = size)),
    }
    match (views, args.dry_run) {
        (0, _) => {}
        (views, true) => console.line(t!("logs.would_prune_views", n = views))?,
        (views, false) => console.note(t!("logs.pruned_views", n = views)),
    }
    Ok(())
}

fn limits(config: &Config, args: &PruneArgs) -> Limits {
    let settings = Limits::of(config);
    Limits {
        runs: args.runs.unwrap_or(settings.runs),
        days: args.days.unwrap_or(settings.days),
        mib: args.mib.unwrap_or(settings.mib),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_over_settings() {
        let args = PruneArgs {
            days: Some(7),
            ..PruneArgs::default()
        };
        let limits = limits(&Config::default(), &args);
        assert_eq!((limits.runs, limits.days, limits.mib), (200, 7, 256));
    }
}
