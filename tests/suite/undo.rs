//! `aim-logs undo` and `redo`, and `aim-venv-sync restore`: what there was comes back to the byte, whoever made the
//! changes, and whatever ends the one who brings it back.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::sandbox::{Ran, Sandbox, skipped, stored_wheel};

/// What is in an environment but for what Python compiles and what is ours: of files mode and text, of links where they
/// lead.
pub(crate) type Tree = BTreeMap<String, (u32, Vec<u8>)>;

pub(crate) fn tree(venv: &Path) -> Tree {
    let walk = walkdir::WalkDir::new(venv).into_iter();
    let entries = walk.filter_entry(|entry| {
        let name = entry.file_name();
        // The last two are uv's own notes; where pip installs over what uv did, no RECORD has the second any more.
        let others = [
            ".aim",
            "__pycache__",
            "_aim_pip_hook",
            ".lock",
            "uv_cache.json",
        ];
        !others.iter().any(|other| name == *other)
    });
    entries
        .map(|entry| entry.expect("readable"))
        // pip leaves empty folders where it made them for data files.
        .filter(|entry| !entry.file_type().is_dir())
        .map(|entry| {
            let kind = entry.file_type();
            let text = if kind.is_file() {
                std::fs::read(entry.path()).expect("read")
            } else {
                let target = std::fs::read_link(entry.path()).expect("a link");
                target.into_os_string().into_encoded_bytes()
            };
            let mode = entry.metadata().expect("there").permissions().mode();
            let path = entry.path().strip_prefix(venv).expect("below");
            (path.to_string_lossy().into_owned(), (mode, text))
        })
        .collect()
}

/// The paths at which two trees differ.
fn difference(one: &Tree, other: &Tree) -> Vec<String> {
    let paths = one.keys().chain(other.keys());
    let mut differ: Vec<String> = paths
        .filter(|path| one.get(*path) != other.get(*path))
        .cloned()
        .collect();
    differ.dedup();
    differ
}

pub(crate) fn same(one: &Tree, other: &Tree, when: &str) {
    assert_eq!(difference(one, other), [""; 0], "{when}");
}

