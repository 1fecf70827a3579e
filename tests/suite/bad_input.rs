//! Broken worlds: a clear error with a hint in the commands; for pip never more than one line, and its own status.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::sandbox::{Ran, Sandbox, skipped};

#[test]
fn no_environment() {
    let sandbox = Sandbox::new();
    for (program, args) in [
        ("aim-venv-sync", &["sync"][..]),
        ("aim-venv-sync", &["status"]),
        ("aim-venv-sync", &["remove"]),
        ("aim-logs", &["list"]),
    ] {
        sandbox
            .run(program, args)
            .exits(4)
            .warns("aim-venv-sync init");
    }
}

#[test]
fn an_environment_whose_python_is_gone() {
    let sandbox = Sandbox::ready();
    for name in ["python", "python3"] {
        let _ = std::fs::remove_file(sandbox.bin(name));
    }
    sandbox.run("aim-venv-sync", ["doctor"]).exits(1);
    sandbox.run("aim-venv-sync", ["init"]).exits(1);
    let _daemon = sandbox.daemon();
    sandbox.write("a.py", "def main():\n    return 1\n");
    let reply = sandbox
        .run("aim-worker", ["run", "a.py", "--json"])
        .exits(1)
        .json();
    assert!(
        reply["error"]
            .as_str()
            .expect("a text")
            .starts_with("환경 갱신 실패"),
        "{reply}"
    );
}

#[test]
fn a_project_without_env_meta() {
    let sandbox = Sandbox::ready();
    std::fs::remove_file(sandbox.project().join("env_meta.json")).expect("removed");
    sandbox.pip_works();
    assert!(sandbox.generation() >= 1);
}

#[test]
fn an_env_meta_that_is_not_json_or_of_wrong_shape() {
    for broken in [
        "",
        "{",
        "[]",
        "42",
        "{\"generation\": \"seven\"}",
        "{\"packages\": 3, \"generation\": -1}",
        "\u{0}",
    ] {
        let sandbox = Sandbox::ready();
        sandbox
            .pip([
                "install",
                sandbox.wheel("farewell", "1.0").to_str().expect("utf-8"),
            ])
            .ok();
        let generation = sandbox.generation();
        std::fs::write(sandbox.project().join("env_meta.json"), broken).expect("written");
        sandbox.run("aim-venv-sync", ["status"]);
        sandbox.run("aim-venv-sync", ["doctor"]).exits(1);
        sandbox.pip_works();
        assert!(
            sandbox.generation() > generation,
            "a generation never goes back ({broken:?})"
        );
    }
}

#[test]
fn pipes_in_the_place_of_files_of_ours() {
    let sandbox = Sandbox::ready();
    for name in [
        "env_meta.json",
        ".aim.toml",
        ".pip-logs/runs.jsonl",
        ".venv/.aim/snapshot.json",
    ] {
        let path = sandbox.project().join(name);
        let _ = std::fs::rename(&path, path.with_extension("before"));
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo runs").success());
        sandbox.pip_works();
        sandbox.run("aim-venv-sync", ["status"]);
        sandbox.run("aim-logs", ["list"]);
        let _ = std::fs::remove_file(&path);
        let _ = std::fs::rename(path.with_extension("before"), &path);
    }
}

#[test]
fn what_the_superuser_installs_leaves_the_files_to_the_projects_owner() {
    if !rustix::process::geteuid().is_root() {
        return skipped("only the superuser can give files to somebody");
    }
    let sandbox = Sandbox::new().with_venv();
    let owner = |path: &std::path::Path| {
        let meta = std::fs::symlink_metadata(path).expect("there");
        std::os::unix::fs::MetadataExt::uid(&meta)
    };
    for folder in [sandbox.project(), &sandbox.venv()] {
        std::os::unix::fs::chown(folder, Some(4321), Some(4321)).expect("given away");
    }
    let sandbox = sandbox.with_init();
    sandbox.pip_works();
    for name in [
        "env_meta.json",
        ".pip-logs",
        ".pip-logs/.lock",
        ".pip-logs/runs.jsonl",
        ".venv/.aim",
        ".venv/.aim/version",
        ".venv/.aim/lock",
        ".venv/.aim/snapshot.json",
        ".venv/.aim/unfinished",
    ] {
        assert_eq!(owner(&sandbox.project().join(name)), 4321, "{name}");
    }
}

