//! A folder of logs that the person keeps elsewhere: the one link that is followed, once they said so.

use std::os::unix::fs::symlink;

use super::outside::Outside;
use crate::sandbox::Sandbox;

#[test]
fn a_link_is_followed_from_when_it_is_allowed_until_that_is_taken_back() {
    let sandbox = Sandbox::ready();
    let disk = sandbox.root().join("disk");
    let logs = sandbox.project().join(".pip-logs");
    std::fs::rename(&logs, &disk).expect("moved");
    symlink("../../disk", &logs).expect("link");
    let records = || sandbox.records().len();
    let before = records();
    sandbox.pip_works();
    assert_eq!(records(), before);
    for (program, args) in [
        ("aim-venv-sync", &["init"][..]),
        ("aim-venv-sync", &["doctor"]),
        ("aim-logs", &["list"]),
    ] {
        let ran = sandbox.run(program, args);
        let told = ran.stdout() + &ran.stderr();
        assert!(told.contains("aim-venv-sync allow"), "{ran:?}");
    }
    let allowed = sandbox
        .run("aim-venv-sync", ["allow", "--json"])
        .ok()
        .json();
    assert_eq!(allowed["target"], disk.to_str().expect("utf-8"));
    assert_eq!(
        (&allowed["allowed"], &allowed["changed"]),
        (&true.into(), &true.into())
    );
    sandbox
        .run("aim-venv-sync", ["allow"])
        .ok()
        .says(disk.to_str().expect("utf-8"));
    // The run that found no place is entered first.
    let ran = sandbox.pip_works();
    assert_eq!(ran.stderr(), "");
    assert_eq!(records(), before + 2);
    assert!(logs.symlink_metadata().expect("there").is_symlink());
    let ran = sandbox.run("aim-logs", ["list"]).ok();
    assert!(!ran.stderr().contains("allow"), "{ran:?}");
    sandbox.run("aim-venv-sync", ["doctor"]).says("disk");
    sandbox
        .run("aim-venv-sync", ["allow", "--remove"])
        .ok()
        .says(disk.to_str().expect("utf-8"));
    sandbox.pip_works();
    assert_eq!(records(), before + 2);
    sandbox.run("aim-venv-sync", ["allow", "--remove"]).ok();
}

#[test]
fn another_target_or_another_project_was_not_allowed() {
    let sandbox = Sandbox::ready();
    let outside = Outside::of(&sandbox);
    let logs = sandbox.project().join(".pip-logs");
    let disk = sandbox.root().join("disk");
    std::fs::rename(&logs, &disk).expect("moved");
    symlink(&disk, &logs).expect("link");
    sandbox.run("aim-venv-sync", ["allow"]).ok();
    std::fs::remove_file(&logs).expect("removed");
    symlink(outside.folder(), &logs).expect("link");
    sandbox.pip_works();
    sandbox.run("aim-venv-sync", ["sync"]).exits(1);
    outside.is_untouched("pip by another link");
    // The folder that was allowed, by way of a link that is changed.
    std::fs::remove_file(&logs).expect("removed");
    std::fs::rename(&disk, sandbox.root().join("old-disk")).expect("moved");
    symlink(outside.folder(), &disk).expect("link");
    symlink(&disk, &logs).expect("link");
    sandbox.pip_works();
    outside.is_untouched("pip by a link that leads elsewhere now");
}

#[test]
fn what_cannot_be_allowed_is_told() {
    let sandbox = Sandbox::ready();
    sandbox
        .run("aim-venv-sync", ["allow"])
        .exits(1)
        .warns("is no link");
    let logs = sandbox.project().join(".pip-logs");
    std::fs::remove_dir_all(&logs).expect("removed");
    symlink("/nowhere/at/all", &logs).expect("link");
    sandbox
        .run("aim-venv-sync", ["allow"])
        .exits(1)
        .warns("must be yours");
    sandbox.pip_works();
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .exits(1)
        .says("mv ");
}

/// What a repository can bring of the toolkit's own files allows nothing.
#[test]
fn a_clone_cannot_allow_its_own_link() {
    let sandbox = Sandbox::ready();
    let outside = Outside::of(&sandbox);
    let logs = sandbox.project().join(".pip-logs");
    std::fs::remove_dir_all(&logs).expect("removed");
    symlink(outside.folder(), &logs).expect("link");
    let list = format!(
        r#"{{"schema":1,"links":[{{"project":{:?},"target":{:?}}}]}}"#,
        sandbox.project(),
        outside.folder()
    );
    for place in [
        "allowed-links.json",
        ".venv/.aim/allowed-links.json",
        ".aim/allowed-links.json",
    ] {
        sandbox.write(place, &list);
    }
    sandbox.pip_works();
    outside.is_untouched("pip");
}

#[test]
fn an_environment_that_is_a_link_of_ones_own_is_used() {
    let sandbox = Sandbox::new().with_venv();
    let elsewhere = sandbox.root().join("envs");
    std::fs::rename(sandbox.venv(), &elsewhere).expect("moved");
    symlink(&elsewhere, sandbox.venv()).expect("link");
    sandbox.run("aim-venv-sync", ["init"]).ok();
    sandbox.pip_works();
    assert_eq!(sandbox.last_record()["exit_code"], 0);
    sandbox.run("aim-venv-sync", ["remove"]).ok();
}
