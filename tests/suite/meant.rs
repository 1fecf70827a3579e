//! Which environment is meant is said where it could be mistaken; what was set up is listed, what was not is left
//! alone.

use std::path::Path;

use crate::sandbox::{Ran, Sandbox};

fn venv(sandbox: &Sandbox, place: &Path) {
    sandbox.python().copy_venv(place);
}

/// `status`, which says what is meant, with these variables and arguments.
fn status(sandbox: &Sandbox, folder: &Path, vars: &[(&str, &Path)], args: &[&str]) -> Ran {
    let mut command = sandbox.command("aim-venv-sync");
    command.current_dir(folder).args(args).arg("status");
    command.envs(vars.iter().copied());
    Ran::of(&mut command).ok()
}

#[test]
fn one_environment_is_never_mistaken() {
    let sandbox = Sandbox::ready();
    let project = sandbox.project();
    let own = sandbox.venv();
    for vars in [&[][..], &[("VIRTUAL_ENV", own.as_path())]] {
        let told = status(&sandbox, project, vars, &[]);
        assert_eq!(told.stderr(), "", "{told:?}");
    }
}

#[test]
fn another_one_that_is_active_is_named() {
    let sandbox = Sandbox::ready();
    let other = sandbox.root().join("other/.venv");
    venv(&sandbox, &other);
    let active = [("VIRTUAL_ENV", other.as_path())];
    status(&sandbox, sandbox.project(), &active, &[])
        .warns("note: .venv is meant; the active environment is ")
        .warns("other/.venv`)");
    let mut korean = sandbox.command("aim-logs");
    korean.env("AIM_LANG", "ko").env("VIRTUAL_ENV", &other);
    Ran::of(&mut korean)
        .ok()
        .warns("참고: .venv 기준입니다. 활성화된 환경은");
    // Who says which is not told.
    let named = sandbox.venv().display().to_string();
    let told = status(&sandbox, sandbox.project(), &active, &["--env", &named]);
    assert_eq!(told.stderr(), "", "{told:?}");
    let told = status(&sandbox, sandbox.project(), &active, &["--quiet"]);
    assert_eq!(told.stderr(), "", "{told:?}");
}

#[test]
fn a_second_one_in_the_folder_is_named() {
    let sandbox = Sandbox::ready();
    venv(&sandbox, &sandbox.project().join("env"));
    status(&sandbox, sandbox.project(), &[], &[])
        .warns("note: .venv is meant; there is env, too (`--env env`)");
    sandbox
        .run("aim-logs", ["list"])
        .ok()
        .warns("there is env, too");
}

#[test]
fn a_folder_in_a_project_is_part_of_it() {
    let sandbox = Sandbox::ready();
    let sub = sandbox.project().join("sub");
    std::fs::create_dir(&sub).expect("folder");
    status(&sandbox, sandbox.project(), &[], &["--project", "./sub"])
        .warns("note: ./sub is part of the project ")
        .warns(".venv is meant");
    // Nothing is made, or set up, where another folder was named.
    sandbox
        .run("aim-venv-sync", ["init", "--project", "./sub"])
        .exits(4)
        .warns("no Python environment in ");
}

#[test]
fn what_was_never_set_up_is_left_alone() {
    let sandbox = Sandbox::new().with_venv();
    sandbox
        .run("aim-venv-sync", [""; 0])
        .exits(4)
        .warns("error: .venv was never set up: nothing is written")
        .warns("`aim-venv-sync init`");
    for place in ["env_meta.json", ".pip-logs", ".venv/.aim"] {
        assert!(!sandbox.project().join(place).exists(), "{place}");
    }
}

#[test]
fn what_was_set_up_is_listed_until_it_is_forgotten_or_gone() {
    let sandbox = Sandbox::new().with_venv();
    sandbox
        .run("aim-venv-sync", ["list"])
        .ok()
        .warns("no environment has been set up on this machine");
    sandbox
        .run("aim-venv-sync", ["init"])
        .ok()
        .warns("wrote .venv/")
        .warns("undo: `aim-venv-sync remove`");
    let other = sandbox.root().join("other/.venv");
    venv(&sandbox, &other);
    let folder = other.parent().expect("a folder").display().to_string();
    sandbox.run("aim-venv-sync", ["init", &folder]).ok();
    let listed = || -> Vec<String> {
        let list = sandbox.run("aim-venv-sync", ["list", "--json"]).ok().json();
        let rows = list.as_array().expect("rows").iter();
        let mut names: Vec<String> = rows
            .map(|row| row["environment"].as_str().expect("a path").to_owned())
            .collect();
        names.sort();
        names
    };
    let both = [
        other.display().to_string(),
        sandbox.venv().display().to_string(),
    ];
    let mut sorted = both.clone();
    sorted.sort();
    assert_eq!(listed(), sorted);
    let shown = sandbox.run("aim-venv-sync", ["list"]).ok();
    assert!(shown.stdout().contains(".venv"), "{shown:?}");
    sandbox
        .run("aim-venv-sync", ["forget", &folder])
        .ok()
        .says("forgotten: ");
    assert_eq!(listed(), both[1..]);
    sandbox
        .run("aim-venv-sync", ["forget", "nowhere"])
        .exits(4)
        .warns("`aim-venv-sync list`");
    sandbox.run("aim-venv-sync", ["init", &folder]).ok();
    std::fs::remove_dir_all(&other).expect("removed");
    assert_eq!(listed(), both[1..]);
    sandbox.run("aim-venv-sync", ["remove"]).ok();
    assert!(listed().is_empty());
}

#[test]
fn doctor_names_what_does_not_hold_and_since_when() {
    let sandbox = Sandbox::ready();
    let wheel = |name: &str, version: &str| sandbox.wheel(name, version).display().to_string();
    let install = |wheel: &str| {
        sandbox
            .pip(["install", "--no-index", "--no-deps", wheel])
            .ok()
    };
    install(&wheel("alpha", "1.0"));
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .says("packages have what they need");
    let info = sandbox.site_packages().join("alpha-1.0.dist-info/METADATA");
    let text = std::fs::read_to_string(&info).expect("read");
    let text = text.replacen('\n', "\nRequires-Dist: beta<2\n", 1);
    std::fs::write(&info, text).expect("write");
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .says("alpha 1.0 needs beta<2, which is not installed (since #")
        .says("pip install 'beta<2'");
    install(&wheel("beta", "2.0"));
    let mut korean = sandbox.command("aim-venv-sync");
    korean.env("AIM_LANG", "ko").arg("doctor");
    Ran::of(&mut korean).says("alpha 1.0에 필요한 것: beta<2, 설치된 것: 2.0");
    install(&wheel("beta", "1.0"));
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .says("packages have what they need");
}

#[test]
fn an_environment_whose_pip_is_not_remembered_has_no_runs_to_wait_for() {
    let sandbox = Sandbox::ready();
    venv(&sandbox, &sandbox.project().join("env"));
    let listed = || sandbox.run("aim-logs", ["--env", "./env"]).ok();
    let told = listed().warns("no runs: pip is not remembered in this environment");
    let hint = told.stderr();
    let (_, typed) = hint.split_once("`aim-venv-sync init ").expect("a hint");
    let (folder, _) = typed.split_once('`').expect("its end");
    sandbox.run("aim-venv-sync", ["init", folder]).ok();
    listed().says("init");
}
