//! Tools that run pip, or change environments without it, as they are released: each change is remembered once, and
//! what a tool does in an environment of its own is none of ours.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::released::Released;
use crate::sandbox::{Ran, Sandbox, skipped, stored_wheel};

static TOOLS: Released = Released::new(
    "tools",
    &[
        "hatch",
        "nox",
        "pdm",
        "poetry",
        "pre-commit",
        "tox",
        "virtualenv",
    ],
);

/// A project whose environment is ours, and the tools beside it.
struct Site {
    sandbox: Sandbox,
    tools: PathBuf,
}

impl Site {
    /// With wheels of `greeting`, `farewell` and `other`; none where the tools are missing.
    fn ready() -> Option<Self> {
        let tools = TOOLS.programs()?;
        let sandbox = Sandbox::ready();
        for name in ["greeting", "farewell", "other"] {
            sandbox.wheel(name, "1.0");
        }
        Some(Self { sandbox, tools })
    }

    /// Runs a tool with the environment activated, as a person would.
    fn run(&self, tool: &str, args: &[&str]) -> Ran {
        self.run_with(tool, args, &[])
    }

    fn run_with(&self, tool: &str, args: &[&str], vars: &[(&str, &str)]) -> Ran {
        let mut command = self.sandbox.command(self.tools.join(tool));
        let bin = self.sandbox.bin("");
        command
            .args(args)
            .env("VIRTUAL_ENV", self.sandbox.venv())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()))
            .envs(vars.iter().copied());
        Ran::of(&mut command)
    }

    /// What was recorded since `before`, and that nothing is left for `sync` to record.
    fn recorded_since(&self, before: usize) -> Vec<Value> {
        let records = self.sandbox.records().split_off(before);
        self.sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
        records
    }

    /// That exactly this was installed by pip since `before`, a record each.
    fn installed_since(&self, before: usize, names: &[&str]) {
        let records = self.recorded_since(before);
        let added: Vec<_> = records.iter().map(added).collect();
        let expected: Vec<_> = names.iter().map(|name| ("pip", *name)).collect();
        assert_eq!(added, expected, "{records:#?}");
    }

    fn records(&self) -> usize {
        self.sandbox.records().len()
    }

    /// Lets `sync` mend and record, and gives what it said.
    fn sync(&self) -> Ran {
        self.sandbox.run("aim-venv-sync", ["sync"]).ok()
    }

    /// Whether the hook is there.
    fn is_ours(&self) -> bool {
        self.sandbox.site_packages().join("00_aim_pip.pth").exists()
    }

    fn wheels(&self) -> PathBuf {
        self.sandbox.root().join("wheels")
    }
}

/// Tool and name of the first distribution that a run added.
fn added(record: &Value) -> (&str, &str) {
    let name = record["added"][0]["name"].as_str();
    (
        record["tool"].as_str().unwrap_or_default(),
        name.unwrap_or_default(),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}

const PYPROJECT: &str = r#"
[project]
name = "demo"
version = "0.1"
requires-python = ">=3.8"
dependencies = []

[tool.poetry]
package-mode = false

[tool.pdm]
distribution = false

[tool.hatch.envs.default]
type = "virtual"
path = ".venv"
skip-install = true
"#;

#[test]
fn poetry_runs_pip_and_installs_by_itself() {
    let Some(site) = Site::ready() else { return };
    site.sandbox.write("pyproject.toml", PYPROJECT);
    let poetry = |args: &[&str]| site.run_with("poetry", args, &IN_PROJECT).ok();
    let before = site.records();
    poetry(&["run", "pip", "install", "greeting"]);
    poetry(&["run", "python", "-m", "pip", "install", "farewell"]);
    site.installed_since(before, &["greeting", "farewell"]);

    let before = site.records();
    let other = site.wheels().join("other-1.0-py3-none-any.whl");
    poetry(&["add", text(&other)]);
    assert_eq!(site.records(), before, "poetry unpacks wheels by itself");
    site.sync().says("recorded what poetry changed");
    assert_eq!(added(&site.sandbox.last_record()), ("poetry", "other"));

    // It takes away by pip.
    let before = site.records();
    poetry(&["remove", "other"]);
    let records = site.recorded_since(before);
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0]["tool"], "pip");
    assert_eq!(records[0]["removed"][0]["name"], "other");
}

