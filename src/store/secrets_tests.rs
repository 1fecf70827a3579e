//! Every shape of a secret through every door of the store: after it, no file below the project has it.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::testing::{install, project, started};
use super::*;
use crate::host::Host;
use crate::inventory::Snapshot;
use crate::project::{Config, LOGS, Project};
use crate::secrets;
use crate::secrets::testing::{innocent, optioned, shaped};

/// The files below `folder` that have `secret` in them.
fn leaks(folder: &Path, secret: &str) -> Vec<String> {
    let files = walkdir::WalkDir::new(folder)
        .into_iter()
        .map(|entry| entry.expect("listed"))
        .filter(|entry| entry.file_type().is_file());
    let has = |path: &Path| {
        let bytes = std::fs::read(path).expect("read");
        memchr::memmem::find(&bytes, secret.as_bytes()).is_some()
    };
    files
        .filter(|entry| has(entry.path()))
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// A run of `pip install` with these `words`, as the shim begins it.
fn begun(words: &[String]) -> StartedRun {
    let argv = ["pip".to_owned(), "install".to_owned()];
    StartedRun {
        packages: secrets::words(words),
        argv: secrets::words(&[&argv, words].concat()),
        ..started("install")
    }
}

/// Makes a distribution that says it was installed in editable form from `url`.
fn install_editable(project: &Project, url: &str) {
    install(project, "editable", "1.0");
    let site = project.venv().site_packages().remove(0);
    let text = serde_json::json!({"url": url, "dir_info": {"editable": true}});
    let file = site.join("editable-1.0.dist-info/direct_url.json");
    std::fs::write(file, text.to_string()).expect("write");
}

/// One run with `words` everywhere where a run has text, one that is found, and one that was killed.
fn through_every_door(words: &[String], size: usize, secret: &str) {
    let line = &words.join(" ");
    let (dir, project) = project();
    let (layout, venv) = (project.layout(), project.venv().layout());
    let config = Config::default();
    // Our files alone: what pip wrote into site-packages is pip's.
    let check = |when: &str| {
        for place in [layout.logs(), layout.env_meta(), venv.aim().to_path_buf()] {
            if place.exists() {
                assert_eq!(leaks(&place, secret), [""; 0], "{when}");
            }
        }
    };

    let lock = RunLock::try_acquire(&venv, &format!("pip install {line}")).expect("free");
    check("the lock is held");
    let holder = RunLock::holder(&venv).expect("held");
    assert!(!holder.command.contains(secret), "{holder:?}");

    let before = Snapshot::scan(project.venv(), &Host::default()).expect("scanned");
    let run = begun(words);
    Unfinished::begin(&venv, run.clone(), (before.clone(), None), true).expect("begun");
    let mut draft = LogDraft::begin(&layout, &run.id);
    for piece in format!("Looking\n{line}\r\n{line}\x1b[0m\nDone\n")
        .as_bytes()
        .chunks(size)
    {
        draft.stdout(piece);
        draft.stderr(piece);
        check("the run goes on");
    }
    install_editable(&project, line);
    let after = Snapshot::scan(project.venv(), &Host::default()).expect("scanned");
    let run = run.finish(Duration::ZERO, Ending::Exited(1), Some(draft.into_output()));
    let published = publish(&project, &config, run, &before, &after).expect("published");
    Unfinished::end(&venv, &published.record.id);
    check("the run is published");

    let killed = begun(words);
    Unfinished::begin(&venv, killed.clone(), (after, None), true).expect("begun");
    // As an earlier version left it.
    let part = dir.path().join(LOGS).join(format!(".{}.part", killed.id));
    std::fs::write(&part, line).expect("write");
    recover(&project, &Host::default(), &config, &lock).expect("recovered");
    check("a killed run is recovered");

    install(&project, "six", "1.16.0");
    let now = Snapshot::scan(project.venv(), &Host::default()).expect("scanned");
    let argv = [&["aim-venv-sync".to_owned()], words].concat();
    catch_up(&project, &config, &lock, &now, &argv, "/".into()).expect("caught up");
    check("other tools are caught up with");

    let history = RunLog::read(&layout);
    assert_eq!((history.runs.len(), history.problems.len()), (3, 0));
    // A log of AIM-Forge, or of an earlier version.
    let log = layout.logs().join("20251004083028_install_success.log");
    let text =
        "action: install\npackages: x\nstatus: success\ntimestamp: 2025-10-04T08:30:28+00:00\n";
    std::fs::write(log, format!("{text}\n[stdout]\n{line}\n")).expect("write");
    let history = RunLog::read(&layout);
    let old = history.runs.last().expect("the oldest");
    let shown = RunLog::log(&layout, old).expect("a log");
    assert!(
        !shown.stdout.contains(secret) && !shown.stdout.is_empty(),
        "{shown:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_shape_passes_any_door((secret, line) in shaped(), size in 1_usize..200) {
        through_every_door(&[line], size, &secret);
    }

    #[test]
    fn no_value_of_an_option_passes_any_door((secret, words) in optioned(), size in 1_usize..200) {
        through_every_door(&words, size, &secret);
    }

    #[test]
    fn innocent_text_reaches_the_log_as_it_is(
        lines in proptest::collection::vec(innocent(), 1..20),
        size in 1_usize..200,
    ) {
        let (_dir, project) = project();
        let mut draft = LogDraft::begin(&project.layout(), &RunId::new());
        let text = lines.join("\n") + "\nend";
        for piece in text.as_bytes().chunks(size) {
            draft.stdout(piece);
        }
        prop_assert_eq!(draft.into_output().stdout, text);
    }
}
