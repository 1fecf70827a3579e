//! Whose an environment is: the layouts of other tools, with real environments, real pip and the daemon.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::place::wait_until;
use crate::sandbox::{Python, Ran, Sandbox, skipped};

/// An environment at `place`, as `python -m venv` makes it.
fn venv(sandbox: &Sandbox, place: &Path) -> PathBuf {
    std::fs::create_dir_all(place.parent().expect("a folder")).expect("folders");
    sandbox.python().copy_venv(place);
    place.to_path_buf()
}

fn sync(sandbox: &Sandbox, folder: &Path, args: &[&str]) -> Ran {
    let mut sync = sandbox.command("aim-venv-sync");
    Ran::of(sync.args(args).current_dir(folder))
}

/// Asks `pip` of the environment for something that fails, from a folder of nobody's.
fn run_pip(sandbox: &Sandbox, venv: &Path) {
    let mut pip = sandbox.command(venv.join("bin/pip"));
    Ran::of(pip.arg("install").current_dir("/")).exits(1);
}

/// Installs `name`, a wheel of the sandbox.
fn install(sandbox: &Sandbox, venv: &Path, name: &str) {
    sandbox.wheel(name, "1.0");
    let mut pip = sandbox.command(venv.join("bin/pip"));
    Ran::of(pip.args(["install", name]).current_dir("/")).ok();
}

/// How many runs are recorded in `folder`.
fn runs(folder: &Path) -> usize {
    let text = std::fs::read_to_string(folder.join(".pip-logs/runs.jsonl")).unwrap_or_default();
    text.lines().count()
}

fn generation(folder: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join("env_meta.json")).ok()?;
    let meta: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    meta["generation"].as_u64()
}

#[test]
fn a_second_environment_in_the_folder_keeps_its_own_record() {
    let sandbox = Sandbox::ready();
    let project = sandbox.project();
    let before = (runs(project), generation(project));
    for name in ["env", ".tox/py3", "made-by-hand"] {
        let other = venv(&sandbox, &project.join(name));
        let other_text = other.to_str().expect("UTF-8");
        sync(&sandbox, project, &["init", other_text]).ok();
        install(&sandbox, &other, "six");
        assert_eq!((runs(project), generation(project)), before, "{name}");
        assert!(
            generation(&other).is_some_and(|generation| generation > 0),
            "{name}"
        );
        let mut logs = sandbox.command("aim-logs");
        Ran::of(logs.args(["--env", other_text]).current_dir("/"))
            .ok()
            .says("six");
        sync(&sandbox, Path::new("/"), &["--env", other_text, "--check"]).ok();
    }
    let mut all = sandbox.command("aim-logs");
    let all = Ran::of(all.args(["list", "--all", "--json"]).current_dir(project)).ok();
    let listed = all.json();
    let mut places: Vec<&str> = listed
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|run| run["environment"].as_str())
        .collect();
    places.dedup();
    assert_eq!(places.len(), 4, "{places:?}");
    let mut all = sandbox.command("aim-logs");
    let all = Ran::of(all.args(["list", "--all"]).current_dir(project)).ok();
    assert!(
        all.stdout().contains("made-by-hand\n") && all.stdout().contains("+six 1.0"),
        "{}",
        all.stdout()
    );
}

#[test]
fn a_link_to_a_central_environment_is_the_projects_by_either_path() {
    let sandbox = Sandbox::new();
    let project = sandbox.project();
    let central = venv(&sandbox, &sandbox.root().join("central/p-3f9a"));
    symlink(&central, project.join(".venv")).expect("link");
    sync(&sandbox, project, &["init"]).ok();
    for path in [&central, &project.join(".venv")] {
        let before = runs(project);
        run_pip(&sandbox, path);
        assert_eq!(runs(project), before + 1, "{}", path.display());
    }
    let _daemon = sandbox.daemon();
    let before = runs(project);
    install(&sandbox, &central, "six");
    assert_eq!(runs(project), before + 1);
    sandbox.run("aim-venv-sync", ["--check"]).ok();
    assert!(
        !central.join(".pip-logs").exists() && !sandbox.root().join("central/.pip-logs").exists()
    );
}

