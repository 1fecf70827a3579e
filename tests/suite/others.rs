//! pips that are not the environment's own, and change it all the same.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, skipped, stored_wheel};

/// Makes a zip that runs the pip of a wheel, as `pip.pyz` is one.
const ZIP: &str = r"
import sys, zipfile, shutil
wheel, zipped = sys.argv[1:]
shutil.copyfile(wheel, zipped)
run = 'import runpy; runpy.run_module(\'pip\', run_name=\'__main__\', alter_sys=True)'
zipfile.ZipFile(zipped, 'a').writestr('__main__.py', run)
";

fn zipped(sandbox: &Sandbox, wheel: &Path) -> PathBuf {
    let zipped = sandbox.root().join("pip.pyz");
    let call = ["-c", ZIP, path(wheel), path(&zipped)];
    sandbox.run(sandbox.bin("python"), call).ok();
    zipped
}

/// The records since `before`, each by what it was called as, its tool and what it added; nothing is left to record.
fn since(sandbox: &Sandbox, before: usize) -> Vec<(Value, Value, Vec<String>)> {
    sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    let records = sandbox.records().split_off(before).into_iter();
    records
        .map(|record| {
            let added = record["added"].as_array().expect("a list").iter();
            let names = added.map(|one| one["name"].as_str().expect("a name").to_owned());
            (
                record["argv"].clone(),
                record["tool"].clone(),
                names.collect(),
            )
        })
        .collect()
}

fn install(name: &str, added: &[&str]) -> (Value, Value, Vec<String>) {
    let added = added.iter().map(|name| (*name).to_owned()).collect();
    (json!(["pip", "install", name]), json!("pip"), added)
}

/// A pip that lies elsewhere, and changes this environment all the same.
#[test]
fn a_pip_in_a_zip_or_a_wheel_is_remembered() {
    let Some(wheel) = stored_wheel("pip-24.0-") else {
        return;
    };
    let sandbox = Sandbox::ready();
    let python = sandbox.bin("python");
    let in_wheel = wheel.join("pip");
    let zipped = zipped(&sandbox, &wheel);
    for (name, pip) in [("wheeled", &in_wheel), ("zipped", &zipped)] {
        sandbox.wheel(name, "1.0");
        sandbox.run(&python, [path(pip), "install", name]).ok();
        let record = sandbox.last_record();
        assert_eq!(record["argv"], json!(["pip", "install", name]));
        assert_eq!(record["added"][0]["name"], *name);
    }
    let before = sandbox.records().len();
    sandbox.run(&python, ["-m", "ensurepip"]).ok();
    assert_eq!(sandbox.records().len() - before, 1);
}

/// An environment that is none of ours, with a pip of its own.
fn other_pip(sandbox: &Sandbox) -> PathBuf {
    let other = sandbox.root().join("other");
    sandbox.python().copy_venv(&other);
    other.join("bin/pip")
}

#[test]
fn another_pythons_pip_is_remembered_by_the_environment_that_it_names() {
    let sandbox = Sandbox::ready();
    let python = sandbox.bin("python");
    for name in ["one", "two"] {
        sandbox.wheel(name, "1.0");
    }
    let other = other_pip(&sandbox);
    let before = sandbox.records().len();
    let named = |name| ["--python", path(&python), "install", name];
    // As pip hands it on to the other Python.
    let recorded = |name: &str| {
        let argv = json!(["pip", "install", "--python", path(&python), name]);
        [(argv, json!("pip"), vec![name.to_owned()])]
    };
    sandbox.run(&other, named("one")).ok();
    assert_eq!(since(&sandbox, before), recorded("one"));
    if let Some(wheel) = stored_wheel("pip-24.0-") {
        let mut call = sandbox.command(other.with_file_name("python"));
        Ran::of(call.arg(zipped(&sandbox, &wheel)).args(named("two"))).ok();
        assert_eq!(since(&sandbox, before + 1), recorded("two"));
    }
    // One that is of ours itself is the one that remembers it, once.
    let before = sandbox.records().len();
    let second = Sandbox::ready();
    let records = second.records();
    let mut call = sandbox.command(second.bin("pip"));
    Ran::of(call.args(["--python", path(&python), "uninstall", "-y", "one"])).ok();
    assert_eq!(sandbox.records().len() - before, 1);
    assert_eq!(second.records(), records);
}