/// A wheel with a module, a part of a namespace, a script and a data file, all of which tell the version.
pub(crate) fn wheel(sandbox: &Sandbox, name: &str, version: &str) -> String {
    let info = format!("{name}-{version}.dist-info/entry_points.txt");
    let only = format!("{name}/only_{}.py", version.replace('.', "_"));
    let files = [
        (
            format!("{name}/__init__.py"),
            format!("version = '{version}'\ndef main(): print(version)\n"),
        ),
        (only, "x = 1\n".to_owned()),
        (
            format!("space/{name}_part.py"),
            format!("version = '{version}'\n"),
        ),
        (
            format!("{name}-{version}.data/data/share/{name}/data.txt"),
            format!("data of {version}\n"),
        ),
        (
            format!("{name}-{version}.data/scripts/{name}-raw"),
            format!("#!python\nprint('{version}')\n"),
        ),
        (
            info,
            format!("[console_scripts]\n{name}-run = {name}:main\n"),
        ),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let path = sandbox.wheel_of(name, version, &files);
    path.to_str().expect("utf-8").to_owned()
}

/// A project to be installed in editable form.
pub(crate) fn editable(sandbox: &Sandbox) -> String {
    sandbox.write(
        "live/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n\
         [project]\nname = 'live'\nversion = '1.0'\n",
    );
    sandbox.write("live/live.py", "x = 1\n");
    let backend = sandbox.write(
        "live/backend.py",
        r#"
import base64, hashlib, os, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    info, here = "live-1.0.dist-info", os.path.dirname(os.path.abspath(__file__))
    files = {"__editable__live.pth": here + "\n",
             info + "/METADATA": "Metadata-Version: 2.1\nName: live\nVersion: 1.0\n",
             info + "/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    name, record = "live-1.0-py3-none-any.whl", ""
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += "{},sha256={},{}\n".format(path, digest, len(text))
        wheel.writestr(info + "/RECORD", record + info + "/RECORD,,\n")
    return name
"#,
    );
    let folder = backend.parent().expect("a folder");
    folder.to_str().expect("utf-8").to_owned()
}

pub(crate) fn install(sandbox: &Sandbox, what: &[&str]) {
    let args = ["install", "-q", "--no-index", "--no-deps"];
    sandbox.pip(args.iter().chain(what)).ok();
}

#[test]
fn an_upgrade_a_removal_and_an_editable_installation_are_taken_back_and_again() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let (one, two) = (
        wheel(&sandbox, "demo", "1.0"),
        wheel(&sandbox, "demo", "2.0"),
    );
    let other = wheel(&sandbox, "other", "1.0");
    let empty = tree(&venv);
    install(&sandbox, &[&one, &other]);
    let first = tree(&venv);
    install(&sandbox, &[&two]);
    let second = tree(&venv);
    sandbox.pip(["uninstall", "-q", "-y", "other"]).ok();
    let third = tree(&venv);
    install(
        &sandbox,
        &["--no-build-isolation", "-e", &editable(&sandbox)],
    );
    let fourth = tree(&venv);

    let says = sandbox.run("aim-logs", ["undo", "--dry-run"]).ok();
    same(&tree(&venv), &fourth, "a dry run");
    assert!(says.stderr().contains("-live 1.0"), "{says:?}");
    sandbox
        .run("aim-logs", ["undo"])
        .exits(2)
        .warns("nobody can be asked here");
    same(&tree(&venv), &fourth, "nobody could be asked");
    for (state, generation) in [(&third, 6), (&second, 7), (&first, 8), (&empty, 9)] {
        sandbox.run("aim-logs", ["undo", "-y"]).ok();
        same(&tree(&venv), state, &format!("generation {generation}"));
        assert_eq!(sandbox.generation(), generation);
    }
    // What was there when `init` looked is no change, and pip only goes where that is wanted.
    sandbox.run("aim-logs", ["undo", "-y"]).exits(4);
    sandbox
        .run("aim-logs", ["undo", "1", "-y"])
        .exits(2)
        .warns("pip itself");
    same(&tree(&venv), &empty, "refused");
    for state in [&first, &second, &third, &fourth] {
        sandbox.run("aim-logs", ["redo", "-y"]).ok();
        same(&tree(&venv), state, "redo");
    }
    sandbox.run("aim-logs", ["redo", "-y"]).exits(4);
    let record = sandbox.last_record();
    assert_eq!(
        (&record["action"], &record["tool"]),
        (&"redo".into(), &"undo".into())
    );
    assert_eq!(sandbox.env_meta()["last_change"]["source"], "undo");
    let undo = record["number"].as_u64().expect("a number").to_string();
    sandbox.run("aim-logs", ["undo", &undo, "-y"]).ok();
    same(&tree(&venv), &third, "the redo is taken back");

    // What pip sees is whole.
    sandbox
        .run(sandbox.bin("demo-run"), [""; 0])
        .ok()
        .says("2.0");
    sandbox.pip(["check"]).ok();
    sandbox.pip(["uninstall", "-q", "-y", "demo"]).ok();
    let left = tree(&venv);
    assert!(
        !left.keys().any(|path| path.contains("demo")),
        "{:?}",
        left.keys()
    );
}

#[test]
fn an_environment_is_what_it_was_at_any_generation() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let (one, two) = (
        wheel(&sandbox, "demo", "1.0"),
        wheel(&sandbox, "demo", "2.0"),
    );
    let mut states = vec![tree(&venv)];
    install(&sandbox, &[&one, &wheel(&sandbox, "other", "1.0")]);
    states.push(tree(&venv));
    install(&sandbox, &[&two]);
    states.push(tree(&venv));
    sandbox.pip(["uninstall", "-q", "-y", "other"]).ok();
    states.push(tree(&venv));

    let told = sandbox
        .run("aim-venv-sync", ["restore", "g2", "--dry-run"])
        .ok();
    let told = told.warns("back to g2, as #2 left it ");
    let told = told.stderr();
    assert!(
        told.contains("~demo 2.0 → 1.0") && told.contains("+other 1.0"),
        "{told}"
    );
    let told = sandbox
        .run("aim-venv-sync", ["restore", "g2", "--dry-run", "--json"])
        .ok()
        .json();
    assert_eq!(told["generation"], 2);
    same(&tree(&venv), &states[3], "a dry run");
    sandbox
        .run("aim-venv-sync", ["restore", "g2"])
        .exits(2)
        .warns("nobody can be asked here");
    // Of the time before anybody looked nothing is known: it goes back to what was found then.
    for (moment, generation) in [
        ("g2", 2),
        ("g4", 4),
        ("g0", 1),
        ("#3", 3),
        ("g1", 1),
        ("1", 1),
    ] {
        let restored = sandbox.run("aim-venv-sync", ["restore", moment, "-y"]).ok();
        same(&tree(&venv), &states[generation - 1], moment);
        if moment != "g1" && moment != "1" {
            restored.says(&format!("what it was at g{generation}"));
        }
    }
    sandbox
        .run("aim-venv-sync", ["restore", "g1", "-y"])
        .ok()
        .warns("nothing would change");
    sandbox.run("aim-logs", ["undo", "-y"]).ok();
    same(
        &tree(&venv),
        &states[2],
        "a restore is a run that can be taken back",
    );
    sandbox.run("aim-logs", ["redo", "-y"]).ok();
    same(&tree(&venv), &states[0], "and again");
    sandbox.run("aim-venv-sync", ["restore", "now", "-y"]).ok();
    for moment in ["g99", "soon", "#99"] {
        sandbox
            .run("aim-venv-sync", ["restore", moment, "-y"])
            .exits(4);
    }
    sandbox
        .run("aim-venv-sync", ["restore", "2 days ago", "-y"])
        .ok();
    same(&tree(&venv), &states[0], "before the first run");

    // What is not kept is told, by name, and nothing is done.
    std::fs::remove_dir_all(venv.join(".aim/archive")).expect("removed");
    sandbox
        .run("aim-venv-sync", ["restore", "g2", "-y"])
        .exits(1)
        .warns("pip install --no-deps demo==1.0 other==1.0");
    same(&tree(&venv), &states[0], "never half of it");
    sandbox.run("aim-venv-sync", ["restore", "g1", "-y"]).ok();
}

