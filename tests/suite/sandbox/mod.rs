//! A small world for one test: a home, a project, a real environment with real pip, wheels, a daemon.
//!
//! Nothing of the person's own world reaches in (the environment is emptied), nothing stays behind: the folders go
//! and the daemon ends when the sandbox is dropped.

mod daemon;
mod python;
mod wheel;

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

pub(crate) use daemon::Daemon;
pub(crate) use python::Python;
use serde_json::Value;
pub(crate) use wheel::stored_wheel;

/// A small world for one test.
pub(crate) struct Sandbox {
    /// Goes with everything in it when the sandbox is dropped.
    _dir: tempfile::TempDir,
    python: Python,
    project: PathBuf,
}

impl Sandbox {
    /// An empty project, no environment yet, on the newest Python that is there.
    pub(crate) fn new() -> Self {
        Self::on(Python::main())
    }

    /// An empty project on `python`.
    pub(crate) fn on(python: Python) -> Self {
        let is_kept = std::env::var_os("AIM_KEEP").is_some();
        // Short, because a socket's path has a limit of some 100 bytes.
        let dir = tempfile::Builder::new()
            .prefix("aim")
            .disable_cleanup(is_kept)
            .tempdir()
            .expect("a temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        if is_kept {
            println!("kept: {}", root.display());
        }
        for folder in [
            "home",
            "config",
            "state",
            "run",
            "tmp",
            "wheels",
            "projects/demo",
        ] {
            std::fs::create_dir_all(root.join(folder)).expect("folders");
        }
        private(&root.join("run"));
        Self {
            _dir: dir,
            python,
            project: root.join("projects/demo"),
        }
    }

    /// A project with a real environment, real pip, our hook.
    pub(crate) fn ready() -> Self {
        Self::new().with_venv().with_init()
    }

    /// Adds an environment with real pip, as `python -m venv` makes it (copied from one that was made once).
    pub(crate) fn with_venv(self) -> Self {
        self.python.copy_venv(&self.venv());
        self
    }

    /// Runs `aim-venv-sync init` in the project.
    pub(crate) fn with_init(self) -> Self {
        self.run("aim-venv-sync", ["init"]).ok();
        self
    }

