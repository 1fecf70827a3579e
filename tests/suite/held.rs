//! A pip that stands still in the middle of its work, for as long as a test wants.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::sandbox::Sandbox;

/// A project whose build says where it is by one named pipe and goes on by another.
pub(crate) const PROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";
const BACKEND: &str = r#"
import os, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with open("here", "w") as here:
        here.write("%d\n" % os.getppid())
    with open("go") as go:
        go.read()
    name = "held-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        info = "held-1.0.dist-info/"
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\nName: held\nVersion: 1.0\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(info + "RECORD", "")
    return name
"#;

/// A pip in the middle of `install ./held`, in a process group of its own that ends with the test.
pub(crate) struct Held {
    child: Option<Child>,
    group: Pid,
    folder: PathBuf,
    /// The process that runs pip.
    pip: Pid,
}

impl Held {
    /// Writes the project that holds pip up.
    pub(crate) fn prepare(sandbox: &Sandbox) {
        sandbox.write("held/pyproject.toml", PROJECT);
        let backend = sandbox.write("held/backend.py", BACKEND);
        let pipes = ["here", "go"].map(|name| backend.with_file_name(name));
        let made = Command::new("mkfifo").args(pipes).status();
        assert!(made.expect("mkfifo runs").success());
    }

    /// Writes the project and runs pip on it, up to the middle.
    pub(crate) fn installing(sandbox: &Sandbox) -> Self {
        Self::prepare(sandbox);
        let mut command = sandbox.command(sandbox.bin("pip"));
        Self::start(sandbox, command.args(["install", "./held"]))
    }

    /// Runs `command`, which is to install `./held`, up to the middle.
    pub(crate) fn start(sandbox: &Sandbox, command: &mut Command) -> Self {
        let folder = sandbox.project().join("held");
        let child = command
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("pip starts");
        let group = Pid::from_child(&child);
        let mut held = Self {
            child: Some(child),
            group,
            folder,
            pip: group,
        };
        let mut text = String::new();
        // The other end is opened by the build, which so waits for us and we for it.
        let mut here = std::fs::File::open(held.folder.join("here")).expect("a named pipe");
        here.read_to_string(&mut text).expect("readable");
        let builder: i32 = text.trim().parse().expect("a process");
        held.pip = Pid::from_raw(builder).expect("a process");
        held
    }

    /// The process that was started.
    pub(crate) fn id(&self) -> Pid {
        self.group
    }

    /// The process that runs pip.
    pub(crate) fn pip(&self) -> Pid {
        self.pip
    }

    /// Lets the build go on.
    pub(crate) fn release(&self) {
        drop(std::fs::File::create(self.folder.join("go")).expect("a named pipe"));
    }

    /// Waits for the end of the process that was started, and of all that write to its outputs.
    pub(crate) fn output(mut self) -> Output {
        let child = self.child.take().expect("not waited for yet");
        child.wait_with_output().expect("its outputs")
    }

    /// Kills everything, as a power cut would.
    pub(crate) fn cut(mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        let _ = self.child.take().expect("not waited for yet").wait();
    }

    /// Kills one process without a word.
    pub(crate) fn kill(process: Pid) {
        kill_process(process, Signal::KILL).expect("killed");
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}