#[test]
fn of_two_that_have_the_same_files_the_later_one_is_on_top_again() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let (one, two) = (
        wheel(&sandbox, "demo", "1.0"),
        wheel(&sandbox, "demo", "2.0"),
    );
    install(&sandbox, &[&one]);
    let first = tree(&venv);
    // The metadata of what was there stays.
    install(&sandbox, &["-I", &two]);
    let both = tree(&venv);
    assert!(both.keys().any(|path| path.contains("demo-1.0.dist-info")));
    sandbox.run("aim-logs", ["undo", "-y"]).ok();
    same(&tree(&venv), &first, "one of them goes");
    sandbox.run("aim-logs", ["redo", "-y"]).ok();
    same(&tree(&venv), &both, "it comes back over the other");
    for (moment, state) in [("g2", &first), ("g3", &both)] {
        sandbox.run("aim-venv-sync", ["restore", moment, "-y"]).ok();
        same(&tree(&venv), state, moment);
    }
    // Both come, and whichever is put back first, the later one is on top.
    sandbox.run("aim-venv-sync", ["restore", "g1", "-y"]).ok();
    sandbox.run("aim-venv-sync", ["restore", "g3", "-y"]).ok();
    same(&tree(&venv), &both, "both come");
    // The older one comes where the later one stays.
    sandbox.run("aim-venv-sync", ["restore", "g1", "-y"]).ok();
    install(&sandbox, &[&two]);
    sandbox.run("aim-venv-sync", ["restore", "g3", "-y"]).ok();
    same(&tree(&venv), &both, "the older one comes");
}

#[test]
fn which_of_two_is_on_top_does_not_depend_on_when_it_was_kept_first() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let [one, two] = ["1.0", "2.0"].map(|version| wheel(&sandbox, "demo", version));
    // The later one is kept first.
    install(&sandbox, &[&two]);
    sandbox.pip(["uninstall", "-q", "-y", "demo"]).ok();
    install(&sandbox, &[&one]);
    install(&sandbox, &["-I", &two]);
    let both = tree(&venv);
    let mut there = sandbox.generation();
    for _ in 0..2 {
        sandbox.run("aim-venv-sync", ["restore", "g1", "-y"]).ok();
        let typed = format!("g{there}");
        sandbox.run("aim-venv-sync", ["restore", &typed, "-y"]).ok();
        same(&tree(&venv), &both, &typed);
        there = sandbox.generation();
    }
    // The other one is installed over it, and nothing else changes.
    install(&sandbox, &["-I", &one]);
    let turned = tree(&venv);
    assert!(!difference(&turned, &both).is_empty());
    sandbox.run("aim-logs", ["undo", "-y"]).ok();
    same(&tree(&venv), &both, "undo");
    sandbox.run("aim-logs", ["redo", "-y"]).ok();
    same(&tree(&venv), &turned, "redo");
}

