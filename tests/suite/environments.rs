//! Environments that are not as the usual ones: shared, linked, far away, without pip, with an old or a foreign pip.

use std::path::Path;

use crate::sandbox::stored_wheel;
use crate::sandbox::{Python, Ran, Sandbox};

/// Both ways into pip are remembered in the project at `project`.
fn remembers(sandbox: &Sandbox, project: &Path) {
    let records = || {
        let text =
            std::fs::read_to_string(project.join(".pip-logs/runs.jsonl")).unwrap_or_default();
        text.lines().count()
    };
    let before = records();
    let run = |program: &str, args: &[&str]| {
        let mut command = sandbox.command(project.join(".venv/bin").join(program));
        Ran::of(command.args(args).current_dir("/"))
            .exits(1)
            .warns("You must give at least one");
    };
    run("pip", &["install"]);
    run("python", &["-m", "pip", "install"]);
    assert_eq!(records() - before, 2, "{}", project.display());
}

#[test]
fn one_that_shares_the_systems_packages() {
    let sandbox = Sandbox::new().with_venv();
    let settings = sandbox.venv().join("pyvenv.cfg");
    let text = std::fs::read_to_string(&settings).expect("settings");
    let text = text.replace(
        "include-system-site-packages = false",
        "include-system-site-packages = true",
    );
    std::fs::write(&settings, text).expect("written");
    let sandbox = sandbox.with_init();
    remembers(&sandbox, sandbox.project());
}

#[test]
fn one_that_is_a_link() {
    let sandbox = Sandbox::ready();
    let real = sandbox.root().join("environment");
    std::fs::rename(sandbox.venv(), &real).expect("moved");
    std::os::unix::fs::symlink(&real, sandbox.venv()).expect("linked");
    remembers(&sandbox, sandbox.project());
    assert!(
        !real.with_file_name(".pip-logs").exists(),
        "the link's place is the project"
    );
}

#[test]
fn one_on_a_long_path_with_spaces_in_two_scripts() {
    let sandbox = Sandbox::new();
    let project = sandbox
        .root()
        .join(format!("{} 긴 이름의 폴더 'x'", "long ".repeat(30)));
    assert!(project.as_os_str().len() > 127);
    let mut python = sandbox.command(sandbox.python().path());
    let venv = python.args(["-I", "-m", "venv"]);
    Ran::of(venv.arg(project.join(".venv"))).ok();
    let mut init = sandbox.command("aim-venv-sync");
    Ran::of(init.arg("init").arg(&project)).ok();
    remembers(&sandbox, &project);
}

#[test]
fn one_without_pip_has_none() {
    let sandbox = Sandbox::new();
    let mut python = sandbox.command(sandbox.python().path());
    let venv = python.args(["-I", "-m", "venv", "--without-pip"]);
    Ran::of(venv.arg(sandbox.venv())).ok();
    sandbox
        .run("aim-venv-sync", ["init"])
        .ok()
        .says("-m ensurepip");
    assert!(!sandbox.bin("pip").exists());
    let mut named = sandbox.command("aim-pip");
    named.arg("list").env("VIRTUAL_ENV", sandbox.venv());
    let ran = Ran::of(&mut named).exits(127);
    assert!(ran.stderr().contains("-m ensurepip"), "{ran:?}");
}

#[test]
fn pip_that_changes_itself_is_what_removal_gives_back() {
    let (Some(newest), Some(old)) = (stored_wheel("pip-26"), stored_wheel("pip-24.0-")) else {
        return;
    };
    let (with, without) = (Sandbox::ready(), Sandbox::new().with_venv());
    for wheel in [newest, old] {
        for sandbox in [&with, &without] {
            let wheel = wheel.to_str().expect("utf-8");
            sandbox.run(sandbox.bin("pip3"), ["install", wheel]).ok();
        }
        remembers(&with, with.project());
    }
    with.run("aim-venv-sync", ["remove"]).ok();
    let scripts = |sandbox: &Sandbox| {
        let root = sandbox.root();
        let entries = std::fs::read_dir(sandbox.venv().join("bin")).expect("bin");
        let mut scripts: Vec<_> = entries
            .map(|entry| entry.expect("readable").path())
            .filter(|path| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with("pip"))
            })
            .map(|path| {
                let text = std::fs::read_to_string(&path).expect("a script");
                let name = path.file_name().expect("a name").to_owned();
                (name, text.replace(root.to_str().expect("utf-8"), "ROOT"))
            })
            .collect();
        scripts.sort();
        scripts
    };
    assert_eq!(scripts(&with), scripts(&without));
}

