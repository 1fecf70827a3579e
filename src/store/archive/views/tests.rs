//! Views of environments that are made of files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::*;
use crate::project::{Config, Project};
use crate::store::record::Generation;
use crate::store::run_log::RunLog;
use crate::store::state::EnvMeta;
use crate::store::testing::project;
use crate::store::undo::tests::{SITE, install, run, uninstall};

fn contents(project: &Project, generation: u64) -> Result<Contents, ViewError> {
    let layout = project.layout();
    let (meta, log) = (EnvMeta::read(&layout).0, RunLog::read(&layout));
    Contents::of(project.venv(), (&meta, &log), Generation(generation))
}

fn view(project: &Project, contents: &Contents) -> View {
    View::of(project.venv(), contents, "no").expect("a view")
}

fn text(view: &View, path: &str) -> Option<String> {
    fs::read_to_string(view.venv().root().join(SITE).join(path)).ok()
}

fn is_link(view: &View, path: &str) -> bool {
    let path = view.venv().root().join(SITE).join(path);
    path.symlink_metadata()
        .is_ok_and(|found| found.is_symlink())
}

/// Generations 1 and 2 have `one` and `two`, which share a folder and a file in it; 2 has another `one`.
fn shared() -> (tempfile::TempDir, Project) {
    let (dir, project) = project();
    let config = Config::default();
    let both = |root: &Path, version: &str| {
        let init = format!("{SITE}/space/__init__.py");
        let (own, alone) = (
            format!("{SITE}/space/one/a.py"),
            format!("{SITE}/alone/a.py"),
        );
        let files = [
            (init.as_str(), "of one"),
            (own.as_str(), version),
            (alone.as_str(), version),
        ];
        install(root, "one", version, &files);
    };
    run(&project, &config, |root| {
        both(root, "1");
        let (init, own) = (
            format!("{SITE}/space/__init__.py"),
            format!("{SITE}/space/two.py"),
        );
        install(
            root,
            "two",
            "1",
            &[(init.as_str(), "of two"), (own.as_str(), "1")],
        );
        fs::write(root.join(SITE).join("mine.pth"), "# mine").expect("write");
    });
    run(&project, &config, |root| both(root, "2"));
    (dir, project)
}

#[test]
fn what_one_distribution_has_is_a_link_and_what_several_share_is_a_folder_of_links() {
    let (_dir, project) = shared();
    let first = view(&project, &contents(&project, 1).expect("known"));
    assert_eq!(text(&first, "alone/a.py").as_deref(), Some("1"));
    assert_eq!(text(&first, "space/one/a.py").as_deref(), Some("1"));
    assert_eq!(text(&first, "space/two.py").as_deref(), Some("1"));
    assert_eq!(text(&first, "mine.pth").as_deref(), Some("# mine"));
    assert!(
        is_link(&first, "alone")
            && is_link(&first, "space/one")
            && is_link(&first, "one-1.dist-info")
    );
    assert!(!is_link(&first, "space") && !is_link(&first, "mine.pth"));
    let second = view(&project, &contents(&project, 2).expect("known"));
    assert_eq!(text(&second, "alone/a.py").as_deref(), Some("2"));
    assert_eq!(
        text(&second, "space/__init__.py").as_deref(),
        Some("of one"),
        "the last one wrote it"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_link_that_another_view_has_is_no_new_one() {
    use std::os::unix::fs::MetadataExt as _;
    let (_dir, project) = shared();
    let views = [1, 2].map(|one| view(&project, &contents(&project, one).expect("known")));
    let links = |name: &str| {
        let paths = views
            .each_ref()
            .map(|one| one.venv().root().join(SITE).join(name));
        paths.map(|path| path.symlink_metadata().expect("a link").ino())
    };
    let [first, second] = links("two-1.dist-info");
    assert_eq!(first, second);
    let [first, second] = links("alone");
    assert_ne!(first, second, "it leads to another entry");
}

#[test]
fn what_is_the_same_is_made_once_and_half_a_view_is_none() {
    let (_dir, project) = shared();
    let known = contents(&project, 1).expect("known");
    let place = view(&project, &known).venv().root().to_path_buf();
    let half = place.with_extension("part");
    fs::rename(&place, &half).expect("renamed");
    fs::write(half.join("left"), "by a crash").expect("write");
    let again = view(&project, &known);
    assert_eq!(again.venv().root(), place);
    assert!(!half.exists() && !place.join("left").exists());
    fs::write(project.venv().root().join(SITE).join("mine.pth"), "# other").expect("write");
    let other = view(&project, &known);
    assert_ne!(other.venv().root(), place);
    assert_eq!(text(&other, "mine.pth").as_deref(), Some("# other"));
    assert_eq!(
        prune_views(project.venv(), true).expect("counted"),
        0,
        "both are in use"
    );
    drop(again);
    assert_eq!(prune_views(project.venv(), false).expect("removed"), 1);
    assert!(!place.exists() && other.venv().root().exists());
}

#[test]
fn a_mixture_has_each_from_where_it_is_asked_for() {
    let (_dir, project) = shared();
    run(&project, &Config::default(), |root| uninstall(root, "two"));
    let (first, last) = (
        contents(&project, 1).expect("known"),
        contents(&project, 3).expect("known"),
    );
    let names: BTreeSet<String> = ["one".to_owned()].into();
    let mixed = view(&project, &first.with(&names, &last));
    assert_eq!(text(&mixed, "alone/a.py").as_deref(), Some("2"));
    assert_eq!(text(&mixed, "space/two.py").as_deref(), Some("1"));
    let names: BTreeSet<String> = ["two".to_owned()].into();
    let mixed = view(&project, &first.with(&names, &last));
    assert_eq!(text(&mixed, "alone/a.py").as_deref(), Some("1"));
    assert_eq!(text(&mixed, "space/two.py"), None);
    assert!(matches!(
        contents(&project, 4),
        Err(ViewError::Unknown(Generation(4)))
    ));
}
