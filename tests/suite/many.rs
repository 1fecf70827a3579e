//! Many projects at once: `aim-venv-sync init --all` below a folder, and `remove --all` on a machine.

use std::path::{Path, PathBuf};

use crate::held::Held;
use crate::sandbox::Sandbox;
use crate::shells::Terminal;

/// Folders in which an environment is made, below the folder of projects.
const PROJECTS: [&str; 3] = ["a-service", "group/b-service", "tool"];

/// A folder of projects, some of which are none.
fn projects() -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new();
    let below = sandbox.root().join("work");
    let passed_over = ["node_modules/x", ".cache/y", "tool/.venv/lib/z"];
    for folder in PROJECTS.iter().chain(&passed_over) {
        sandbox
            .python()
            .copy_venv(&below.join(folder).join(".venv"));
    }
    sandbox.python().copy_venv(&below.join("nobodys"));
    std::fs::create_dir(below.join("plain")).expect("folder");
    std::os::unix::fs::symlink(&below, below.join("plain/loop")).expect("link");
    (sandbox, below)
}

fn states(sandbox: &Sandbox, args: &[&str]) -> Vec<(String, String)> {
    let mut command = vec!["--json", "init", "--all"];
    command.extend(args);
    let rows = sandbox.run("aim-venv-sync", command).json();
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| {
        let project = text(&row["project"]);
        let (_, name) = project.split_once("/work/").expect("below it");
        (name.to_owned(), text(&row["state"]))
    })
    .collect()
}

fn has_hook(project: &Path) -> bool {
    project.join(".venv/.aim").exists()
}

#[test]
fn every_project_below_a_folder_is_set_up_and_every_one_of_a_machine_taken_out() {
    let (sandbox, below) = projects();
    let folder = below.to_str().expect("utf-8");
    let all = |state: &str| PROJECTS.map(|name| (name.to_owned(), state.to_owned()));
    assert_eq!(states(&sandbox, &["--dry-run", folder]), all("found"));
    sandbox
        .run("aim-venv-sync", ["init", "--all", folder])
        .exits(2)
        .warns("nobody can be asked here");
    assert!(!PROJECTS.iter().any(|name| has_hook(&below.join(name))));

    // Some, and the others later; once more changes nothing.
    assert_eq!(
        states(&sandbox, &["-y", "--only", "*-service", folder]),
        all("set-up")[..2]
    );
    let told = sandbox
        .run("aim-venv-sync", ["init", "--all", folder, "-y"])
        .ok();
    let told = told.says("set up already").says("set up 1 of 1 project");
    assert!(!told.stdout().contains("nobodys"), "{told:?}");
    assert_eq!(states(&sandbox, &["-y", folder]), all("was-set-up"));
    for name in PROJECTS {
        let meta = std::fs::read_to_string(below.join(name).join("env_meta.json"));
        assert!(meta.expect("a record").contains("\"pip\""), "{name}");
    }
    assert!(!below.join("nobodys/.aim").exists());

    let told = sandbox
        .run("aim-venv-sync", ["remove", "--all", "--dry-run"])
        .ok();
    assert!(told.stderr().contains("work/tool/.venv"), "{told:?}");
    sandbox.run("aim-venv-sync", ["remove", "--all"]).exits(2);
    sandbox.run("aim-venv-sync", ["remove", "--all", "-y"]).ok();
    assert!(!PROJECTS.iter().any(|name| has_hook(&below.join(name))));
    assert!(
        below.join("tool/env_meta.json").exists(),
        "the history stays"
    );
    sandbox
        .run("aim-venv-sync", ["remove", "--all"])
        .ok()
        .warns("nothing is set up");
}

#[test]
fn a_part_of_the_projects_is_the_same_part_each_time() {
    let sandbox = Sandbox::new();
    let below = sandbox.root().join("work");
    for number in 0..40 {
        let venv = below.join(format!("p{number}/.venv"));
        std::fs::create_dir_all(venv.join("bin")).expect("folders");
        std::fs::write(venv.join("pyvenv.cfg"), "version = 3.12.1\n").expect("write");
        std::os::unix::fs::symlink(sandbox.python().path(), venv.join("bin/python")).expect("link");
    }
    let folder = below.to_str().expect("utf-8");
    let part = |percent: &str| states(&sandbox, &["--dry-run", "--percent", percent, folder]);
    let (some, more) = (part("30"), part("60"));
    assert!(
        !some.is_empty() && some.len() < more.len() && more.len() < 40,
        "{some:?}"
    );
    assert!(some.iter().all(|row| more.contains(row)));
    assert_eq!(part("30"), some);
    assert_eq!((part("0").len(), part("100").len()), (0, 40));
    sandbox
        .run(
            "aim-venv-sync",
            ["init", "--all", folder, "--percent", "101"],
        )
        .exits(2);
    sandbox
        .run("aim-venv-sync", ["init", "--percent", "10"])
        .exits(2)
        .warns("--all");
    sandbox
        .run(
            "aim-venv-sync",
            ["init", "--all", folder, "--only", "[", "-y"],
        )
        .exits(2);
}

#[test]
fn one_that_cannot_be_set_up_or_taken_out_keeps_nobody_else_from_it() {
    let (sandbox, below) = projects();
    let folder = below.to_str().expect("utf-8");
    let broken = below.join("a-service/.venv/bin");
    for name in [
        "python",
        "python3",
        &format!("python{}", sandbox.python().minor()),
    ] {
        let _ = std::fs::remove_file(broken.join(name));
        std::os::unix::fs::symlink("/nowhere/python", broken.join(name)).expect("link");
    }
    let told = sandbox
        .run("aim-venv-sync", ["init", "--all", folder, "-y"])
        .exits(1);
    let told = told.says("set up 2 of 2 projects");
    assert!(told.stdout().contains("a-service"), "{told:?}");
    assert!(has_hook(&below.join("tool")) && !has_hook(&below.join("a-service")));

    let sandbox = sandbox.with_venv().with_init();
    let held = Held::installing(&sandbox);
    sandbox
        .run("aim-venv-sync", ["remove", "--all", "-y"])
        .exits(1)
        .warns("another run is going on");
    assert!(has_hook(sandbox.project()) && !has_hook(&below.join("tool")));
    held.release();
    assert!(held.output().status.success());
}

#[test]
fn one_that_vanishes_after_it_was_shown_keeps_nobody_else_from_it() {
    let (sandbox, below) = projects();
    let sandbox = sandbox.with_venv();
    let mut terminal = Terminal::of(&sandbox, ("bash", "home/.bashrc", "PS1='P:$? '\n"));
    terminal.prompt(0);
    let command = format!("aim-venv-sync init --all {}", below.display());
    terminal.types_without_prompt(&command, "[y/N]");
    std::fs::rename(below.join("group"), sandbox.root().join("away")).expect("moved");
    let told = terminal.types("y", 1);
    assert!(told.contains("set up 2 of 3 projects"), "{told}");
    let name = below.join("group/b-service").display().to_string();
    assert!(told.contains(&format!("{name}: ")), "{told}");
    assert_eq!(told.matches("No such file").count(), 1, "{told}");
    assert!(has_hook(&below.join("tool")) && has_hook(&below.join("a-service")));
    assert!(
        !below.join("group").exists(),
        "nothing is made in its place"
    );
}