#[test]
fn what_another_pip_puts_into_the_environment_is_remembered() {
    let sandbox = Sandbox::ready();
    for name in ["one", "two", "three"] {
        sandbox.wheel(name, "1.0");
    }
    let (venv, site) = (sandbox.venv(), sandbox.site_packages());
    let before = sandbox.records().len();
    let options = [("--target", &site), ("--prefix", &venv)];
    // One without the hook tells nobody. What it left is seen by the next look, with the tool.
    let other = other_pip(&sandbox);
    for (number, (option, folder)) in options.into_iter().enumerate() {
        let name = ["one", "two"][number];
        sandbox
            .run(&other, ["install", name, option, path(folder)])
            .ok();
        sandbox.run("aim-venv-sync", ["sync"]).ok();
        let record = sandbox.last_record();
        assert_eq!(
            (&record["tool"], &record["action"]),
            (&json!("pip"), &json!("sync"))
        );
        assert_eq!(record["added"][0]["name"], name);
    }
    assert_eq!(sandbox.records().len() - before, 2);
    // One with the hook is a run of this environment.
    let second = Sandbox::ready();
    let records = second.records();
    let mut call = sandbox.command(second.bin("pip"));
    Ran::of(call.args(["install", "three", "--target", path(&site)])).ok();
    assert_eq!(
        since(&sandbox, before + 2),
        [(
            json!(["pip", "install", "three", "--target", path(&site)]),
            json!("pip"),
            vec!["three".to_owned()]
        )]
    );
    assert_eq!(second.records(), records);
}

#[test]
fn the_systems_pip_inside_an_environment_without_one_is_remembered() {
    let sandbox = Sandbox::new();
    let python = sandbox.python().path().to_owned();
    let has_pip = sandbox.run(&python, ["-c", "import pip"]);
    if !has_pip.output.status.success() {
        return skipped("the system's Python has no pip");
    }
    let venv = sandbox.venv();
    sandbox
        .run(
            &python,
            [
                "-m",
                "venv",
                "--system-site-packages",
                "--without-pip",
                path(&venv),
            ],
        )
        .ok();
    sandbox.run("aim-venv-sync", ["init"]).ok();
    for name in ["one", "two"] {
        sandbox.wheel(name, "1.0");
    }
    let before = sandbox.records().len();
    let python = sandbox.bin("python");
    let main = "import pip, sys; sys.exit(pip.main(['install', 'one']))";
    sandbox.run(&python, ["-c", main]).ok();
    assert_eq!(since(&sandbox, before), [install("one", &["one"])]);
    sandbox.run(&python, ["-m", "pip", "install", "two"]).ok();
    let records = since(&sandbox, before + 1);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].2, ["two"]);
}

/// A `setup.py` that installs what it needs.
const SETUP: &str = r#"
import subprocess, sys
subprocess.check_call([sys.executable, "-m", "pip", "install", "needed"])
from setuptools import setup
setup(name="asks", version="1.0", py_modules=[])
"#;

#[test]
fn a_setup_py_that_runs_pip_is_part_of_the_run_that_builds_it() {
    let (Some(setuptools), Some(wheel)) = (stored_wheel("setuptools-"), stored_wheel("wheel-"))
    else {
        return;
    };
    let sandbox = Sandbox::ready();
    sandbox.wheel("needed", "1.0");
    sandbox
        .pip(["install", path(&setuptools), path(&wheel)])
        .ok();
    sandbox.write("asks/setup.py", SETUP);
    let before = sandbox.records().len();
    sandbox
        .pip(["install", "--no-build-isolation", "./asks"])
        .ok();
    let records = since(&sandbox, before);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].2, ["asks", "needed"]);
    // Run by hand, it runs pip in the environment as anybody may.
    sandbox.pip(["uninstall", "-y", "needed"]).ok();
    let before = sandbox.records().len();
    let mut by_hand = sandbox.command(sandbox.bin("python"));
    Ran::of(
        by_hand
            .args(["setup.py", "--version"])
            .current_dir(sandbox.project().join("asks")),
    )
    .ok();
    let records = since(&sandbox, before);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(records[0].2, ["needed"]);
}

#[test]
fn an_environment_that_was_made_anew_names_its_maker() {
    let sandbox = Sandbox::ready();
    sandbox.wheel("one", "1.0");
    sandbox.pip(["install", "one"]).ok();
    let python = sandbox.python().path().to_owned();
    let venv = sandbox.venv();
    sandbox
        .run(&python, ["-m", "venv", "--clear", path(&venv)])
        .ok();
    if !std::fs::read_to_string(venv.join("pyvenv.cfg"))
        .expect("read")
        .contains("command = ")
    {
        return skipped("this Python's venv does not write who made the environment");
    }
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let record = sandbox.last_record();
    assert_eq!(record["tool"], "venv", "{record}");
    assert_eq!(record["removed"][0]["name"], "one");
}

fn path(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}