#[test]
fn an_old_pip_on_an_old_python() {
    let (Some(python), Some(wheel)) = (Python::find(8), stored_wheel("pip-19.3.1-")) else {
        return;
    };
    let sandbox = Sandbox::on(python).with_venv().with_init();
    sandbox
        .pip(["install", wheel.to_str().expect("utf-8")])
        .ok();
    sandbox.pip(["--version"]).ok().says("pip 19.3.1");
    remembers(&sandbox, sandbox.project());
    let before = sandbox.records().len();
    for way in [
        "import sys; from pip._internal.main import main; sys.exit(main(['install']))",
        "import runpy, sys; sys.argv[1:] = ['install']; runpy.run_module('pip', run_name='__main__')",
    ] {
        sandbox.run(sandbox.bin("python"), ["-c", way]).exits(1);
    }
    assert_eq!(sandbox.records().len() - before, 2);
}

#[test]
fn an_editable_pip() {
    let sandbox = Sandbox::new().with_venv();
    let source = sandbox.project().join("src");
    std::fs::create_dir(&source).expect("folder");
    let site = sandbox.site_packages();
    std::fs::rename(site.join("pip"), source.join("pip")).expect("moved");
    let line = format!("{}\n", source.display());
    std::fs::write(site.join("__editable__.pip-99.pth"), line).expect("written");
    let sandbox = sandbox.with_init();
    remembers(&sandbox, sandbox.project());
}

/// What Python leaves where the disk is full while it compiles.
#[test]
fn compiled_files_of_the_hook_that_are_cut_off() {
    for minor in [8, 11, 13] {
        let Some(python) = Python::find(minor) else {
            continue;
        };
        let sandbox = Sandbox::on(python).with_venv().with_init();
        let inside =
            "import sys; from pip._internal.cli.main import main; sys.exit(main(['install']))";
        let calls: [&[&str]; 2] = [&["-m", "pip", "install"], &["-c", inside]];
        let ways = || {
            let before = sandbox.records().len();
            for call in calls {
                sandbox.run(sandbox.bin("python"), call).exits(1);
            }
            assert_eq!(sandbox.records().len() - before, 2, "on 3.{minor}");
        };
        ways();
        let compiled = sandbox.site_packages().join("_aim_pip_hook/__pycache__");
        for length in [0, 16, 600] {
            for entry in std::fs::read_dir(&compiled).expect("compiled") {
                let path = entry.expect("readable").path();
                let file = std::fs::File::options().write(true).open(path);
                file.expect("open").set_len(length).expect("cut");
            }
            ways();
        }
    }
}

/// As every interpreter will be that does not read `.pth` lines any more.
#[test]
fn an_interpreter_that_ignores_the_hook() {
    let sandbox = Sandbox::ready();
    let line = sandbox.site_packages().join("00_aim_pip.pth");
    let ignore = || std::fs::write(&line, "").expect("written");
    sandbox.wheel("other", "1.0");
    // pip is nobody's then, until somebody looks.
    ignore();
    let before = sandbox.records().len();
    sandbox.pip(["install", "other"]).ok();
    assert_eq!(sandbox.records().len(), before, "nobody saw it");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let record = sandbox.last_record();
    assert_eq!(
        (&record["tool"], &record["added"][0]["name"]),
        (&"pip".into(), &"other".into())
    );
    assert_eq!(sandbox.records().len(), before + 1);
}
