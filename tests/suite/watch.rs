//! What other tools change: noticed by the daemon, recorded under their name, and in the next node, with nobody typing
//! `sync`.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::sandbox::{Daemon, Ran, Sandbox, skipped};

/// A project in use, and with it watched.
struct InUse {
    // The first to go: it has the environment open.
    _daemon: Daemon,
    sandbox: Sandbox,
    generation: u64,
    runs: usize,
}

impl InUse {
    fn new() -> Self {
        let sandbox = Sandbox::ready();
        let daemon = sandbox.daemon();
        sandbox.write(
            "node.py",
            "def main():\n    import greeting\n    return greeting.greet('world')\n",
        );
        sandbox.run("aim-worker", ["start"]).ok();
        let watching = ask(&sandbox, "")["watching"].clone();
        assert_eq!(watching["mode"], "events", "{watching}");
        let (generation, runs) = (sandbox.generation(), sandbox.records().len());
        Self {
            _daemon: daemon,
            sandbox,
            generation,
            runs,
        }
    }

    fn wheel(&self, version: &str) -> PathBuf {
        self.sandbox.wheel("greeting", version)
    }

    /// pip as if the toolkit were not there.
    fn other_pip<const N: usize>(&self, args: [&str; N]) {
        let mut pip = self.sandbox.command(self.sandbox.bin("pip"));
        Ran::of(pip.env("AIM_PIP_BYPASS", "1").args(args)).ok();
    }

    /// Waits until the worker is on the next generation, and gives the one record that tells why.
    fn noticed(&mut self) -> Value {
        self.generation += 1;
        self.runs += 1;
        let path = format!("/worker?generation={}&wait_s=30", self.generation);
        let worker = ask(&self.sandbox, &path);
        assert_eq!(worker["generation"], self.generation, "{worker}");
        assert_eq!(worker["state"], "idle", "{worker}");
        assert_eq!(self.sandbox.generation(), self.generation);
        let records = self.sandbox.records();
        assert_eq!(records.len(), self.runs, "{records:#?}");
        let record = self.sandbox.last_record();
        assert_eq!(record["action"], "sync");
        assert_eq!(record["generation_after"], self.generation);
        record
    }

    fn node(&self) -> Ran {
        self.sandbox.run("aim-worker", ["run", "node.py"])
    }
}

#[test]
fn a_pip_from_outside_is_noticed() {
    let mut site = InUse::new();
    let wheel = site.wheel("1.0");
    site.other_pip(["install", text(&wheel)]);
    let record = site.noticed();
    assert_eq!(record["tool"], "pip");
    assert_eq!(record["added"][0]["name"], "greeting");
    site.node().ok().says("1.0");

    // Put there again at its version: for the worker it is another one.
    site.other_pip(["install", "--force-reinstall", text(&wheel)]);
    let changed = site.noticed()["changed"][0].clone();
    assert_eq!(
        (&changed["from"], &changed["to"]),
        (&"1.0".into(), &"1.0".into())
    );

    let newer = site.wheel("2.0");
    site.other_pip(["install", text(&newer)]);
    assert_eq!(site.noticed()["changed"][0]["to"], "2.0");
    site.node().ok().says("2.0");

    site.other_pip(["uninstall", "-y", "greeting"]);
    assert_eq!(site.noticed()["removed"][0]["name"], "greeting");
    site.node().exits(1);
}

