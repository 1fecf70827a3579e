//! Distributions made of files, changed and taken back.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::store::archive::Usage;
use crate::store::testing::{project, started};
use crate::store::{Goal, Recorded};

pub(in crate::store) const SITE: &str = "lib/python3.12/site-packages";

pub(in crate::store) fn scan(project: &Project) -> Snapshot {
    Snapshot::scan(project.venv(), &Host::default()).expect("readable")
}

/// Does `what` to the environment, as a run of its own.
pub(in crate::store) fn run(
    project: &Project,
    config: &Config,
    what: impl FnOnce(&Path),
) -> RunRecord {
    let before = scan(project);
    what(project.venv().root());
    let run = started("install").finish(Duration::ZERO, Ending::Exited(0), None);
    let published = publish(project, config, run, &before, &scan(project));
    published.expect("published").record
}

/// Installs as pip does: what is there goes, and each file is a new one.
pub(in crate::store) fn install(root: &Path, name: &str, version: &str, files: &[(&str, &str)]) {
    uninstall(root, name);
    let info = format!("{SITE}/{name}-{version}.dist-info");
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let own = format!("{info}/METADATA");
    let mut record = String::new();
    for (path, text) in files.iter().chain([&(own.as_str(), metadata.as_str())]) {
        let place = root.join(path);
        fs::create_dir_all(place.parent().expect("a folder")).expect("folder");
        let _ = fs::remove_file(&place);
        fs::write(&place, text).expect("write");
        let up = path.strip_prefix(&format!("{SITE}/"));
        let listed = up.map_or_else(|| format!("../../../{path}"), str::to_owned);
        let sum = BASE64URL_NOPAD.encode(&Sha256::digest(text));
        let line = [
            &listed,
            ",sha256=",
            &sum,
            ",",
            &text.len().to_string(),
            "\n",
        ];
        record.extend(line);
    }
    record.extend([name, "-", version, ".dist-info/RECORD,,\n"]);
    fs::write(root.join(info).join("RECORD"), record).expect("write");
}

