//! `aim-logs diff A [B]`: what is different between two times of this environment, another project's environment, and
//! lists that installers read.
//!
//! Start reading at [`diff`]: `side` is what two of them have in common, `requirements_file` and `lock_file` read
//! lists.

mod lock_file;
mod requirements_file;
mod side;

use std::cell::OnceCell;
use std::path::Path;

use chrono::{DateTime, Utc};

use self::side::Side;
use super::cli::DiffArgs;
use super::known::Known;
use crate::console::{self, CommonArgs, Console, describe, style};
use crate::error::{Error, Exit, Explain as _, Result};
use crate::host::Host;
use crate::inventory::{Change, Markers, Snapshot};
use crate::project::Project;
use crate::terminal::printable;
use crate::words::t;

/// Prints what is different.
pub(super) fn diff(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &DiffArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let comparison = Comparison {
        host,
        project,
        now,
        known: OnceCell::new(),
    };
    let from = comparison.side(console, &args.from)?;
    let to = comparison.side(console, args.to.as_deref().unwrap_or("now"))?;
    let mut diff = from.diff_to(&to);
    if from.is_list != to.is_list {
        // Whoever installs from a list has it.
        let is_told = |change: &Change| change.name != "pip";
        diff.added.retain(is_told);
        diff.removed.retain(is_told);
    }
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

/// What sides are looked up in.
struct Comparison<'a> {
    host: &'a Host,
    project: &'a Project,
    now: DateTime<Utc>,
    /// Read where a side is a time.
    known: OnceCell<Known>,
}

impl Comparison<'_> {
    /// What `text` names: a place for sure where it has a slash, else a time of this environment, else a place.
    fn side(&self, console: &mut Console, text: &str) -> Result<Side> {
        let path = self.host.absolute(text);
        if console::is_path(text) {
            return self.at(console, text, &path);
        }
        match self.past(console, text) {
            Err(error) if error.exit() == Exit::NotFound && path.exists() => {
                self.at(console, text, &path)
            }
            found => found,
        }
    }

    fn past(&self, console: &mut Console, text: &str) -> Result<Side> {
        let known = if let Some(known) = self.known.get() {
            known
        } else {
            let known = Known::read(&self.project.layout(), self.now)?;
            self.known.get_or_init(|| known)
        };
        let past = known.past(console, Some(text))?;
        Ok(past.versions.into_iter().collect())
    }

    /// What the list at `path` asks for, or what is installed in the environment there.
    fn at(&self, console: &mut Console, text: &str, path: &Path) -> Result<Side> {
        let cannot = || t!("logs.diff.cannot_read", path = printable(text));
        if path.is_dir() {
            return self.installed(text);
        }
        if !path.exists() {
            return Err(Error::not_found(t!(
                "logs.diff.no_such_place",
                path = printable(text)
            )));
        }
        let markers = Markers::of(self.project.venv());
        let is_lock = path.extension().is_some_and(|ending| ending == "toml");
        let listed = if is_lock {
            lock_file::read(path, &markers).context(cannot())?
        } else {
            requirements_file::read(path, &markers).context(cannot())?
        };
        let side = listed.side.of_list();
        for line in listed.unread {
            console.warn(t!("logs.diff.unread", line = printable(&line)));
        }
        Ok(side)
    }

    /// What is installed now in the environment of the project in the folder `text`.
    fn installed(&self, text: &str) -> Result<Side> {
        // With a slash it is a folder for sure, whatever ids there are.
        let project = Some(self.host.absolute(text).join("").display().to_string());
        let common = CommonArgs {
            project,
            ..CommonArgs::default()
        };
        let project = console::project(self.host, &common, |_| None)?;
        let venv = project.venv();
        let cannot = || t!("logs.cannot_look", path = venv.root().display());
        let installed = Snapshot::scan_named(venv, self.host).context(cannot())?;
        let all = installed.shown();
        Ok(all
            .map(|one| (one.canonical_name(), one.version.clone()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{installed, project};
    use super::*;
    use crate::console::testing;
    use crate::words::{self, Language};

    #[test]
    fn what_changed_between_two_times() {
        let (_dir, project) = project();
        let host = Host::fake(["aim-logs"]).with_cwd(project.root());
        installed(&project);
        let changed = |from: &str, to: Option<&str>| {
            let (mut console, out, err) = testing::console(&CommonArgs::default());
            let args = DiffArgs {
                from: from.to_owned(),
                to: to.map(str::to_owned),
            };
            diff(&mut console, &host, &project, &args, Utc::now()).expect("known");
            out.text() + &err.text()
        };
        assert_eq!(changed("g0", None), "+six 1.16.0\n");
        assert_eq!(changed("1", Some("2 days ago")), "-six 1.16.0\n");
        assert_eq!(changed("1", None), "nothing changed\n");
        words::choose(Language::Korean);
        assert_eq!(changed("1", None), "변경 없음\n");
    }
}