/// It is in the next node, which says so, as do the events and the state; entered once, when there is room again.
#[test]
fn a_change_that_cannot_be_recorded_is_followed() {
    let mut site = InUse::new();
    let logs = site.sandbox.project().join(".pip-logs");
    let aside = site.sandbox.root().join("aside");
    let wheels = [site.wheel("1.0"), site.wheel("2.0")];
    let packages = site.sandbox.site_packages();
    site.sandbox.write(
        "structure.json",
        r#"{"nodes":[{"id":"s","type":"start"},{"id":"1","type":"custom","data":{"file":"node.py"}}],
        "edges":[{"source":"s","target":"1"}]}"#,
    );
    std::fs::rename(&logs, &aside).expect("moved");
    std::fs::write(&logs, "in the way").expect("written");
    for (wheel, version) in wheels.iter().zip(["1.0", "2.0"]) {
        site.other_pip(["install", text(wheel)]);
        let node = site.node().ok().says(version);
        let said_first = "aim-backend: cannot record a change: ";
        assert!(node.stderr().starts_with(said_first), "{}", node.stderr());
        let worker = ask(&site.sandbox, "/worker");
        assert_eq!(worker["refresh"]["reason"], "unrecorded", "{worker}");
        let status = site.sandbox.run("aim-worker", ["status"]).ok().stdout();
        assert!(status.contains("could not be recorded"), "{status}");

        // No package: not worth a worker.
        std::fs::create_dir(packages.join(format!("cache-{version}"))).expect("folder");
        let flow = site.sandbox.run("aim-worker", ["flow", "--json"]).json();
        let done = &flow["execution_results"]["1"];
        let said = done["logs"].as_str().expect("text");
        assert!(said.starts_with(said_first), "{flow}");
        assert_eq!(done["status"], "success", "{flow}");
        let now = ask(&site.sandbox, "/worker");
        assert_eq!(now["restarts"], worker["restarts"], "{now}");
    }
    assert_eq!(site.sandbox.generation(), site.generation);
    std::fs::remove_file(&logs).expect("removed");
    std::fs::rename(&aside, &logs).expect("moved");
    let node = site.node().ok().says("2.0");
    assert_eq!(node.stderr(), "");
    let added = site.noticed()["added"].clone();
    assert_eq!(added[0]["to"], "2.0", "{added}");
}

/// As every interpreter will be that does not read `.pth` lines any more (PEP 829).
#[test]
fn a_pip_under_an_interpreter_that_ignores_the_hook_is_noticed() {
    let mut site = InUse::new();
    let wheel = site.wheel("1.0");
    let line = site.sandbox.site_packages().join("00_aim_pip.pth");
    std::fs::write(line, "").expect("written");
    let python = site.sandbox.bin("python");
    let install = ["-m", "pip", "install", text(&wheel)];
    site.sandbox.run(&python, install).ok();
    let record = site.noticed();
    assert_eq!(record["tool"], "pip");
    assert_eq!(record["added"][0]["name"], "greeting");
    site.node().ok().says("1.0");
}

#[test]
fn a_pip_of_another_environment_is_noticed() {
    let mut site = InUse::new();
    let tools = site.sandbox.root().join("tools");
    site.sandbox.python().copy_venv(&tools);
    let pip = tools.join("bin/pip");
    let (first, second) = (site.wheel("1.0"), site.wheel("2.0"));
    let venv = site.sandbox.venv();
    let install = ["install", "--prefix", text(&venv), text(&first)];
    site.sandbox.run(&pip, install).ok();
    assert_eq!(site.noticed()["added"][0]["name"], "greeting");
    site.node().ok().says("1.0");

    let folder = site.sandbox.site_packages();
    let install = [
        "install",
        "--upgrade",
        "--target",
        text(&folder),
        text(&second),
    ];
    site.sandbox.run(&pip, install).ok();
    site.node().ok().says("2.0");
    assert!(site.sandbox.generation() > site.generation);
}

#[test]
fn the_very_next_node_sees_it() {
    let site = InUse::new();
    let wheel = site.wheel("1.0");
    site.other_pip(["install", text(&wheel)]);
    site.node().ok().says("1.0");
    assert_eq!(site.sandbox.generation(), site.generation + 1);
}

#[test]
fn what_the_shim_records_is_not_recorded_twice() {
    let mut site = InUse::new();
    for version in ["1.0", "2.0", "3.0"] {
        let wheel = site.wheel(version);
        site.sandbox.pip(["install", text(&wheel)]).ok();
        site.node().ok().says(version);
    }
    site.generation += 3;
    site.runs += 3;
    site.other_pip(["uninstall", "-y", "greeting"]);
    assert_eq!(site.noticed()["generation_before"], site.generation - 1);
}

#[test]
fn a_removed_folder_is_noticed() {
    let mut site = InUse::new();
    let wheel = site.wheel("1.0");
    site.other_pip(["install", text(&wheel)]);
    site.noticed();
    let folder = site.sandbox.site_packages();
    std::fs::remove_file(folder.join("greeting.py")).expect("removed");
    std::fs::remove_dir_all(folder.join("greeting-1.0.dist-info")).expect("removed");
    let record = site.noticed();
    assert_eq!(record["tool"], "unknown");
    assert_eq!(record["removed"][0]["name"], "greeting");
    site.node().exits(1);
}