/// Removes what RECORD lists.
pub(in crate::store) fn uninstall(root: &Path, name: &str) {
    let site = root.join(SITE);
    for entry in fs::read_dir(&site).expect("read").flatten() {
        let folder = entry.file_name().to_string_lossy().into_owned();
        if !folder.starts_with(&format!("{name}-")) || !folder.ends_with(".dist-info") {
            continue;
        }
        let record = fs::read_to_string(entry.path().join("RECORD")).expect("read");
        for line in record.lines() {
            let place = site.join(line.split(',').next().expect("a path"));
            let _ = fs::remove_file(&place);
            for above in place.ancestors().skip(1) {
                let _ = fs::remove_dir(above);
            }
        }
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// Everything in the environment but what is ours: files with mode and text, links, folders.
fn tree(root: &Path) -> BTreeMap<PathBuf, String> {
    fn into(folder: &Path, root: &Path, all: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("read").flatten() {
            let path = entry.path();
            let about = path.symlink_metadata().expect("there");
            if entry.file_name() == ".aim" {
                continue;
            }
            let what = if about.is_dir() {
                into(&path, root, all);
                "folder".to_owned()
            } else if about.is_symlink() {
                format!("{:?}", fs::read_link(&path).expect("a link"))
            } else {
                let text = fs::read_to_string(&path).expect("text");
                format!("{:o} {text}", about.permissions().mode())
            };
            all.insert(path.strip_prefix(root).expect("below").to_path_buf(), what);
        }
    }
    let mut all = BTreeMap::new();
    into(root, root, &mut all);
    all
}

fn plan(project: &Project, run: &RunRecord) -> (Plan, Snapshot) {
    let log = RunLog::read(&project.layout());
    let mut now = scan(project);
    now.name_all(project.venv(), &Snapshot::default());
    let recorded = Recorded::read(project).expect("read");
    let plan = Plan::of(
        project,
        &log,
        &Goal::Before(Box::new(run.clone())),
        (&now, recorded.generation()),
    )
    .expect("planned");
    (plan, now)
}

fn taken_back(project: &Project, run: &RunRecord, action: &str) -> RunRecord {
    let (plan, now) = plan(project, run);
    assert!(plan.lost.is_empty() && plan.stuck.is_empty(), "{plan:?}");
    let lock = RunLock::try_acquire(&project.venv().layout(), "test").expect("free");
    let undo = StartedRun {
        callers: Vec::new(),
        undoes: Some(run.id),
        ..started(action)
    };
    let ground = (project, &Config::default(), &Host::default());
    let done = take_back(ground, &lock, undo, &plan, &now).expect("taken back");
    assert_eq!(done.failed, [""; 0]);
    done.published.record
}

/// An environment with two versions of `demo`, which differ in every way, and who else has a file of its folder.
fn upgraded() -> (
    tempfile::TempDir,
    Project,
    RunRecord,
    [BTreeMap<PathBuf, String>; 2],
) {
    let (dir, project) = project();
    let config = Config::default();
    let site = |path: &str| format!("{SITE}/{path}");
    run(&project, &config, |root| {
        install(root, "beside", "1", &[(&site("space/beside.py"), "beside")]);
        install(
            root,
            "demo",
            "1.0",
            &[
                (&site("demo/__init__.py"), "one"),
                (&site("demo/turns"), "a file"),
                (&site("demo/becomes/file"), "in a folder"),
                (&site("demo/gone.py"), "gone"),
                (&site("space/demo.py"), "one"),
                ("bin/demo", "#!one"),
                ("share/man/demo.1", "a page"),
            ],
        );
        let script = root.join("bin/demo");
        fs::set_permissions(script, fs::Permissions::from_mode(0o755)).expect("set");
    });
    let first = tree(project.venv().root());
    let record = run(&project, &config, |root| {
        let new = [
            (site("demo/__init__.py"), "two"),
            (site("demo/turns/inside"), "a folder now"),
            (site("demo/becomes"), "a file now"),
            (site("demo/new.py"), "new"),
            ("bin/demo2".to_owned(), "#!two"),
        ];
        let new: Vec<_> = new
            .iter()
            .map(|(path, text)| (path.as_str(), *text))
            .collect();
        install(root, "demo", "2.0", &new);
    });
    let second = tree(project.venv().root());
    (dir, project, record, [first, second])
}

#[test]
fn what_is_taken_back_is_as_it_was_to_the_byte() {
    let (_dir, project, record, [first, second]) = upgraded();
    let root = project.venv().root().to_path_buf();
    let compiled = root.join(SITE).join("demo/__pycache__/new.cpython-312.pyc");
    fs::create_dir_all(compiled.parent().expect("a folder")).expect("folder");
    fs::write(&compiled, "").expect("write");
    let undo = taken_back(&project, &record, UNDO);
    assert_eq!(tree(&root), first);
    assert_eq!((undo.tool.as_str(), undo.undoes), ("pip", Some(record.id)));
    assert_eq!(undo.changes.changed.len(), 1);
    let redo = taken_back(&project, &undo, "redo");
    assert_eq!(tree(&root), second);
    let log = RunLog::read(&project.layout());
    assert_eq!(log.last_to_undo().map(|run| run.id), Some(record.id));
    assert_eq!(log.last_to_redo(), None);
    assert_eq!(
        log.taken_back().get(&undo.id).map(|by| by.id),
        Some(redo.id)
    );
    taken_back(&project, &record, UNDO);
    assert_eq!(tree(&root), first);
    let earlier = RunLog::read(&project.layout());
    let earlier = earlier.last_to_undo().expect("the first").clone();
    taken_back(&project, &earlier, UNDO);
    assert!(!root.join(SITE).join("demo").exists() && !root.join("share").exists());
    assert!(scan(&project).is_empty());
}

#[test]
fn a_crash_at_any_step_leaves_the_old_or_the_new_environment() {
    let mut steps = 0;
    loop {
        let (_dir, project, record, [first, second]) = upgraded();
        let layout = project.venv().layout();
        let (plan, now) = plan(&project, &record);
        let undo = StartedRun {
            callers: Vec::new(),
            undoes: Some(record.id),
            ..started(UNDO)
        };
        let id = undo.id;
        Unfinished::begin(&layout, undo, (now, None), true).expect("begun");
        let swap = Swap::begin(&layout, id, &plan).expect("written down");
        assert_eq!(
            tree(project.venv().root()),
            second,
            "nothing is touched yet"
        );
        let mut left = steps;
        let killed = swap.carry_out_by(project.venv(), &mut || {
            left = usize::checked_sub(left, 1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(())
        });
        let lock = RunLock::try_acquire(&layout, "test").expect("free");
        let recover = || {
            let config = Config::default();
            crate::store::recover(&project, &Host::default(), &config, &lock).expect("recovered")
        };
        let published = recover().expect("the undo");
        assert_eq!(tree(project.venv().root()), first, "after {steps} steps");
        assert_eq!(published.record.undoes, Some(record.id));
        assert_eq!(published.record.ending(), Ending::Exited(0));
        assert!(recover().is_none() && !layout.undo().exists());
        if killed.is_ok() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 20, "it has many steps: {steps}");
}

#[test]
fn one_that_a_crash_ends_before_it_begins_takes_nothing_back() {
    let (_dir, project, record, [first, second]) = upgraded();
    let layout = project.venv().layout();
    for action in [UNDO, "redo"] {
        let undo = StartedRun {
            callers: Vec::new(),
            undoes: Some(record.id),
            ..started(action)
        };
        let before = (scan(&project), None);
        Unfinished::begin(&layout, undo, before, true).expect("begun");
        let lock = RunLock::try_acquire(&layout, "test").expect("free");
        let (host, config) = (Host::default(), Config::default());
        let published = crate::store::recover(&project, &host, &config, &lock);
        let published = published.expect("recovered").expect("a run");
        assert_eq!(published.record.ending(), Ending::Interrupted);
    }
    assert_eq!(tree(project.venv().root()), second);
    let log = RunLog::read(&project.layout());
    assert!(log.taken_back().is_empty() && log.last_to_redo().is_none());
    assert_eq!(log.last_to_undo().map(|run| run.id), Some(record.id));
    taken_back(&project, &record, UNDO);
    assert_eq!(tree(project.venv().root()), first);
}

#[test]
fn what_was_changed_by_hand_is_told_first() {
    let (_dir, project, record, [first, _]) = upgraded();
    let root = project.venv().root();
    let edited = root.join(SITE).join("demo/new.py");
    fs::write(&edited, "mine").expect("write");
    let later = std::time::SystemTime::now() + Duration::from_secs(5);
    let file = fs::File::options().write(true).open(&edited);
    file.expect("there").set_modified(later).expect("set");
    // Nobody installed it, and it is in the way.
    fs::write(root.join(SITE).join("demo/gone.py"), "mine, too").expect("write");
    let (plan, _) = plan(&project, &record);
    let site = |path: &str| format!("{SITE}/demo/{path}");
    assert_eq!(plan.edited, [site("gone.py"), site("new.py")]);
    taken_back(&project, &record, UNDO);
    assert_eq!(tree(root), first);
}

#[test]
fn what_is_not_kept_whole_is_told_by_name_and_nothing_is_touched() {
    let (_dir, project, record, _) = upgraded();
    let archive = project.venv().layout().archive();
    let entries = fs::read_dir(&archive).expect("read").flatten();
    let mut old = entries.filter(|one| one.file_name().to_string_lossy().starts_with("demo-1.0-"));
    let old = old.next().expect("kept").path();
    // As a tool does that writes into a file which is there.
    fs::write(old.join("files/bin/demo"), "spoiled").expect("write");
    let lost = |project: &Project| {
        let (plan, _) = plan(project, &record);
        assert!(plan.changes.is_empty());
        let lost: Vec<_> = plan
            .lost
            .into_iter()
            .map(|one| (one.name, one.to))
            .collect();
        assert_eq!(lost, [("demo".to_owned(), Some("1.0".to_owned()))]);
    };
    lost(&project);
    fs::remove_dir_all(&old).expect("removed");
    lost(&project);
    fs::remove_dir_all(&archive).expect("removed");
    lost(&project);
}

#[test]
fn what_later_runs_changed_again_is_told_with_the_run() {
    let (_dir, project, record, [first, _]) = upgraded();
    let later = run(&project, &Config::default(), |root| {
        install(root, "demo", "3.0", &[]);
    });
    let (plan, _) = plan(&project, &record);
    assert_eq!(plan.later, [("demo".to_owned(), later.number)]);
    taken_back(&project, &record, UNDO);
    assert_eq!(tree(project.venv().root()), first);
}

#[test]
fn a_file_of_two_stays_with_the_one_that_stays() {
    let (_dir, project) = project();
    let shared = format!("{SITE}/space/__init__.py");
    let config = Config::default();
    run(&project, &config, |root| {
        install(root, "one", "1", &[(&shared, "of one")]);
    });
    let was = tree(project.venv().root());
    let second = run(&project, &config, |root| {
        install(root, "two", "1", &[(&shared, "of two")]);
    });
    taken_back(&project, &second, UNDO);
    assert_eq!(tree(project.venv().root()), was);
}

#[test]
fn only_so_much_is_kept_of_what_is_gone() {
    let (_dir, project) = project();
    let mut config = Config::default();
    config.archive_generations.value = 2;
    let text = "x".repeat(1 << 20);
    let file = format!("{SITE}/demo.py");
    for version in ["1", "2", "3", "4", "5"] {
        run(&project, &config, |root| {
            install(root, "demo", version, &[(&file, &text)]);
        });
    }
    let layout = project.venv().layout();
    let kept = || {
        let mut names = crate::files::testing::names(&layout.archive());
        names.retain(|name| name.starts_with("demo-"));
        names
            .iter()
            .map(|name| name[5..6].to_owned())
            .collect::<String>()
    };
    assert_eq!(kept(), "345");
    let usage = Usage::of(&layout).expect("read");
    assert_eq!(usage.generations, 3);
    assert!(
        usage.installed > 1 << 20 && usage.removed > 2 << 20,
        "{usage:?}"
    );
    config.archive_mib.value = 1;
    run(&project, &config, |root| install(root, "demo", "6", &[]));
    assert_eq!(kept(), "6", "one alone is over the limit");
    config.archive_generations.value = 0;
    run(&project, &config, |root| install(root, "demo", "7", &[]));
    assert!(!layout.archive().exists());
}

#[test]
fn neither_a_link_nor_a_record_leads_out_of_the_environment() {
    let (dir, project) = project();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).expect("folder");
    fs::write(outside.join("secret"), "theirs").expect("write");
    let config = Config::default();
    let record = run(&project, &config, |root| {
        install(root, "demo", "1", &[]);
        symlink(&outside, root.join(SITE).join("linked")).expect("link");
        let list = root.join(SITE).join("demo-1.dist-info/RECORD");
        let mut text = fs::read_to_string(&list).expect("read");
        text += "linked/secret,,\n../../../../outside/secret,,\n/etc/hostname,,\nlinked,,\n";
        fs::write(list, text).expect("write");
    });
    let undo = taken_back(&project, &record, UNDO);
    assert_eq!(
        fs::read_to_string(outside.join("secret")).expect("read"),
        "theirs"
    );
    assert!(!project.venv().root().join(SITE).join("linked").is_symlink());
    taken_back(&project, &undo, "redo");
    let linked = project.venv().root().join(SITE).join("linked");
    assert_eq!(fs::read_link(linked).expect("a link again"), outside);
}