const IN_PROJECT: [(&str, &str); 1] = [("POETRY_VIRTUALENVS_IN_PROJECT", "1")];

#[test]
fn what_poetry_installs_is_in_the_next_node() {
    let Some(site) = Site::ready() else { return };
    site.sandbox.write("pyproject.toml", PYPROJECT);
    let node = "def main():\n    import greeting\n    return greeting.greet('world')\n";
    site.sandbox.write("node.py", node);
    let _daemon = site.sandbox.daemon();
    let run = || site.sandbox.run("aim-worker", ["run", "node.py"]);
    run().exits(1);
    let before = site.records();
    let greeting = site.wheels().join("greeting-1.0-py3-none-any.whl");
    let add = ["add", text(&greeting)];
    site.run_with("poetry", &add, &IN_PROJECT).ok();
    run().ok().says("greeting 1.0");
    let records = site.recorded_since(before);
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(added(&records[0]), ("poetry", "greeting"));
}

#[test]
fn pdm_and_hatch_run_pip() {
    let Some(site) = Site::ready() else { return };
    site.sandbox.write("pyproject.toml", PYPROJECT);
    let before = site.records();
    site.run("pdm", &["run", "pip", "install", "greeting"]).ok();
    site.run("hatch", &["run", "pip", "install", "farewell"])
        .ok();
    site.run("hatch", &["run", "python", "-m", "pip", "install", "other"])
        .ok();
    site.installed_since(before, &["greeting", "farewell", "other"]);
}

#[test]
fn tox_has_environments_of_its_own() {
    let Some(site) = Site::ready() else { return };
    let python = site.sandbox.bin("python");
    let settings = format!(
        "[tox]\nskipsdist = true\n\
         [testenv:own]\ndeps = greeting\ncommands = pip install farewell\n\
         [testenv:ours]\nallowlist_externals = *\ncommands = {} -m pip install other\n",
        python.display()
    );
    site.sandbox.write("tox.ini", &settings);
    let before = site.records();
    site.run("tox", &["run", "-e", "own"]).ok();
    site.installed_since(before, &[]);
    site.run("tox", &["run", "-e", "ours"]).ok();
    site.installed_since(before, &["other"]);
}

#[test]
fn nox_has_environments_of_its_own_and_may_use_ours() {
    let Some(site) = Site::ready() else { return };
    site.sandbox.write("noxfile.py", NOXFILE);
    let before = site.records();
    site.run("nox", &["-s", "own"]).ok();
    site.installed_since(before, &[]);
    site.run("nox", &["-s", "ours"]).ok();
    site.installed_since(before, &["farewell", "other"]);
}

const NOXFILE: &str = r#"
import nox

@nox.session(venv_backend="virtualenv")
def own(session):
    session.install("greeting")
    session.run("python", "-m", "pip", "install", "farewell")

@nox.session(venv_backend="none")
def ours(session):
    session.run("python", "-m", "pip", "install", "farewell")
    session.run("pip", "install", "other")
"#;

#[test]
fn pre_commit_has_environments_of_its_own_and_may_use_ours() {
    let (Some(site), Some(setuptools)) = (Site::ready(), stored_wheel("setuptools-")) else {
        return;
    };
    let git = |args: &[&str]| {
        let mut command = site.sandbox.command("git");
        let bin = site.sandbox.bin("");
        command
            .args(["-c", "user.name=x", "-c", "user.email=x@localhost"])
            .args(args)
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.output()
    };
    if git(&["init", "--quiet"]).is_err() {
        return skipped("no git");
    }
    // pre-commit builds an empty project in its own environment.
    let name = setuptools.file_name().expect("a name");
    std::fs::copy(&setuptools, site.wheels().join(name)).expect("copied");
    site.sandbox.write(".gitignore", "*\n");
    site.sandbox.write(".pre-commit-config.yaml", PRE_COMMIT);
    site.run("pre-commit", &["install"]).ok();
    let before = site.records();
    let add = git(&["add", "--force", ".pre-commit-config.yaml"]).expect("runs");
    let commit = git(&["commit", "--message", "x"]).expect("runs");
    assert!(
        add.status.success() && commit.status.success(),
        "{commit:?}"
    );
    site.installed_since(before, &["greeting", "other"]);
}

