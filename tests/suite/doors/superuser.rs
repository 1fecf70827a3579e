//! The superuser in another person's project: nothing of the superuser's is reached or given away by what that person
//! laid there. Only where the tests run as the superuser.

use std::os::unix::fs::{MetadataExt, lchown, symlink};
use std::path::Path;

use super::outside::{Kind, Outside};
use crate::sandbox::{Sandbox, skipped};

/// Somebody.
const PERSON: u32 = 4321;

/// A project of that person's, where the tests run as the superuser.
fn theirs() -> Option<Sandbox> {
    if !rustix::process::geteuid().is_root() {
        skipped("not the superuser");
        return None;
    }
    let sandbox = Sandbox::ready();
    sandbox.pip_works();
    give(sandbox.project());
    Some(sandbox)
}

fn give(root: &Path) {
    for entry in walkdir::WalkDir::new(root) {
        let path = entry.expect("readable").into_path();
        lchown(&path, Some(PERSON), Some(PERSON)).expect("given");
    }
}

#[test]
fn what_links_lead_to_is_not_given_away() {
    let Some(sandbox) = theirs() else { return };
    let outside = Outside::of(&sandbox);
    for kind in [Kind::LinkToFile, Kind::HardLink, Kind::LinkToFolder] {
        for place in [
            ".pip-logs/.lock",
            ".pip-logs/runs.jsonl",
            "env_meta.json",
            ".venv/.aim/lock",
            ".venv/.aim/snapshot.json",
        ] {
            let path = sandbox.project().join(place);
            outside.put(kind, &path);
            sandbox.pip_works();
            outside.is_untouched(&format!("pip with {kind:?} at {place}"));
            let _ = std::fs::remove_file(path);
        }
    }
    sandbox.pip_works();
    for ours in [
        "env_meta.json",
        ".pip-logs/runs.jsonl",
        ".pip-logs/.lock",
        ".venv/.aim/lock",
    ] {
        let found = sandbox.project().join(ours).metadata().expect("there");
        assert_eq!(found.uid(), PERSON, "{ours}");
    }
}

#[test]
fn no_link_is_followed_even_if_it_was_allowed() {
    let Some(sandbox) = theirs() else { return };
    let outside = Outside::of(&sandbox);
    let logs = sandbox.project().join(".pip-logs");
    std::fs::remove_dir_all(&logs).expect("removed");
    symlink(outside.folder(), &logs).expect("link");
    sandbox
        .run("aim-venv-sync", ["allow"])
        .exits(1)
        .warns("must be yours");
    let list = format!(
        r#"{{"schema":1,"links":[{{"project":{:?},"target":{:?}}}]}}"#,
        sandbox.project(),
        outside.folder()
    );
    let state = sandbox.root().join("state/aim-toolkit");
    std::fs::create_dir_all(&state).expect("folder");
    std::fs::write(state.join("allowed-links.json"), list).expect("write");
    sandbox.pip_works();
    outside.is_untouched("pip");
    lchown(&logs, Some(PERSON), None).expect("given");
    sandbox.pip_works();
    outside.is_untouched("pip by their link");
}

#[test]
fn an_environment_that_is_a_link_to_another_persons_gets_nothing() {
    let Some(sandbox) = theirs() else { return };
    let elsewhere = sandbox.root().join("envs");
    std::fs::rename(sandbox.venv(), &elsewhere).expect("moved");
    std::fs::remove_dir_all(elsewhere.join(".aim")).expect("removed");
    symlink(&elsewhere, sandbox.venv()).expect("link");
    sandbox.pip_works();
    sandbox
        .run("aim-venv-sync", ["init"])
        .exits(1)
        .warns("is no folder of yours");
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .exits(1)
        .says("is no folder of yours");
    assert!(!elsewhere.join(".aim").exists());
}