#[test]
fn what_later_runs_built_upon_is_told_before_anything_is_touched() {
    let sandbox = Sandbox::ready();
    let demo = wheel(&sandbox, "demo", "1.0");
    install(&sandbox, &[&demo]);
    let info = "Metadata-Version: 2.1\nName: above\nVersion: 1.0\nRequires-Dist: demo>=1\n";
    let above = sandbox.wheel("above", "1.0");
    install(&sandbox, &[above.to_str().expect("utf-8")]);
    let metadata = sandbox.site_packages().join("above-1.0.dist-info/METADATA");
    std::fs::write(metadata, info).expect("write");
    std::fs::write(sandbox.site_packages().join("demo/__init__.py"), "mine").expect("write");
    let before = tree(&sandbox.venv());
    let says = sandbox
        .run("aim-logs", ["undo", "2", "--dry-run"])
        .ok()
        .stderr();
    assert!(says.contains("above 1.0 needs demo>=1"), "{says}");
    assert!(
        says.contains("changed by hand") && says.contains("demo/__init__.py"),
        "{says}"
    );
    same(&tree(&sandbox.venv()), &before, "nothing is touched");
    let told = sandbox
        .run("aim-logs", ["undo", "2", "--dry-run", "--json"])
        .ok()
        .json();
    assert_eq!(told["breaks"][0]["name"], "above");

    let archive = sandbox.venv().join(".aim/archive");
    sandbox.pip(["uninstall", "-q", "-y", "demo"]).ok();
    std::fs::remove_dir_all(&archive).expect("removed");
    let before = tree(&sandbox.venv());
    sandbox
        .run("aim-logs", ["undo", "-y"])
        .exits(1)
        .warns("pip install --no-deps demo==1.0");
    same(&tree(&sandbox.venv()), &before, "never half of it");
    let mut command = sandbox.command("aim-logs");
    let wheels = Path::new(&demo).parent().expect("a folder");
    command
        .env("PIP_NO_INDEX", "1")
        .env("PIP_FIND_LINKS", wheels);
    let ran = Ran::of(command.args(["undo", "-y", "--download"])).ok();
    assert!(sandbox.site_packages().join("demo").is_dir(), "{ran:?}");
}

#[test]
fn whoever_is_killed_leaves_the_old_environment_or_the_new_one() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let many = |version: &str| {
        let files: Vec<(String, String)> = (0..300)
            .map(|n| {
                (
                    format!("many/f{n}/m_{}.py", version.replace('.', "_")),
                    format!("{version} {n}\n"),
                )
            })
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        let path = sandbox.wheel_of("many", version, &files);
        path.to_str().expect("utf-8").to_owned()
    };
    install(&sandbox, &[&many("1.0")]);
    let first = tree(&venv);
    install(&sandbox, &[&many("2.0")]);
    let second = tree(&venv);
    let (mut old, mut new) = (0, 0);
    for attempt in 0_u32..16 {
        let mut command = sandbox.command("aim-logs");
        command
            .args(["undo", "3", "-y"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let journal = venv.join(".aim/undo.json");
        // Half of them before anything is written down, half of them right after.
        let mut waited = Duration::ZERO;
        while attempt % 2 == 1 && !journal.exists() && waited < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_micros(100));
            waited += Duration::from_micros(100);
        }
        std::thread::sleep(Duration::from_millis(u64::from(attempt)));
        child.kill().expect("killed");
        child.wait().expect("ended");
        sandbox.run("aim-venv-sync", ["sync"]).ok();
        let now = tree(&venv);
        if difference(&now, &second).is_empty() {
            old += 1;
        } else {
            same(&now, &first, "killed");
            assert_eq!(sandbox.last_record()["action"], "undo");
            new += 1;
            sandbox.run("aim-logs", ["redo", "-y"]).ok();
            same(&tree(&venv), &second, "redo after that");
        }
        assert!(!journal.exists());
    }
    assert!(old > 0 && new > 0, "{old} times old, {new} times new");
}

/// What is installed.
const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];

/// Generations whose files are sure to be kept.
const KEPT: usize = 15;