#[test]
fn two_projects_share_an_environment() {
    let sandbox = Sandbox::new();
    let central = venv(&sandbox, &sandbox.root().join("central/shared"));
    let [first, second] = ["first", "second"].map(|name| sandbox.root().join(name));
    for project in [&first, &second] {
        std::fs::create_dir(project).expect("folder");
        symlink(&central, project.join(".venv")).expect("link");
        sync(&sandbox, project, &["init"]).ok();
    }
    install(&sandbox, &second.join(".venv"), "six");
    assert!(generation(&first).is_some_and(|generation| generation > 0));
    assert_eq!((generation(&second), runs(&second)), (None, 0));
    for project in [&first, &second] {
        let mut logs = sandbox.command("aim-logs");
        Ran::of(logs.current_dir(project)).ok().says("six");
        sync(&sandbox, project, &["--check"]).ok();
    }
}

#[test]
fn both_projects_of_an_environment_hear_of_a_change() {
    let sandbox = Sandbox::new();
    let central = venv(&sandbox, &sandbox.root().join("central/shared"));
    let _daemon = sandbox.daemon();
    let projects = ["first", "second"].map(|name| sandbox.root().join(name));
    for project in &projects {
        std::fs::create_dir(project).expect("folder");
        symlink(&central, project.join(".venv")).expect("link");
        std::fs::write(
            project.join("node.py"),
            "import six\ndef node():\n    return six.__name__\n",
        )
        .expect("node");
        sync(&sandbox, project, &["init"]).ok();
        let mut run = sandbox.command("aim-worker");
        Ran::of(run.args(["run", "node.py"]).current_dir(project)).exits(1);
    }
    install(&sandbox, &central, "six");
    for project in &projects {
        sync(&sandbox, project, &["--wait"]).ok();
        let mut run = sandbox.command("aim-worker");
        Ran::of(run.args(["run", "node.py"]).current_dir(project))
            .ok()
            .says("six");
    }
}

#[test]
fn an_environment_that_pipenv_noted_and_one_of_direnv() {
    let sandbox = Sandbox::new();
    let project = sandbox.project();
    let central = venv(&sandbox, &sandbox.root().join("virtualenvs/demo-x1"));
    std::fs::write(central.join(".project"), project.as_os_str().as_bytes()).expect("write");
    let mut init = sandbox.command("aim-venv-sync");
    let init = init
        .args(["init"])
        .current_dir(project)
        .env("VIRTUAL_ENV", &central);
    Ran::of(init).ok().warns("the active one is used");
    run_pip(&sandbox, &central);
    assert_eq!(runs(project), 2);
    sandbox.run("aim-logs", ["show"]).ok().says("pip install");

    let other = sandbox.root().join("other");
    let direnv = venv(&sandbox, &other.join(".direnv/python-3.11"));
    sync(&sandbox, &other, &["init"]).ok();
    run_pip(&sandbox, &direnv);
    assert_eq!(runs(&other), 2);
}

#[test]
fn an_environment_that_is_the_projects_folder() {
    let sandbox = Sandbox::new();
    let project = sandbox.root().join("app");
    let mut make = sandbox.command(sandbox.python().path());
    Ran::of(make.args(["-I", "-m", "venv"]).arg(&project)).ok();
    sync(&sandbox, &project, &["init"]).ok();
    run_pip(&sandbox, &project);
    assert_eq!(runs(&project), 2);
    assert!(!sandbox.root().join("env_meta.json").exists());
}

#[test]
fn an_active_environment_is_never_passed_over_in_silence() {
    let sandbox = Sandbox::ready();
    let folder = sandbox.root().join("new");
    std::fs::create_dir(&folder).expect("folder");
    let init = |active: &Path| {
        let mut init = sandbox.command("aim-venv-sync");
        Ran::of(
            init.arg("init")
                .current_dir(&folder)
                .env("VIRTUAL_ENV", active),
        )
        .ok()
    };
    let nobodys = venv(&sandbox, &sandbox.root().join("envs/free"));
    init(&nobodys).warns("the active one is used");
    assert!(!folder.join(".venv").exists());
    run_pip(&sandbox, &nobodys);
    assert_eq!(runs(&folder), 2);
    init(&nobodys).says("was there already");

    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::create_dir(&folder).expect("folder");
    init(&sandbox.venv()).warns("is not this folder");
    assert!(folder.join(".venv/pyvenv.cfg").exists());

    // A folder that is still to be made.
    let mut init = sandbox.command("aim-venv-sync");
    let init = init.args(["init", "newer"]).env("VIRTUAL_ENV", &nobodys);
    Ran::of(init.current_dir(sandbox.root()))
        .ok()
        .warns("is not this folder");
    assert!(sandbox.root().join("newer/.venv/pyvenv.cfg").exists());
}