const PRE_COMMIT: &str = "
repos:
- repo: local
  hooks:
  - {id: own, name: own, language: python, additional_dependencies: [farewell], entry: python -c 'import farewell',
     pass_filenames: false, always_run: true}
  - {id: ours, name: ours, language: system, entry: pip install greeting, pass_filenames: false, always_run: true}
  - {id: module, name: module, language: system, entry: python -m pip install other, pass_filenames: false,
     always_run: true}
";

#[test]
fn virtualenv_over_an_environment_of_ours() {
    let Some(old) = stored_wheel("pip-24.0-") else {
        return;
    };
    let Some(site) = Site::ready() else { return };
    let (wheels, venv) = (old.parent().expect("a folder"), site.sandbox.venv());
    let virtualenv = |args: &[&str]| {
        let search = [
            "--quiet",
            "--no-download",
            "--extra-search-dir",
            text(wheels),
        ];
        let args = [&search, args, &["--", text(&venv)]].concat();
        site.run("virtualenv", &args).ok()
    };
    // What has no hook is theirs, and `init` makes it ours.
    virtualenv(&["--clear"]);
    for _ in 0..2 {
        site.sync().warns("aim-venv-sync init");
    }
    site.sandbox.run("aim-venv-sync", ["init"]).ok();
    assert!(site.is_ours());

    virtualenv(&["--pip", "24.0"]);
    assert!(site.is_ours());
    site.sync().says("→ 24.0");

    // The next run enters it as well: what virtualenv did is none of its changes.
    virtualenv(&["--reset-app-data"]);
    let before = site.records();
    site.sandbox.pip(["install", "greeting"]).ok();
    let records = site.recorded_since(before);
    let [sync, install] = &records[..] else {
        panic!("{records:#?}")
    };
    let changed = sync["changed"].as_array().expect("changes");
    assert!(
        changed.iter().any(|change| change["from"] == "24.0"),
        "{sync}"
    );
    assert_eq!(added(install), ("pip", "greeting"));
}

#[test]
fn a_pip_by_uv_or_ensurepip_is_led_to_us() {
    let (Some(first), Some(second)) = (stored_wheel("pip-24.0-"), stored_wheel("pip-25.3-")) else {
        return;
    };
    let Some(site) = Site::ready() else { return };
    let cache = site.sandbox.root().join("uv-cache");
    let vars = [("UV_OFFLINE", "1"), ("UV_CACHE_DIR", text(&cache))];
    let uv = |args: &[&str]| site.run_with("uv", &[&["pip"], args].concat(), &vars).ok();
    uv(&["install", text(&first)]);
    site.sync().says("recorded what uv changed");

    uv(&["install", text(&second)]);
    let before = site.records();
    let python = site.sandbox.bin("python");
    let install = ["-m", "pip", "install", "greeting"];
    site.sandbox.run(&python, install).ok();
    let records = site.recorded_since(before);
    let tools: Vec<_> = records.iter().map(|record| &record["tool"]).collect();
    assert_eq!(tools, ["uv", "pip"], "{records:#?}");

    // Without an option, ensurepip makes no `pip`, and neither do we.
    uv(&["uninstall", "pip"]);
    site.sync().says("- pip 25.3");
    let before = site.records();
    let ensure = ["-m", "ensurepip", "--upgrade"];
    site.sandbox.run(&python, ensure).ok().says("Successfully");
    site.installed_since(before, &["pip"]);
    assert!(site.sandbox.bin("pip3").exists() && !site.sandbox.bin("pip").exists());
}
