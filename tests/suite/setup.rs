//! `aim-venv-sync setup`: the shell, the service and the projects in one go, and all of it back.

use std::path::PathBuf;
use std::process::Command;

use crate::sandbox::{Ran, Sandbox, skipped};
use crate::service::Managed;

const SHELLS: [(&str, &str); 3] = [
    ("/bin/bash", ".bashrc"),
    ("/usr/bin/zsh", ".zshrc"),
    ("/usr/bin/fish", ".config/fish/conf.d/aim-toolkit.fish"),
];

fn setup(command: &mut Command, shell: &str, args: &[&str]) -> Ran {
    // As a login has it: fish's folder is below the home, too.
    command.env("SHELL", shell).env_remove("XDG_CONFIG_HOME");
    Ran::of(command.arg("setup").args(args))
}

fn home(sandbox: &Sandbox, name: &str) -> PathBuf {
    sandbox.root().join("home").join(name)
}

#[test]
fn each_shell_has_its_line_and_loses_it_again() {
    for (shell, file) in SHELLS {
        if !PathBuf::from(shell).exists() {
            skipped(&format!("{shell} is not here"));
            continue;
        }
        let sandbox = Sandbox::new();
        let file = home(&sandbox, file);
        let run = |args: &[&str]| setup(&mut sandbox.command("aim-venv-sync"), shell, args);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        run(&["--dry-run"]).ok().says("to be added");
        assert!(!file.exists());
        run(&[]).exits(2).warns("nobody can be asked here");
        assert!(!file.exists());
        run(&["-y"]).ok().warns("takes all of it back");
        // A shell that is opened now is guided.
        let mut opened = sandbox.command(shell);
        let defines = if shell.ends_with("fish") {
            "functions -q _aim_guide"
        } else {
            "typeset -f _aim_guide >/dev/null"
        };
        opened
            .env_remove("XDG_CONFIG_HOME")
            .args(["-i", "-c", defines]);
        Ran::of(&mut opened).ok();
        // And one without the programs says nothing.
        opened = sandbox.command(shell);
        opened
            .env_remove("XDG_CONFIG_HOME")
            .env("PATH", "/usr/bin:/bin");
        let silent = Ran::of(opened.args(["-i", "-c", "exit 0"])).ok();
        assert!(!silent.stderr().contains("aim"), "{silent:?}");
        run(&["-y"])
            .ok()
            .says("there already")
            .warns("there is nothing to do");
        run(&["--remove", "-y"]).ok().says("to be taken out");
        assert!(!file.exists());
        run(&["--remove", "-y"]).ok().warns("nothing is set up");
    }
}

#[test]
fn the_service_and_the_projects_come_and_go_with_it() {
    let managed = Managed::new();
    let below = managed.0.root().join("work");
    for name in ["a", "b"] {
        let environment = below.join(name).join(".venv");
        managed.0.python().copy_venv(&environment);
    }
    let bashrc = home(&managed.0, ".bashrc");
    std::fs::create_dir_all(bashrc.parent().expect("a folder")).expect("folders");
    std::fs::write(&bashrc, "alias x=y\n").expect("write");
    let run = |args: &[&str]| {
        let mut command = managed.command("aim-venv-sync");
        command.env("SHELL", "/bin/bash").arg("setup").args(args);
        Ran::of(&mut command)
    };
    let folder = below.to_str().expect("utf-8");
    let report = run(&["-y", "--json", folder]).ok().json();
    assert_eq!(report["shell"][0]["state"], "done", "{report}");
    assert_eq!(report["daemon"]["state"], "done", "{report}");
    for project in report["projects"].as_array().expect("a list") {
        assert_eq!(project["state"], "set-up", "{report}");
    }
    assert!(managed.unit("aim-backend.socket").exists());
    assert!(below.join("a/.venv/.aim").exists());

    // A project that vanishes is no reason to stop.
    std::fs::remove_dir_all(below.join("b")).expect("gone");
    run(&["--remove", "--dry-run"]).ok().says(".bashrc");
    assert!(managed.unit("aim-backend.socket").exists());
    run(&["--remove", "-y"]).ok().warns("the programs stay");
    assert!(!managed.unit("aim-backend.socket").exists());
    assert!(!below.join("a/.venv/.aim").exists());
    let text = std::fs::read_to_string(&bashrc).expect("read");
    assert_eq!(text, "alias x=y\n");
}

#[test]
fn what_cannot_be_written_is_said_with_what_to_type() {
    let sandbox = Sandbox::new();
    // A folder in the place of the file, so that root cannot write it either.
    std::fs::create_dir_all(home(&sandbox, ".bashrc")).expect("a folder");
    let ran = setup(&mut sandbox.command("aim-venv-sync"), "/bin/bash", &["-y"]);
    ran.exits(1).says(".bashrc");
    let mut homeless = sandbox.command("aim-venv-sync");
    homeless.env_remove("HOME");
    setup(&mut homeless, "/bin/bash", &["-y"])
        .ok()
        .says("HOME is not set");
}
