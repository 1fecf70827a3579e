//! pip called inside a program.

use rustix::process::kill_process;

use aim_toolkit::testing::{RunLock, Venv};

use crate::compare::versions;
use crate::held::Held;
use crate::sandbox::{Python, Ran, Sandbox, stored_wheel};

/// The ways in; what follows on the command line is pip's.
const WAYS: &[&str] = &[
    "import runpy; runpy.run_module('pip', run_name='__main__')",
    "import sys; from pip._internal.cli.main import main; sys.exit(main(sys.argv[1:]))",
    "import sys; from pip._internal.cli.main import main; sys.exit(main())",
    "import sys, pip; sys.exit(pip.main(sys.argv[1:]))",
    "import sys; from pip._internal import main; sys.exit(main(args=sys.argv[1:]))",
    "import sys; from pip._internal.commands import create_command as command; \
     sys.exit(command(sys.argv[1]).main(sys.argv[2:]))",
    "import sys, runpy; sys.argv[0] = 'pip'; runpy.run_module('pip', run_name='__main__', alter_sys=True)",
];

#[test]
fn every_way_is_remembered_once() {
    for minor in [8, 11, 13] {
        let Some(python) = Python::find(minor) else {
            continue;
        };
        let sandbox = Sandbox::on(python).with_venv().with_init();
        for way in WAYS {
            let ran = |bypass: &str, arguments: &[&str]| {
                let mut command = sandbox.command(sandbox.bin("python"));
                command.args(["-c", way]).args(arguments);
                Ran::of(command.env("AIM_PIP_BYPASS", bypass)).output
            };
            for (arguments, remembered) in [
                (&["uninstall", "-y", "nothing-there"][..], 1),
                (&["install"], 1),
                (&["list"], 0),
            ] {
                let before = sandbox.records().len();
                assert_eq!(ran("0", arguments), ran("1", arguments), "{way}");
                let new = sandbox.records().len() - before;
                assert_eq!(new, remembered, "{arguments:?} by {way} on 3.{minor}");
            }
        }
        let record = sandbox.last_record();
        assert_eq!(record["argv"], serde_json::json!(["pip", "install"]));
        assert_eq!(
            (&record["exit_code"], &record["log_path"]),
            (&1.into(), &().into())
        );
    }
}

#[test]
fn it_raises_the_generation_and_what_pip_starts_is_part_of_it() {
    let sandbox = Sandbox::ready();
    Held::prepare(&sandbox);
    let generation = sandbox.generation();
    let mut command = sandbox.command(sandbox.bin("python"));
    command.args(["-c", WAYS[0], "install", "./held"]);
    let held = Held::start(&sandbox, &mut command);
    let venv = Venv::open(sandbox.venv()).expect("an environment");
    let holder = RunLock::holder(&venv.layout()).expect("it holds the lock");
    assert_eq!(holder.command, "pip install ./held");
    let python = held.id().as_raw_nonzero().get();
    assert_eq!(
        holder.pid,
        u32::try_from(python).ok(),
        "the program, not aim-pip beside it"
    );
    held.release();
    let output = held.output();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(sandbox.generation(), generation + 1);
    assert_eq!(sandbox.last_record()["added"][0]["name"], "held");
    assert_eq!(sandbox.records().len(), 2, "init and this one");
    assert_eq!(RunLock::holder(&venv.layout()), None);
}

#[test]
fn a_program_that_is_killed_is_remembered_at_once() {
    let sandbox = Sandbox::ready();
    Held::prepare(&sandbox);
    let mut command = sandbox.command(sandbox.bin("python"));
    command.args(["-c", WAYS[1], "install", "./held"]);
    let held = Held::start(&sandbox, &mut command);
    // Ctrl-C at a terminal reaches aim-pip too: it stays, since its word is needed after that.
    let beside = beside(held.id().as_raw_nonzero().get());
    kill_process(beside, rustix::process::Signal::INT).expect("sent");
    Held::kill(held.pip());
    held.release();
    held.output(); // ends when aim-pip does, which has the same stderr
    let record = sandbox.last_record();
    assert_eq!(record["interrupted"], true, "{record}");
    assert_eq!(record["action"], "install");
}

/// The aim-pip that stands beside the process `python`.
fn beside(python: i32) -> rustix::process::Pid {
    let children = Ran::of(std::process::Command::new("ps").args([
        "-o",
        "pid=,args=",
        "--ppid",
        &python.to_string(),
    ]))
    .stdout();
    let line = children.lines().find(|line| line.contains("--aim-beside"));
    let pid = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    rustix::process::Pid::from_raw(pid.expect("it stands beside")).expect("a process")
}

#[test]
fn the_program_sees_pip_as_it_is() {
    let sandbox = Sandbox::ready();
    sandbox.write("look.py", LOOKS);
    sandbox
        .run(sandbox.bin("python"), ["look.py"])
        .ok()
        .says("fine");
}

