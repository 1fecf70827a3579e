//! `aim-logs export`: what was installed at a time, as a file that installs it again.
//!
//! Start reading at [`export`]: `pins` are what was there, with where each came from; `files` asks pip which files an
//! index has for them; `requirements` and `pylock` write them down.
//!
//! **Invariant:** without `--hashes`, and without a lock, no index is asked and no interpreter started.
//! **Invariant:** whatever a list cannot say is said to the person.

mod files;
mod pins;
mod pylock;
mod requirements;

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use self::pins::{Pin, Pins, Source};
use super::cli::{ExportArgs, ExportFormat};
use super::known::Known;
use crate::console::{Console, size};
use crate::error::{Error, Explain as _, Result};
use crate::files::atomic;
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::Project;
use crate::store::Origins;
use crate::terminal::printable;
use crate::words::t;

/// Prints, or writes, what was installed at the time that `args` name.
pub(super) fn export(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &ExportArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let venv = project.venv();
    let known = Known::read(&project.layout(), now)?;
    let past = known.past(console, args.at.as_deref())?;
    let cannot = || t!("logs.cannot_look", path = venv.root().display());
    let installed = Snapshot::scan_named(venv, host).context(cannot())?;
    let origins = Origins::of(venv, &installed, past.generation).context(cannot())?;
    let mut pins = Pins::of(&past, &origins, &installed);
    let is_lock = args.format() == ExportFormat::Pylock;
    if args.hashes || is_lock {
        let count = pins.all.len();
        let asking = console.waiting(move |time| {
            Some(t!("logs.export.asking", n = count, time = time).into_owned())
        });
        let missing = files::find(venv, &mut pins.all);
        drop(asking);
        complete(&missing?, &pins, is_lock)?;
    }
    for problem in &pins.problems {
        console.warn(printable(problem));
    }
    if console.is_json() {
        return console.json(&pins.all.iter().map(as_json).collect::<Vec<_>>());
    }
    let python = venv.python_version();
    let text = if is_lock {
        pylock::text(python.as_deref(), pins.all.iter())?
    } else {
        for pin in pins.all.iter().filter(|pin| args.hashes && pin.is_tree()) {
            console.warn(t!("logs.export.no_hash", name = pin.name));
        }
        let python = python.map(|version| format!(", Python {version}"));
        let head = format!(
            "generation {}{}",
            past.generation,
            python.unwrap_or_default()
        );
        requirements::text(&head, pins.all.iter(), args.hashes)
    };
    let Some(file) = &args.output else {
        return console.raw(text.as_bytes());
    };
    let path = host.absolute(file);
    let shown = printable(&host.shown(&path));
    atomic::write(&path, text.as_bytes()).context(t!("logs.export.cannot_write", path = shown))?;
    let bytes = size::bytes(text.len() as u64);
    console.note(t!(
        "logs.export.wrote",
        path = shown,
        n = pins.all.len(),
        size = bytes
    ));
    if is_lock && !is_name_of_lock(&path) {
        console.hint(t!("logs.export.hint_name"));
    }
    Ok(())
}

/// That each file is known with its sum: a list that lacks some would be taken for whole.
fn complete(missing: &[String], pins: &Pins, is_lock: bool) -> Result<()> {
    let lacks_sum = |pin: &&Pin| !pylock::takes(pin) && !missing.contains(&pin.requirement());
    let unsummed = pins.all.iter().filter(lacks_sum).map(Pin::requirement);
    let lacking: Vec<String> = missing.iter().cloned().chain(unsummed).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    let error = Error::failed(t!("logs.export.no_file", names = lacking.join(", ")));
    Err(if is_lock {
        error.hint(t!("logs.export.hint_requirements"))
    } else {
        error.hint(t!("logs.export.hint_without"))
    })
}

/// Whether installers take a file of this name for a lock (PEP 751, "File Name").
fn is_name_of_lock(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let middle = name
        .strip_prefix("pylock.")
        .and_then(|rest| rest.strip_suffix("toml"));
    middle.is_some_and(|middle| match middle.strip_suffix('.') {
        Some(word) => !word.is_empty() && !word.contains('.'),
        None => middle.is_empty(),
    })
}

fn as_json(pin: &Pin) -> Value {
    let mut value = json!({"name": pin.name, "version": pin.version, "url": null, "editable": false, "hashes": {}});
    if let Some(file) = pin.file() {
        value["url"] = file.url.clone().into();
        value["hashes"] = json!(file.sums);
    }
    match &pin.source {
        Source::Folder { path, is_editable } => {
            value["url"] = pins::file_url(path).into();
            value["editable"] = (*is_editable).into();
        }
        Source::Repository {
            system,
            url,
            commit,
            ..
        } => value["url"] = format!("{system}+{url}@{commit}").into(),
        Source::Index(_) | Source::Archive { .. } => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inventory::{DirectKind, DirectUrl};
    use crate::secrets::testing::shaped;

    proptest! {
        #[test]
        fn no_secret_is_exported((secret, place) in shaped(), kind in 0..3) {
            let kind = match kind {
                0 => DirectKind::Archive([("sha256".to_owned(), "ab".to_owned())].into()),
                1 => DirectKind::Folder { is_editable: true },
                _ => DirectKind::Repository {
                    system: "git".into(),
                    asked: None,
                    commit: "0a".into(),
                },
            };
            let direct = DirectUrl { url: place, subdirectory: None, kind };
            let mut pins = Pins::default();
            pins.add("x", "1.0", Some(&direct));
            let all: Vec<_> = pins.all.iter().map(as_json).collect();
            let texts = [
                requirements::text("head", pins.all.iter(), false),
                requirements::text("head", pins.all.iter(), true),
                pylock::text(None, pins.all.iter()).expect("a lock"),
                json!(all).to_string(),
                pins.problems.join(" "),
            ];
            for text in texts {
                prop_assert!(!text.contains(&secret), "{}", text);
            }
            prop_assert!(!pins.problems.is_empty(), "it is said");
        }
    }

    #[test]
    fn a_lock_is_known_by_its_name() {
        for (name, expected) in [
            ("pylock.toml", true),
            ("/a/pylock.dev.toml", true),
            ("pylock.a.b.toml", false),
            ("pylock..toml", false),
            ("lock.toml", false),
            ("pylock.txt", false),
        ] {
            assert_eq!(is_name_of_lock(Path::new(name)), expected, "{name}");
        }
    }
}