#[test]
fn an_environment_elsewhere_is_linked_by_its_path() {
    let sandbox = Sandbox::ready();
    let place = venv(&sandbox, &sandbox.root().join("envs/free"));
    let path = place.to_str().expect("UTF-8");
    let folder = sandbox.root().join("linked");
    std::fs::create_dir(&folder).expect("folder");
    sync(&sandbox, &folder, &["init", "--env", path]).ok();
    run_pip(&sandbox, &place);
    assert_eq!(runs(&folder), 2);
    sync(&sandbox, &folder, &["--check"]).ok();
    // By a link to it, too, and never by making another one.
    let (other, link) = (
        venv(&sandbox, &sandbox.root().join("envs/other")),
        sandbox.root().join("link"),
    );
    symlink(&other, &link).expect("link");
    let link = link.to_str().expect("UTF-8");
    let second = sandbox.root().join("second");
    sync(
        &sandbox,
        Path::new("/"),
        &["init", "--env", link, second.to_str().expect("UTF-8")],
    )
    .exits(1);
    assert!(!second.exists());
    std::fs::create_dir(&second).expect("folder");
    sync(&sandbox, &second, &["init", "--env", link]).ok();
    run_pip(&sandbox, &other);
    assert_eq!(runs(&second), 2);
    // A project has one environment of record.
    sync(&sandbox, sandbox.project(), &["init", "--env", path, "."])
        .exits(1)
        .warns("another environment of record");
    sync(&sandbox, &folder, &["init", "--env", "/nowhere"])
        .exits(1)
        .warns("pyvenv.cfg");
}

#[test]
fn doctor_removes_what_a_killed_pip_set_aside() {
    let sandbox = Sandbox::ready();
    let left = sandbox.site_packages().join("~ix");
    std::fs::create_dir(&left).expect("folder");
    std::fs::write(left.join("a.py"), "").expect("write");
    let doctor = sandbox.run("aim-venv-sync", ["doctor"]).ok();
    doctor.says("~ix").says("doctor --clean");
    assert!(left.exists());
    // Somebody is at work, past the lock: what is set aside may be put back.
    let mut write = sandbox.command("sh");
    write.args(["-c", "while :; do : > \"$0/new.py\"; done"]);
    let mut write = write.arg(&left).spawn().expect("starts");
    wait_until("it writes", || left.join("new.py").exists());
    let doctor = sandbox.run("aim-venv-sync", ["doctor", "--clean"]);
    write.kill().expect("killed");
    write.wait().expect("gone");
    doctor.exits(1).warns("nothing is removed meanwhile");
    assert!(left.join("a.py").exists());
    let doctor = sandbox.run("aim-venv-sync", ["doctor", "--clean"]).ok();
    assert!(!doctor.warns("removed").stdout().contains("~ix"));
    assert!(!left.exists());
}

#[test]
fn an_empty_folder_is_filled() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.venv()).expect("folder");
    sandbox.run("aim-venv-sync", ["init"]).ok();
    run_pip(&sandbox, &sandbox.venv());
    assert_eq!(runs(sandbox.project()), 2);
}

#[test]
fn what_an_older_python_left_does_not_count() {
    let (Some(older), Some(newer)) = (Python::find(11), Python::find(13)) else {
        return skipped("Python 3.11 and 3.13 are not both here");
    };
    let sandbox = Sandbox::on(older).with_venv().with_init();
    install(&sandbox, &sandbox.venv(), "six");
    // By the name with its version, as Debian's and pyenv's are called: `bin/python` stays the older one's.
    let newer = newer.path().canonicalize().expect("resolved");
    let mut make = sandbox.command(newer.with_file_name("python3.13"));
    Ran::of(make.args(["-I", "-m", "venv"]).arg(sandbox.venv())).ok();
    sandbox.run("aim-venv-sync", ["--check"]).exits(1);
    sandbox.run("aim-venv-sync", ["sync"]).ok().says("six");
    sandbox.run("aim-venv-sync", ["--check"]).ok();
    sandbox
        .run("aim-venv-sync", ["doctor"])
        .says("lib/python3.11/site-packages");
    let before = runs(sandbox.project());
    install(&sandbox, &sandbox.venv(), "six");
    assert_eq!(runs(sandbox.project()), before + 1);
    let _daemon = sandbox.daemon();
    sandbox.write(
        "node.py",
        "import six, sys\ndef node():\n    return sys.version_info[1]\n",
    );
    let mut run = sandbox.command("aim-worker");
    Ran::of(run.args(["run", "node.py"])).ok().says("13");
}