/// What one step of a sequence does.
#[derive(Debug, Clone)]
enum Step {
    Install(usize, usize),
    /// By uv, which our hook does not see.
    ByUv(usize, usize),
    Editable,
    /// Over what is there, whose metadata stays beside it: two of one name.
    Beside(usize, usize),
    Uninstall(usize),
    Undo,
    Redo,
    /// An undo that is killed after so many milliseconds.
    Killed(u64),
    /// To what there was so many changes ago.
    Restore(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, 0..3_usize).prop_map(|(name, version)| Step::Install(name, version)),
        2 => (0..3_usize, 0..3_usize).prop_map(|(name, version)| Step::ByUv(name, version)),
        1 => Just(Step::Editable),
        1 => (0..3_usize, 0..3_usize).prop_map(|(name, version)| Step::Beside(name, version)),

        2 => (0..3_usize).prop_map(Step::Uninstall),
        3 => Just(Step::Undo),
        2 => Just(Step::Redo),
        1 => (0..40_u64).prop_map(Step::Killed),
        2 => (0..KEPT).prop_map(Step::Restore),
    ]
}

fn install_by_uv(sandbox: &Sandbox, uv: &Path, wheel: &str) {
    let mut command = sandbox.command(uv);
    command
        .args(["pip", "install", "-q", "--offline", "--no-deps", "--python"])
        .arg(sandbox.venv())
        .arg(wheel);
    Ran::of(&mut command).ok();
    sandbox.run("aim-venv-sync", ["sync"]).ok();
}

/// How many distributions of that name there are.
fn lists_of(sandbox: &Sandbox, name: &str) -> usize {
    let entries = std::fs::read_dir(sandbox.site_packages()).expect("read");
    let names = entries.map(|entry| entry.expect("read").file_name());
    let is_its = |file: &std::ffi::OsString| {
        let file = file.to_string_lossy();
        file.starts_with(&format!("{name}-")) && file.ends_with(".dist-info")
    };
    names.filter(is_its).count()
}

/// Puts an egg into the environment, as `easy_install` did.
fn unpack_egg(sandbox: &Sandbox, version: &str) {
    let site = sandbox.site_packages();
    let egg = format!("old-{version}-py{}.egg", sandbox.python().minor());
    let info = site.join(&egg).join("EGG-INFO");
    std::fs::create_dir_all(&info).expect("folders");
    let metadata = format!("Metadata-Version: 1.0\nName: old\nVersion: {version}\n");
    std::fs::write(info.join("PKG-INFO"), metadata).expect("written");
    std::fs::write(info.join("top_level.txt"), "old\n").expect("written");
    let module = format!("VERSION = {version:?}\n");
    std::fs::write(site.join(&egg).join("old.py"), module).expect("written");
    std::fs::write(site.join("easy-install.pth"), format!("./{egg}\n")).expect("written");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
}

