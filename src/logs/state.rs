//! `aim-logs state`: what was installed at a time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::cli::StateArgs;
use super::known::Known;
use crate::console::table::Cell;
use crate::console::{Console, style};
use crate::error::Result;
use crate::inventory::canonical;
use crate::project::ProjectLayout;
use crate::words::t;

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

#[cfg(test)]
mod tests {
    use super::super::testing::{installed, project};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;

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
}
