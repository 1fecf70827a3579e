//! `aim-logs state` and `aim-logs diff`: what was installed at a time, and what changed between two.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::{DiffArgs, StateArgs};
use crate::console::Console;
use crate::console::style;
use crate::console::table::Cell;
use crate::console::{describe, history};
use crate::error::{Error, Result};
use crate::inventory::canonical;
use crate::project::ProjectLayout;
use crate::store::{EnvMeta, MetaState, Past, RunLog};
use crate::words::t;

/// The history, and what is recorded last.
struct Known {
    meta: EnvMeta,
    log: RunLog,
    now: DateTime<Utc>,
}

/// Prints what was installed, as lines that pip takes.
pub(super) fn state(
    console: &mut Console,
    layout: &ProjectLayout,
    args: &StateArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let known = Known::read(layout, now)?;
    let past = known.past(console, args.when.as_deref().or(args.at.as_deref()))?;
    if console.is_json() {
        let packages = past.versions.iter();
        let packages = packages.map(|(name, version)| json!({"name": name, "version": version}));
        return console.json(&packages.collect::<Vec<_>>());
    }
    let editable: HashMap<String, (&str, &str)> = known
        .meta
        .packages
        .iter()
        .filter_map(|package| {
            let place = package.editable_project_location.as_deref()?;
            Some((canonical(&package.name), (package.version.as_str(), place)))
        })
        .collect();
    if past.versions.is_empty() {
        console.note(style::paint(style::FAINT, t!("logs.nothing_installed")));
    }
    for (name, version) in &past.versions {
        let line = match editable.get(name) {
            // The history has no places: it is taken to have been where it is.
            Some((now, place)) if now == version => format!("-e {place}"),
            _ => format!("{name}=={version}"),
        };
        console.line(Cell::from(line).to_line())?;
    }
    Ok(())
}

/// Prints what changed.
pub(super) fn diff(
    console: &mut Console,
    layout: &ProjectLayout,
    args: &DiffArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let known = Known::read(layout, now)?;
    let from = known.past(console, Some(&args.from))?;
    let to = known.past(console, args.to.as_deref())?;
    let diff = from.diff_to(&to);
    if console.is_json() {
        return console.json(&diff);
    }
    if diff.is_empty() {
        console.note(style::paint(style::FAINT, t!("logs.nothing_changed")));
    }
    for line in describe::change_lines(&diff) {
        console.line(line.to_line())?;
    }
    Ok(())
}

impl Known {
    fn read(layout: &ProjectLayout, now: DateTime<Utc>) -> Result<Self> {
        let log = history::whole(layout)?;
        match EnvMeta::read(layout) {
            (meta, MetaState::Present) => Ok(Self { meta, log, now }),
            (_, MetaState::Absent) => Err(Error::not_found(t!("logs.none_yet"))),
            (_, MetaState::Broken(why)) => Err(Error::failed(why).hint(t!("logs.hint_sync"))),
        }
    }

    /// What was installed at what `text` names: `now` (also where nothing is said), a time, a generation (`g12`), a
    /// run.
    fn past(&self, console: &mut Console, text: Option<&str>) -> Result<Past> {
        let moment = history::moment(text.unwrap_or("now"), &self.log, self.now)?;
        let past = history::past(&moment, &self.meta, &self.log)?;
        if past.has_gap {
            console.warn(t!("logs.gap"));
        }
        Ok(past)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{installed, project};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;
    use crate::words::{self, Language};

    fn stated(layout: &ProjectLayout, at: Option<&str>) -> Result<String> {
        let (mut console, out, _) = testing::console(&CommonArgs::default());
        let when = at.map(str::to_owned);
        let args = StateArgs { when, at: None };
        state(&mut console, layout, &args, Utc::now())?;
        Ok(out.text())
    }

    #[test]
    fn what_was_installed_at_a_time() {
        let (_dir, project) = project();
        let layout = project.layout();
        let none = stated(&layout, None).expect_err("no history yet");
        assert_eq!(none.exit(), Exit::NotFound);
        installed(&project);
        for at in [
            None,
            Some("1"),
            Some("#1"),
            Some("last"),
            Some("g1"),
            Some("now"),
        ] {
            assert_eq!(
                stated(&layout, at).expect("known"),
                "six==1.16.0\n",
                "{at:?}"
            );
        }
        for at in ["g0", "2 days ago", "2020-01-01"] {
            assert_eq!(stated(&layout, Some(at)).expect("known"), "", "{at}");
        }
        let (mut console, _, talk) = testing::console(&CommonArgs::default());
        let args = StateArgs {
            when: Some("g0".to_owned()),
            at: None,
        };
        state(&mut console, &layout, &args, Utc::now()).expect("known");
        assert!(talk.text().starts_with("nothing was installed then"));
        for at in ["2", "gx", "soon"] {
            let error = stated(&layout, Some(at)).expect_err(at);
            assert_eq!(error.exit(), Exit::NotFound, "{at}");
        }
    }

    #[test]
    fn what_changed_between_two_times() {
        let (_dir, project) = project();
        let layout = project.layout();
        installed(&project);
        let changed = |from: &str, to: Option<&str>| {
            let (mut console, out, err) = testing::console(&CommonArgs::default());
            let args = DiffArgs {
                from: from.to_owned(),
                to: to.map(str::to_owned),
            };
            diff(&mut console, &layout, &args, Utc::now()).expect("known");
            out.text() + &err.text()
        };
        assert_eq!(changed("g0", None), "+six 1.16.0\n");
        assert_eq!(changed("1", Some("2 days ago")), "-six 1.16.0\n");
        assert_eq!(changed("1", None), "nothing changed\n");
        words::choose(Language::Korean);
        assert_eq!(changed("1", None), "변경 없음\n");
    }
}