#[test]
fn an_editable_installation_is_noticed() {
    let mut site = InUse::new();
    let source = site.sandbox.root().join("greeting");
    std::fs::create_dir(&source).expect("folder");
    let write = |name: &str, text: &str| std::fs::write(source.join(name), text).expect("write");
    write(
        "greeting.py",
        "def greet(name):\n    return 'edited in place'\n",
    );
    write(
        "pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
    );
    write("backend.py", BACKEND);
    site.other_pip(["install", "-e", text(&source)]);
    let record = site.noticed();
    assert_eq!(record["tool"], "pip");
    assert_eq!(record["added"][0]["name"], "greeting");
    site.node().ok().says("edited in place");
}

/// A build backend (PEP 660) that needs nothing from an index.
const BACKEND: &str = r#"
import os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name, info = "greeting-1.0-py3-none-any.whl", "greeting-1.0.dist-info/"
    files = {
        "greeting.pth": os.getcwd() + "\n",
        info + "METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
        info + "WHEEL": "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[info + "RECORD"] = "".join(path + ",,\n" for path in files)
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"#;

/// uv, outside the project's environment.
pub(crate) struct Uv(PathBuf);

impl Uv {
    /// None, with a printed reason, where it is not there.
    pub(crate) fn of(sandbox: &Sandbox) -> Option<Self> {
        let Some(wheel) = uv_wheel() else {
            skipped("no uv wheel in target/test-wheels (pip download uv -d target/test-wheels)");
            return None;
        };
        let tools = sandbox.root().join("tools");
        sandbox.python().copy_venv(&tools);
        let install = ["install", "--no-deps", text(&wheel)];
        sandbox.run(tools.join("bin/pip"), install).ok();
        Some(Self(tools.join("bin/uv")))
    }

    /// The program.
    pub(crate) fn program(&self) -> &str {
        text(&self.0)
    }

    /// `uv pip …` in the project's environment.
    pub(crate) fn pip<const N: usize>(&self, sandbox: &Sandbox, args: [&str; N]) {
        let mut uv = sandbox.command(&self.0);
        let uv = uv
            .env("VIRTUAL_ENV", sandbox.venv())
            .env("UV_CACHE_DIR", sandbox.root().join("uv-cache"))
            .env("UV_OFFLINE", "1")
            .arg("pip");
        Ran::of(uv.args(args)).ok();
    }
}

#[test]
fn uv_is_noticed_under_its_own_name() {
    let mut site = InUse::new();
    let Some(uv) = Uv::of(&site.sandbox) else {
        return;
    };
    let wheel = site.wheel("1.0");
    uv.pip(&site.sandbox, ["install", text(&wheel)]);
    uv.pip(&site.sandbox, ["list"]);
    let record = site.noticed();
    assert_eq!(record["tool"], "uv");
    assert_eq!(record["added"][0]["name"], "greeting");
    site.node().ok().says("1.0");

    uv.pip(&site.sandbox, ["install", "--reinstall", text(&wheel)]);
    let record = site.noticed();
    let changed = &record["changed"][0];
    assert_eq!(
        (&changed["from"], &changed["to"]),
        (&"1.0".into(), &"1.0".into()),
        "{record}"
    );
    uv.pip(&site.sandbox, ["uninstall", "greeting"]);
    assert_eq!(site.noticed()["removed"][0]["name"], "greeting");
    site.node().exits(1);
}

/// As conda leaves things: files linked in any order, and last a file of its own for each package.
#[test]
fn conda_is_noticed_under_its_own_name() {
    let mut site = InUse::new();
    let meta = site.sandbox.venv().join("conda-meta");
    let folder = site.sandbox.site_packages();
    let write = |path: PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    };
    write(meta.join("history"), "");
    let info = folder.join("greeting-1.0.dist-info");
    write(info.join("INSTALLER"), "conda\n");
    write(info.join("METADATA"), "Name: greeting\nVersion: 1.0\n");
    let code = "def greet(name):\n    return 'linked'\n";
    write(folder.join("greeting.py"), code);
    write(meta.join("greeting-1.0-pyhd8ed1ab_0.json"), "{}");
    write(meta.join("zlib-1.3-h4ab18f5_0.json"), "{}");
    let record = site.noticed();
    assert_eq!(record["tool"], "conda", "{record}");
    let added: Vec<_> = record["added"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["name"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(added, ["greeting", "zlib"]);
    assert_eq!(site.sandbox.env_meta()["last_change"]["source"], "conda");
    site.node().ok().says("linked");

    // A library alone: no Python, but nodes may have it loaded.
    let newer = meta.join("zlib-1.3.1-h4ab18f5_1.json");
    std::fs::rename(meta.join("zlib-1.3-h4ab18f5_0.json"), &newer).expect("renamed");
    let record = site.noticed();
    assert_eq!(record["changed"][0]["to"], "1.3.1", "{record}");
    std::fs::remove_file(newer).expect("removed");
    let record = site.noticed();
    assert_eq!(record["removed"][0]["name"], "zlib", "{record}");
    assert_eq!(record["tool"], "conda");
}

fn uv_wheel() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let wheels = std::fs::read_dir(target.join("test-wheels")).ok()?;
    let mut wheels = wheels.filter_map(|entry| Some(entry.ok()?.path()));
    wheels.find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("uv-") && name.ends_with(".whl")
    })
}