    /// The sandbox's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.project
            .ancestors()
            .nth(2)
            .expect("three levels")
            .to_path_buf()
    }

    /// The project's folder.
    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// The environment's folder.
    pub(crate) fn venv(&self) -> PathBuf {
        self.project.join(".venv")
    }

    /// A program of the environment.
    pub(crate) fn bin(&self, name: &str) -> PathBuf {
        self.venv().join("bin").join(name)
    }

    /// The site-packages folder.
    pub(crate) fn site_packages(&self) -> PathBuf {
        self.venv()
            .join(format!("lib/python{}/site-packages", self.python.minor()))
    }

    /// The interpreter that environments are made with.
    pub(crate) fn python(&self) -> &Python {
        &self.python
    }

    /// Where the daemon of this sandbox listens.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root().join("run/backend.sock")
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.project.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(&path, text).expect("write");
        path
    }

    /// Makes a wheel in the sandbox's wheel folder and gives its path.
    pub(crate) fn wheel(&self, name: &str, version: &str) -> PathBuf {
        self.wheel_of(name, version, &[])
    }

    /// Makes a wheel with these files instead of the usual module.
    pub(crate) fn wheel_of(&self, name: &str, version: &str, files: &[(&str, &str)]) -> PathBuf {
        let folder = self.root().join("wheels");
        wheel::make(&self.python, &folder, name, version, files)
    }

    /// A command in the project's folder, with the sandbox's environment. `program` is one of ours or a path.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let program = program.as_ref();
        let mut command = match program.to_str().filter(|name| name.starts_with("aim-")) {
            Some(name) => Command::new(program_path(name)),
            None => Command::new(program),
        };
        let root = self.root();
        command
            .current_dir(&self.project)
            .env_clear()
            .env("PATH", self.path())
            .env("HOME", root.join("home"))
            .env("TMPDIR", root.join("tmp"))
            .env("XDG_CONFIG_HOME", root.join("config"))
            .env("XDG_STATE_HOME", root.join("state"))
            .env("AIM_SOCKET", self.socket())
            // No test leaves a daemon behind: one that wants a command to start it says so, and ends it.
            .env("AIM_AUTOSTART", "0")
            .env("LANG", "C.UTF-8")
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", root.join("wheels"))
            .stdin(Stdio::null());
        command
    }

    /// PATH of the sandbox's commands: our programs and the system's.
    #[expect(
        clippy::unused_self,
        reason = "a sandbox's own, as far as its users know"
    )]
    pub(crate) fn path(&self) -> String {
        format!("{}:/usr/bin:/bin", program_folder().display())
    }

    /// Runs a command to its end.
    pub(crate) fn run<I, S>(&self, program: impl AsRef<OsStr>, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Ran::of(self.command(program).args(args))
    }

    /// Runs the environment's `pip`.
    pub(crate) fn pip<I, S>(&self, args: I) -> Ran
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.run(self.bin("pip"), args)
    }

    /// Asserts that pip installs as ever, with at most one line of ours.
    pub(crate) fn pip_works(&self) -> Ran {
        let wheel = self.wheel("greeting", "1.0");
        let ran = self
            .pip([
                "install",
                "--force-reinstall",
                wheel.to_str().expect("utf-8"),
            ])
            .ok()
            .says("Successfully installed greeting-1.0");
        assert!(ran.stderr().lines().count() <= 1, "{ran:?}");
        ran
    }

    /// Starts this sandbox's daemon.
    pub(crate) fn daemon(&self) -> Daemon {
        Daemon::start(self.command("aim-backend").arg("serve"))
    }

    /// `env_meta.json`, which must be there and be JSON.
    pub(crate) fn env_meta(&self) -> Value {
        let text =
            std::fs::read_to_string(self.project.join("env_meta.json")).expect("env_meta.json");
        serde_json::from_str(&text).expect("env_meta.json is JSON")
    }

    /// The generation in `env_meta.json`.
    pub(crate) fn generation(&self) -> u64 {
        self.env_meta()["generation"]
            .as_u64()
            .expect("a generation")
    }

    /// All run records, oldest first.
    pub(crate) fn records(&self) -> Vec<Value> {
        std::fs::read_to_string(self.project.join(".pip-logs/runs.jsonl"))
            .unwrap_or_default()
            .lines()
            .map(|line| serde_json::from_str(line).expect("a record is JSON"))
            .collect()
    }

    /// The last run record.
    pub(crate) fn last_record(&self) -> Value {
        self.records().pop().expect("a run record")
    }
}

/// A command that has ended.
pub(crate) struct Ran {
    /// How it was called, for messages.
    called: String,
    /// What came out.
    pub(crate) output: Output,
}

/// What `start` gives once the program is not busy. One that was written just now is, as long as a process that another
/// test starts at this moment has its descriptor, which it closes with its own `exec`.
fn free<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => return done,
        }
    }
}

impl Ran {
    /// Runs `command` to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let called = format!("{command:?}");
        let output = free(|| command.output());
        let output = output.unwrap_or_else(|error| panic!("{called}: {error}"));
        Self { called, output }
    }

    /// Runs `command` to its end, with `meanwhile` once it has started.
    pub(crate) fn watched(command: &mut Command, meanwhile: impl FnOnce(&Child)) -> Self {
        let called = format!("{command:?}");
        let child = free(|| command.spawn()).expect("starts");
        meanwhile(&child);
        let output = child.wait_with_output().expect("ends");
        Self { called, output }
    }

    /// Standard output.
    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// Standard error.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that it ended with `status`.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.output.status.code(), Some(status), "{self:?}");
        self
    }

    /// Asserts that it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// Asserts that its standard output contains `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.stdout().contains(text),
            "no {text:?} on stdout of {self:?}"
        );
        self
    }

    /// Asserts that its standard error contains `text`.
    #[track_caller]
    pub(crate) fn warns(self, text: &str) -> Self {
        assert!(
            self.stderr().contains(text),
            "no {text:?} on stderr of {self:?}"
        );
        self
    }
}

impl std::fmt::Debug for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\n{:?}\n--- stdout\n{}--- stderr\n{}",
            self.called,
            self.output.status,
            self.stdout(),
            self.stderr()
        )
    }
}

/// Says why a test does less than its name promises. Past the test runner's capture, which would keep it.
pub(crate) fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// The built program of that name.
pub(crate) fn program_path(name: &str) -> PathBuf {
    program_folder().join(name)
}

/// The folder of the built programs.
pub(crate) fn program_folder() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_aim-pip"))
        .parent()
        .expect("a folder")
        .to_path_buf()
}

fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).expect("mode");
}