/// Whoever comes next finishes it, or finds nothing of it.
fn undo_killed_after(sandbox: &Sandbox, time: Duration) {
    let mut undo = sandbox.command("aim-logs");
    undo.args(["undo", "-y"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut undo = undo.spawn().expect("it starts");
    std::thread::sleep(time);
    undo.kill().expect("killed");
    undo.wait().expect("ended");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
}

/// Has an installer do `step`, where that can be.
fn change(
    sandbox: &Sandbox,
    step: &Step,
    (wheels, live, uv): (&[Vec<String>], &str, Option<&Path>),
) -> bool {
    match step {
        Step::Install(name, version) => install(sandbox, &[&wheels[*name][*version]]),
        Step::ByUv(name, version) => match uv {
            Some(uv) => install_by_uv(sandbox, uv, &wheels[*name][*version]),
            None => return false,
        },
        Step::Editable => install(sandbox, &["--no-build-isolation", "-e", live]),
        Step::Beside(name, version) => {
            let wheel = &wheels[*name][*version];
            install(sandbox, &["--ignore-installed", "--no-deps", wheel]);
        }
        // Of two, pip takes the files of both and leaves a broken one: nothing to go back to.
        Step::Uninstall(name) if lists_of(sandbox, NAMES[*name]) > 1 => return false,
        Step::Uninstall(name) => {
            sandbox.pip(["uninstall", "-q", "-y", NAMES[*name]]).ok();
        }
        Step::Undo | Step::Redo | Step::Killed(_) | Step::Restore(_) => return false,
    }
    true
}

/// Goes through random steps, and compares each undo and redo with what there was.
fn sequences(count: usize) {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv();
    let wheels: Vec<Vec<String>> = NAMES
        .iter()
        .map(|name| {
            ["1.0", "1.1", "2.0"]
                .map(|version| wheel(&sandbox, name, version))
                .to_vec()
        })
        .collect();
    let live = editable(&sandbox);
    // It lies there all the time.
    unpack_egg(&sandbox, "1.0");
    let tools = Sandbox::new().with_venv();
    let uv = stored_wheel("uv-").map(|wheel| {
        install(&tools, &[wheel.to_str().expect("utf-8")]);
        tools.bin("uv")
    });
    if uv.is_none() {
        skipped("uv is not in target/test-wheels");
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut states: Vec<(u64, Tree)> = Vec::new();
    for _ in 0..count {
        let steps = prop::collection::vec(step(), 4..10).new_tree(&mut runner);
        let steps = steps.expect("made").current();
        // Trees that an undo leads to, and that a redo does; a new change leaves the first and forgets the others.
        let (mut done, mut undone): (Vec<Tree>, Vec<Tree>) = (Vec::new(), Vec::new());
        for step in &steps {
            let before = tree(&venv);
            let generation = sandbox.generation();
            if states.last().is_none_or(|(last, _)| *last != generation) {
                states.push((generation, before.clone()));
            }
            let (told, wanted) = match step {
                Step::Install(..)
                | Step::ByUv(..)
                | Step::Editable
                | Step::Beside(..)
                | Step::Uninstall(_) => {
                    if !change(&sandbox, step, (&wheels, &live, uv.as_deref())) {
                        continue;
                    }
                    (None, None)
                }
                Step::Killed(after) => {
                    let Some(wanted) = done.last() else { continue };
                    undo_killed_after(&sandbox, Duration::from_millis(*after));
                    let now = tree(&venv);
                    // One that was only installed again leaves no other trace.
                    let is_done = sandbox.generation() != generation;
                    let wanted = if is_done { wanted } else { &before };
                    same(&now, wanted, &format!("{step:?} in {steps:?}"));
                    if is_done {
                        done.pop();
                        undone.push(before);
                    }
                    continue;
                }
                Step::Restore(ago) => {
                    let Some((generation, wanted)) = states.iter().rev().nth(*ago) else {
                        continue;
                    };
                    let typed = format!("g{generation}");
                    sandbox.run("aim-venv-sync", ["restore", &typed, "-y"]).ok();
                    same(&tree(&venv), wanted, &format!("{step:?} in {steps:?}"));
                    (None, None)
                }
                Step::Undo => (Some("undo"), done.pop()),
                Step::Redo => (Some("redo"), undone.pop()),
            };
            let Some(told) = told else {
                // What was only installed again is a change, too.
                if sandbox.generation() != generation {
                    done.push(before);
                    undone.clear();
                }
                continue;
            };
            let Some(wanted) = wanted else { continue };
            sandbox.run("aim-logs", [told, "-y"]).ok();
            same(&tree(&venv), &wanted, &format!("{step:?} in {steps:?}"));
            match step {
                Step::Undo => undone.push(before),
                _ => done.push(before),
            }
        }
        sandbox.run("aim-venv-sync", ["sync", "--check"]).ok();
    }
}

#[test]
fn an_egg_is_named_where_it_cannot_be_put_back_and_nothing_is_changed() {
    let sandbox = Sandbox::ready();
    unpack_egg(&sandbox, "1.0");
    let with_egg = tree(&sandbox.venv());
    let egg = format!("old-1.0-py{}.egg", sandbox.python().minor());
    let egg = sandbox.site_packages().join(egg);
    std::fs::rename(&egg, sandbox.root().join("egg")).expect("moved");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    let without = tree(&sandbox.venv());
    let refused = sandbox.run("aim-logs", ["undo", "-y"]).exits(1);
    refused.warns("old 1.0");
    same(&tree(&sandbox.venv()), &without, "a refused undo");
    // It came, and no list says what would have to go.
    std::fs::rename(sandbox.root().join("egg"), &egg).expect("back");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    same(&tree(&sandbox.venv()), &with_egg, "the egg is back");
    let refused = sandbox.run("aim-logs", ["undo", "-y"]).exits(1);
    refused.warns("old 1.0");
    same(&tree(&sandbox.venv()), &with_egg, "a refused undo");
}

#[test]
fn whatever_came_before_an_undo_leads_back_to_what_there_was() {
    sequences(8);
}

#[test]
#[ignore = "takes minutes"]
fn whatever_came_before_an_undo_leads_back_in_many_sequences() {
    sequences(200);
}
