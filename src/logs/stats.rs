//! `aim-logs stats`: the history in a few numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use crate::console::history;
use crate::console::table::pairs;
use crate::console::{Console, size, time};
use crate::error::Result;
use crate::project::Project;
use crate::store::{Run, RunRecord, Usage};
use crate::words::t;

/// Prints how many runs there were, how many failed, by which tools, how long they took, and what their
/// logs and the archive take.
pub(super) fn stats(console: &mut Console, project: &Project) -> Result<()> {
    let log = history::whole(&project.layout())?;
    let archive = Usage::of(&project.venv().layout())?;
    history::warn(console, &log);
    let (runs, since) = (log.runs.len(), log.runs.last().map(Run::at));
    let failed = log.runs.iter().filter(|run| !run.is_success()).count();
    let records = || log.runs.iter().filter_map(|run| run.record());
    let changed = records()
        .filter(|record| !record.changes.is_empty())
        .count();
    let took: Duration = records().map(RunRecord::duration).sum();
    let bytes: u64 = log.runs.iter().map(Run::bytes).sum();
    let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
    for record in records() {
        *tools.entry(record.tool.as_str()).or_default() += 1;
    }
    if console.is_json() {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        return console.json(&json!({
            "runs": runs,
            "failed": failed,
            "changed": changed,
            "since": since.map(|since| since.to_rfc3339()),
            "duration_ms": took,
            "bytes": bytes,
            "tools": tools,
            "archive": {
                "generations": archive.generations,
                "installed_bytes": archive.installed,
                "removed_bytes": archive.removed,
            },
        }));
    }
    let Some(since) = since else {
        console.note(t!("logs.none_yet"));
        return Ok(());
    };
    let tools = tools.iter().map(|(tool, runs)| format!("{tool} {runs}"));
    let tools: Vec<String> = tools.collect();
    let rows = [
        (t!("logs.label.runs"), runs.to_string()),
        (t!("logs.label.failed"), failed.to_string()),
        (t!("logs.label.changed"), changed.to_string()),
        (t!("logs.label.tools"), tools.join(", ")),
        (t!("logs.label.since"), time::local(since)),
        (t!("logs.label.took"), time::duration(took)),
        (t!("logs.label.logs"), size::bytes(bytes)),
        (
            t!("logs.label.archive"),
            t!(
                "logs.archive_holds",
                installed = size::bytes(archive.installed),
                removed = size::bytes(archive.removed)
            )
            .into_owned(),
        ),
    ];
    for line in pairs(&rows.map(|(label, value)| (label, vec![value.into()]))) {
        console.line(line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{installed, project};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::words::{self, Language};

    #[test]
    fn a_history_in_numbers() {
        let (_dir, project) = project();
        let shown = || {
            let (mut console, out, _) = testing::console(&CommonArgs::default());
            stats(&mut console, &project).expect("counted");
            out.text()
        };
        assert_eq!(shown(), "");
        installed(&project);
        let lone = project
            .layout()
            .logs()
            .join("20250101000000_install_error.log");
        std::fs::write(lone, "0123456789").expect("written");
        let text = shown();
        assert!(
            text.starts_with("runs          2\nfailed        1\n"),
            "{text}"
        );
        assert!(text.contains("tools         pip 1\n"), "{text}");
        assert!(text.contains("time in pip   1.0 s\n"), "{text}");
        words::choose(Language::Korean);
        assert!(shown().contains("실패"), "{}", shown());
    }
}