#[test]
fn an_environment_that_is_made_again_is_watched_again() {
    let mut site = InUse::new();
    let wheel = site.wheel("1.0");
    site.other_pip(["install", text(&wheel)]);
    site.noticed();
    let venv = site.sandbox.venv();
    std::fs::remove_dir_all(&venv).expect("removed");
    site.sandbox.python().copy_venv(&venv);
    // The copy grows piece by piece, so this may be more than one change.
    site.node().exits(1);
    let path = format!("/worker?generation={}&wait_s=30", site.generation + 1);
    let worker = ask(&site.sandbox, &path);
    assert!(
        worker["generation"].as_u64() > Some(site.generation),
        "{worker}"
    );
    let pip = site.sandbox.bin("pip");
    site.sandbox.run(&pip, ["install", text(&wheel)]).ok();
    site.node().ok().says("1.0");
    assert_eq!(site.sandbox.last_record()["added"][0]["name"], "greeting");
}

#[test]
fn a_burst_makes_few_generations_and_a_record_for_each() {
    let site = InUse::new();
    for number in 0..20 {
        let name = format!("d{number}-1.0.dist-info");
        let folder = site.sandbox.site_packages().join(&name);
        std::fs::create_dir(&folder).expect("folder");
        std::fs::write(folder.join("INSTALLER"), "pdm\n").expect("write");
        let metadata = format!("Metadata-Version: 2.1\nName: d{number}\nVersion: 1.0\n");
        std::fs::write(folder.join("METADATA"), metadata).expect("write");
        std::fs::write(folder.join("RECORD"), format!("{name}/INSTALLER,,\n")).expect("write");
        if number % 5 == 0 {
            ask(&site.sandbox, "/worker");
        }
    }
    site.node().exits(1);
    let generations = site.sandbox.generation() - site.generation;
    assert!((1..=3).contains(&generations), "{generations} generations");
    let records = site.sandbox.records();
    assert_eq!(
        records.len() - site.runs,
        usize::try_from(generations).expect("few")
    );
    let added = records[site.runs..]
        .iter()
        .map(|record| record["added"].as_array().map_or(0, Vec::len));
    assert_eq!(added.sum::<usize>(), 20, "{records:#?}");
    let worker = ask(&site.sandbox, "/worker");
    assert_eq!(worker["generation"], site.sandbox.generation());
    assert!(worker["restarts"].as_u64() <= Some(generations), "{worker}");
}

#[test]
fn how_changes_are_noticed_is_told_by_doctor() {
    let site = InUse::new();
    let doctor = |site: &InUse| {
        let doctor = site
            .sandbox
            .run("aim-venv-sync", ["doctor", "--json"])
            .json();
        let checks = doctor["checks"].as_array().expect("checks").clone();
        let mut checks = checks.into_iter();
        checks
            .find(|check| check["name"] == "watching")
            .expect("a check")
    };
    assert_eq!(doctor(&site)["outcome"], "good");
    site.sandbox.write(".aim.toml", "enabled = false\n");
    let wheel = site.wheel("1.0");
    site.other_pip(["install", text(&wheel)]);
    site.node();
    assert_eq!(doctor(&site)["outcome"], "odd");
    assert_eq!(site.sandbox.records().len(), site.runs, "left alone");
}

/// The JSON of a call about the project; `path` is below its own.
pub(crate) fn ask(sandbox: &Sandbox, path: &str) -> Value {
    let mut stream = UnixStream::connect(sandbox.socket()).expect("connects");
    write!(
        stream,
        "GET /api/v1/projects/demo{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}