#[test]
fn a_read_only_project() {
    let sandbox = Sandbox::ready();
    let project = sandbox.project().to_path_buf();
    for folder in [project.join(".pip-logs"), project.clone()] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).expect("mode");
    }
    let wheel = sandbox.wheel("greeting", "1.0");
    let mut install = sandbox.command(sandbox.bin("pip"));
    install.args(["install", "--force-reinstall"]).arg(&wheel);
    let checked = bound_by_modes(&mut install).map(|mut install| {
        let ran = Ran::of(&mut install).ok();
        assert!(
            ran.stdout().contains("Successfully installed greeting-1.0"),
            "{ran:?}"
        );
        assert_eq!(ran.stderr().lines().count(), 1, "{ran:?}");
    });
    for folder in [project.clone(), project.join(".pip-logs")] {
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("mode");
    }
    if checked.is_none() {
        skipped(
            "root writes into read-only folders, and setpriv (util-linux) is not here to stop it",
        );
    }
}

/// `command`, run so that modes of files bind it: as it is, or without root's right to pass them by.
pub(crate) fn bound_by_modes(command: &mut Command) -> Option<Command> {
    let mut bound = without_roots_rights()?;
    bound.arg(command.get_program()).args(command.get_args());
    bound.env_clear();
    bound.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    bound.current_dir(command.get_current_dir().expect("the sandbox sets it"));
    Some(bound)
}

/// A command that runs what is added to it, bound by the modes of files.
fn without_roots_rights() -> Option<Command> {
    if !rustix::process::getuid().is_root() {
        return Some(Command::new("env"));
    }
    let prefix = || {
        let rights = "-dac_override,-dac_read_search";
        let mut setpriv = Command::new("setpriv");
        setpriv.args(["--bounding-set", rights, "--inh-caps", rights]);
        setpriv
    };
    let works = prefix()
        .arg("true")
        .status()
        .is_ok_and(|status| status.success());
    works.then(prefix)
}

#[test]
fn a_log_folder_that_cannot_be_one() {
    let sandbox = Sandbox::ready();
    std::fs::remove_dir_all(sandbox.project().join(".pip-logs")).expect("removed");
    std::fs::write(
        sandbox.project().join(".pip-logs"),
        "a file where a folder should be",
    )
    .expect("written");
    sandbox.pip_works();
    sandbox.run("aim-venv-sync", ["doctor"]).exits(1);
}

#[test]
fn a_run_that_changed_nothing_is_missed_without_a_word() {
    let sandbox = Sandbox::ready();
    std::fs::remove_dir_all(sandbox.project().join(".pip-logs")).expect("removed");
    std::fs::write(sandbox.project().join(".pip-logs"), "a file").expect("written");
    let install = |bypass| {
        let mut pip = sandbox.command(sandbox.bin("pip"));
        Ran::of(pip.arg("install").env("AIM_PIP_BYPASS", bypass)).exits(1)
    };
    assert_eq!(install("0").stderr(), install("1").stderr());
}

#[test]
fn no_home_no_runtime_folder() {
    let sandbox = Sandbox::ready();
    let mut pip = sandbox.command(sandbox.bin("pip"));
    pip.args([
        "install",
        sandbox.wheel("greeting", "1.0").to_str().expect("utf-8"),
    ]);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "AIM_SOCKET",
        "PATH",
    ] {
        pip.env_remove(name);
    }
    let ran = Ran::of(&mut pip).ok();
    assert_eq!(ran.stderr(), "", "{ran:?}");
}

#[test]
fn a_socket_that_nobody_reads() {
    let sandbox = Sandbox::ready();
    let _deaf = std::os::unix::net::UnixListener::bind(sandbox.socket()).expect("bound");
    sandbox.pip_works();
}

#[test]
fn broken_settings() {
    let sandbox = Sandbox::ready();
    std::fs::write(sandbox.project().join(".aim.toml"), "enabled = = no").expect("written");
    sandbox.pip_works();
    sandbox.run("aim-venv-sync", ["doctor"]).exits(1);
    let config = sandbox.run("aim-venv-sync", ["config"]);
    assert!(
        (config.stdout() + &config.stderr()).contains(".aim.toml"),
        "{config:?}"
    );
}

#[test]
fn wrong_usage_is_status_two() {
    let sandbox = Sandbox::ready();
    for program in ["aim-venv-sync", "aim-logs", "aim-worker", "aim-backend"] {
        sandbox.run(program, ["no-such-verb"]).exits(2);
        sandbox.run(program, ["--help"]).ok();
        sandbox.run(program, ["--version"]).ok().says(program);
    }
}