/// A program that looks for traces of us.
const LOOKS: &str = r#"
import os, sys
finders = list(sys.meta_path)
assert len({id(finder) for finder in finders}) == len(finders)
assert "_aim_pip_hook" not in sys.modules
import pip
import inspect, subprocess
from pip._internal.cli import main as module
from pip._internal.cli import base_command
assert "exec_module" not in vars(base_command.__spec__.loader)
stand_in = base_command.Command.main
assert str(inspect.signature(stand_in)).startswith("(self, args:"), inspect.signature(stand_in)
assert stand_in.__module__ == "pip._internal.cli.base_command" and stand_in.__name__ == "main"

started = []
popen = subprocess.Popen
class Popen(popen):
    def __init__(self, call, *args, **kwargs):
        if any(b"--aim-beside" in word for word in call if isinstance(word, bytes)):
            started.append(call)
        super().__init__(call, *args, **kwargs)
subprocess.Popen = Popen
assert module.main(["list", "-q"]) == 0 and not started
assert module.main(["install"]) == 1 and len(started) == 1
assert "AIM_PIP_GUARD" not in os.environ
os.environ["AIM_PIP_GUARD"] = "1"
assert module.main(["install"]) == 1 and len(started) == 1
print("fine")
"#;

/// A process that the program forks while pip runs has the program's descriptors, and stays.
#[test]
fn a_child_that_stays_holds_up_nothing() {
    let sandbox = Sandbox::ready();
    sandbox.write("forks.py", FORKS);
    let before = sandbox.records().len();
    let python = sandbox.bin("python");
    sandbox.run(&python, ["forks.py"]).exits(1).says("forked");
    let during = sandbox.records().len();
    assert!(
        !sandbox.project().join("gone").exists(),
        "the child is there"
    );
    sandbox.write("go", "");
    assert_eq!(during - before, 1);
}

/// pip whose command forks a child that stays until it is told to go.
const FORKS: &str = r#"
import os, sys, time
from pip._internal.cli import base_command

stand_in = base_command.Command.main
main = stand_in.__wrapped__
def forks(self, args):
    print("forked", flush=True)
    if os.fork() == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in 0, 1, 2:
            os.dup2(nothing, descriptor)
        for _ in range(600):
            if os.path.exists("go"):
                break
            time.sleep(0.1)
        open("gone", "w").close()
        os._exit(0)
    return main(self, args)
names = stand_in.__code__.co_freevars
stand_in.__closure__[names.index("main")].cell_contents = forks
from pip._internal.cli.main import main as pip
sys.exit(pip(["install"]))
"#;

/// The ways in that a command line gives: Python's words before pip's. What they write goes into the project: coverage
/// removes its file before it begins, also where that is `/dev/null` and the tests have root's rights.
const COMMAND_LINES: &[&[&str]] = &[
    &["-m", "cProfile", "-o", "profile", "-m", "pip"],
    &["-m", "coverage", "run", "--data-file=coverage", "-m", "pip"],
];

/// The ways in that come and go with pip's versions.
const ENTRIES: &[&str] = &[
    "import sys; from pip._internal.cli.main import cli; sys.exit(cli())",
    "import sys; from pip._internal.commands.install import InstallCommand as command; \
     sys.exit(command('install', 'x').main(sys.argv[2:]))",
    "import sys; from importlib.metadata import distribution; \
     entries = distribution('pip').entry_points; \
     sys.exit([entry for entry in entries if entry.name == 'pip'][0].load()())",
];

#[test]
fn every_pip_is_remembered_through_every_door() {
    let coverage = stored_wheel("coverage-");
    for (version, minor) in versions::VERSIONS {
        let (Some(wheel), Some(python)) = (versions::wheel(version), Python::find(*minor)) else {
            continue;
        };
        let sandbox = Sandbox::on(python).with_venv();
        versions::replace_pip(&sandbox, &wheel);
        if let Some(coverage) = coverage.as_ref().filter(|_| *minor > 8) {
            let folder = coverage.to_str().expect("utf-8");
            sandbox.pip(["install", "-q", "--no-deps", folder]).ok();
        }
        let sandbox = sandbox.with_init();
        let programs = WAYS.iter().chain(ENTRIES).map(|way| vec!["-c", *way]);
        let lines = COMMAND_LINES.iter().map(|line| line.to_vec());
        let mut doors = 0;
        for door in programs.chain(lines) {
            let ran = |bypass: &str| {
                let mut command = sandbox.command(sandbox.bin("python"));
                command
                    .args(&door)
                    .arg("install")
                    .env("AIM_PIP_BYPASS", bypass);
                Ran::of(&mut command)
            };
            let plain = ran("1");
            if plain.stderr().contains("Traceback") || plain.stderr().contains("No module named") {
                println!("pip {version} on Python 3.{minor} has no door {door:?}");
                continue;
            }
            let before = sandbox.records().len();
            assert_eq!(ran("0").output, plain.output, "{door:?}");
            let new = sandbox.records().len() - before;
            assert_eq!(new, 1, "pip {version} by {door:?}");
            doors += 1;
        }
        assert!(doors >= 5, "only {doors} doors of pip {version} were tried");
    }
}
