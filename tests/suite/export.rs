//! `aim-logs export`: what it writes is installed again by real pips and uv, and gives what was there.

use std::path::{Path, PathBuf};

use crate::sandbox::{Ran, Sandbox, stored_wheel};
use crate::undo::editable;

/// An environment with what an index has, what lies in a folder, and a file that was named by its place.
fn furnished() -> Sandbox {
    let sandbox = Sandbox::ready();
    for version in ["1.0", "2.0"] {
        sandbox.wheel("greeting", version);
    }
    sandbox.pip(["install", "greeting==1.0"]).ok();
    let direct = elsewhere(&sandbox, "farewell");
    sandbox.pip([Path::new("install"), &direct]).ok();
    let live = editable(&sandbox);
    sandbox
        .pip(["install", "--no-build-isolation", "-e", &live])
        .ok();
    sandbox.pip(["install", "greeting==2.0"]).ok();
    sandbox
}

/// A wheel that no index has.
fn elsewhere(sandbox: &Sandbox, name: &str) -> PathBuf {
    let wheel = sandbox.wheel(name, "1.0");
    let place = sandbox
        .root()
        .join("tmp")
        .join(wheel.file_name().expect("a name"));
    std::fs::rename(wheel, &place).expect("moved");
    place
}

fn export(sandbox: &Sandbox, args: &[&str]) -> Ran {
    sandbox.run("aim-logs", ["export"].iter().chain(args))
}

/// What pip lists in the environment `venv`, without pip, what came with it, and sums, of which uv keeps none.
fn listed(sandbox: &Sandbox, venv: &Path) -> Vec<String> {
    let pip = [
        "-m",
        "pip",
        "freeze",
        "--exclude",
        "setuptools",
        "--exclude",
        "uv",
    ];
    let listed = sandbox.run(venv.join("bin/python"), pip).ok().stdout();
    let lines = listed.lines();
    lines
        .filter_map(|line| line.split("#sha256=").next())
        .map(str::to_owned)
        .collect()
}

/// A fresh environment of the sandbox.
fn fresh(sandbox: &Sandbox, name: &str) -> PathBuf {
    let venv = sandbox.root().join(name);
    sandbox.python().copy_venv(&venv);
    venv
}

fn install(sandbox: &Sandbox, venv: &Path, args: &[&str]) -> Ran {
    let pip = ["-m", "pip", "install", "-q", "--no-build-isolation"];
    sandbox.run(venv.join("bin/python"), pip.iter().chain(args))
}

#[test]
fn requirements_install_what_was_there_at_any_time() {
    let sandbox = furnished();
    let now = export(&sandbox, &[]).ok();
    let text = now.stdout();
    let direct = text
        .lines()
        .find(|line| line.starts_with("farewell @ file:///"));
    assert!(
        direct.is_some_and(|line| line.contains(".whl#sha256=")),
        "{text}"
    );
    assert!(text.contains("greeting==2.0\n-e /"), "{text}");
    assert!(!text.contains("pip=="), "{text}");
    assert_eq!(now.stderr(), "");

    let (file, venv) = (sandbox.project().join("now.txt"), fresh(&sandbox, "now"));
    export(&sandbox, &["-o", "now.txt"]).ok().warns("now.txt");
    assert_eq!(std::fs::read_to_string(&file).expect("written"), text);
    install(&sandbox, &venv, &["-r", "now.txt"]).ok();
    assert_eq!(listed(&sandbox, &venv), listed(&sandbox, &sandbox.venv()));

    // What came later is left out.
    let then = export(&sandbox, &["2"]).ok().stdout();
    assert!(then.contains("\ngreeting==1.0\n"), "{then}");
    assert!(
        !then.contains("farewell") && !then.contains("-e "),
        "{then}"
    );
    let of_direct = export(&sandbox, &["3"]).ok().stdout();
    assert!(of_direct.contains("farewell @ file:///"), "{of_direct}");

    // The place of what is gone is known from what is kept of it.
    sandbox.pip(["uninstall", "-q", "-y", "farewell"]).ok();
    assert!(!export(&sandbox, &[]).ok().stdout().contains("farewell"));
    assert_eq!(export(&sandbox, &["3"]).ok().stdout(), of_direct);
}

#[test]
fn with_hashes_pip_takes_only_these_files() {
    let sandbox = furnished();
    let folder = sandbox.root().join("wheels");
    sandbox.pip(["uninstall", "-q", "-y", "setuptools"]).ok();
    export(&sandbox, &["--hashes", "-o", "sums.txt"])
        .ok()
        .warns("live");
    let text = std::fs::read_to_string(sandbox.project().join("sums.txt")).expect("written");
    assert!(
        text.contains("greeting==2.0 \\\n    --hash=sha256:"),
        "{text}"
    );
    assert!(text.contains("\n# -e /"), "{text}");
    let venv = fresh(&sandbox, "sums");
    install(&sandbox, &venv, &["--require-hashes", "-r", "sums.txt"]).ok();
    assert!(listed(&sandbox, &venv).contains(&"greeting==2.0".to_owned()));

    // Another file of the same name and version.
    sandbox.wheel_of("greeting", "2.0", &[("greeting/__init__.py", "x = 2\n")]);
    let other = fresh(&sandbox, "other");
    let refused = install(&sandbox, &other, &["--require-hashes", "-r", "sums.txt"]).exits(1);
    assert!(refused.stderr().contains("DO NOT MATCH"), "{refused:?}");

    // What no index has: nothing is written that would be taken for whole.
    for file in std::fs::read_dir(folder).expect("wheels") {
        std::fs::remove_file(file.expect("a wheel").path()).expect("removed");
    }
    let lacking = export(&sandbox, &["--hashes", "-o", "none.txt"]).exits(1);
    assert!(lacking.stderr().contains("greeting==2.0"), "{lacking:?}");
    assert!(!sandbox.project().join("none.txt").exists());
    export(&sandbox, &["-o", "none.txt"]).ok();
}

#[test]
fn a_lock_is_read_by_pip_and_by_uv() {
    let sandbox = furnished();
    sandbox.pip(["uninstall", "-q", "-y", "setuptools"]).ok();
    export(&sandbox, &["-o", "lock.toml"])
        .ok()
        .warns("pylock.NAME.toml");
    locked(
        &sandbox,
        "uv-",
        &["uv", "pip", "install", "--no-build-isolation"],
    );
    // pip takes no editable project from a lock.
    sandbox.pip(["uninstall", "-q", "-y", "live"]).ok();
    locked(&sandbox, "pip-26", &["python", "-m", "pip", "install"]);
}

/// That the installer in the wheel of this name makes of a lock, by this command, what is there.
fn locked(sandbox: &Sandbox, wheel: &str, command: &[&str]) {
    let Some(wheel) = stored_wheel(wheel) else {
        return;
    };
    export(sandbox, &["-o", "pylock.toml"]).ok();
    let venv = fresh(sandbox, "locked");
    install(sandbox, &venv, &[wheel.to_str().expect("utf-8")]).ok();
    let (program, args) = command.split_first().expect("a program");
    let mut call = sandbox.command(venv.join("bin").join(program));
    call.args(args).args(["--no-deps", "-r", "pylock.toml"]);
    call.env("VIRTUAL_ENV", &venv).env("UV_NO_CACHE", "1");
    Ran::of(&mut call).ok();
    assert_eq!(listed(sandbox, &venv), listed(sandbox, &sandbox.venv()));
    std::fs::remove_dir_all(venv).expect("removed");
}
