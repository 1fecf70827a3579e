//! A project with an environment and a job, all gone when the test ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::api::v1::{NodeOutput, NodeRun, WorkerStatus};
use crate::backend::worker::handle::Job;
use crate::backend::worker::start::JobSettings;
use crate::host::Host;
use crate::json::Json;
use crate::project::{Project, ProjectId};
use crate::store::Generation;

/// Long enough for a busy machine; a test that waits this long fails.
const LIMIT: Duration = Duration::from_secs(20);

pub(super) struct Site {
    pub(super) job: Job,
    pub(super) root: PathBuf,
    _dir: tempfile::TempDir,
}

/// What a node gave.
pub(super) struct Ran {
    pub(super) reply: serde_json::Value,
    pub(super) printed: String,
}

impl Site {
    /// `None`, with a printed reason, on a machine without Python.
    pub(super) fn new() -> Option<Self> {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut JobSettings)) -> Option<Self> {
        let python = python()?;
        Some(Self::made_by(|root| make_venv(python, root), change))
    }

    /// Another project, with an environment like this one's.
    pub(super) fn another(&self) -> Self {
        let copy = |root: &Path| {
            std::fs::create_dir(root).expect("folder");
            let copied = Command::new("cp")
                .arg("-a")
                .args([&self.root.join(".venv"), root])
                .status()
                .expect("cp runs");
            assert!(copied.success(), "cp failed");
        };
        Self::made_by(copy, |_| {})
    }

    fn made_by(make: impl FnOnce(&Path), change: impl FnOnce(&mut JobSettings)) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("project");
        make(&root);
        let project = Project::at(&root).expect("a project");
        let mut settings = JobSettings::new(dir.path().join("run"), dir.path().join("logs"));
        settings.retry = Duration::from_secs(600);
        change(&mut settings);
        let host = Host::fake(["aim-backend"])
            .with_var("PATH", std::env::var_os("PATH").unwrap_or_default())
            .with_var("GIVEN", "by the daemon");
        let id = ProjectId::new("project").expect("an id");
        let site = Self {
            job: Job::start(project, id, &host, settings),
            root,
            _dir: dir,
        };
        site.raise(1);
        site
    }

    /// Where the worker's script is written.
    pub(super) fn script_folder(&self) -> PathBuf {
        self.root.with_file_name("run")
    }

    /// Makes the environment again.
    pub(super) fn make_venv(&self) {
        make_venv(python().expect("there was one"), &self.root);
    }

    /// Says, as pip's shim does, that the environment is at `generation`.
    pub(super) fn raise(&self, generation: u64) {
        let text = format!(r#"{{"updated_at":null,"packages":[],"generation":{generation}}}"#);
        self.replace("env_meta.json", text.as_bytes());
    }

    pub(super) async fn raise_and_nudge(&self, generation: u64) {
        self.raise(generation);
        self.job.env_changed(Generation(generation)).await;
    }

    fn replace(&self, name: &str, bytes: &[u8]) {
        let new = self.root.join("new");
        std::fs::write(&new, bytes).expect("write");
        std::fs::rename(new, self.root.join(name)).expect("rename");
    }

    /// Writes a file of the project.
    pub(super) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.join(name);
        std::fs::write(&path, text).expect("write");
        path
    }

    /// Puts a module into the environment.
    pub(super) fn install(&self, name: &str, text: &str) {
        let venv = Project::at(&self.root).expect("a project");
        let site = venv.venv().site_packages().remove(0);
        std::fs::write(site.join(name), text).expect("write");
    }

    pub(super) fn python(&self) -> PathBuf {
        self.root.join(".venv/bin/python")
    }

    /// Puts something else in the interpreter's place; gives what undoes that.
    pub(super) fn break_python(&self, script: &str) -> impl FnOnce() + use<> {
        use std::os::unix::fs::PermissionsExt;
        let (python, kept) = (self.python(), self.root.join("kept"));
        std::fs::rename(&python, &kept).expect("rename");
        // Written and closed under another name: a script that is open for writing cannot be run.
        let new = self.root.join("new-python");
        std::fs::write(&new, script).expect("write");
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).expect("mode");
        std::fs::rename(new, &python).expect("rename");
        move || std::fs::rename(kept, python).expect("rename")
    }

    pub(super) fn log(&self) -> String {
        let log = std::fs::read(self.job.log()).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Runs a node whose file is already there.
    pub(super) async fn run_file(&self, file: &str, input: &str) -> Ran {
        self.run_node(node(file, input)).await
    }

    pub(super) async fn run_node(&self, node: NodeRun) -> Ran {
        let (output, mut chunks) = mpsc::channel::<NodeOutput>(8);
        let read = async {
            let mut printed = String::new();
            while let Some(chunk) = chunks.recv().await {
                printed.push_str(&chunk.text);
            }
            printed
        };
        let both = async { tokio::join!(self.job.run(node, output), read) };
        let (reply, printed) = within(both).await;
        Ran {
            reply: reply.into_json().read().expect("a reply"),
            printed,
        }
    }

    /// Runs `source` as a node.
    pub(super) async fn run(&self, source: &str) -> Ran {
        self.file("node.py", source);
        self.run_file("node.py", "{}").await
    }

    /// Waits until the worker's state is so.
    pub(super) async fn until(&self, is_so: impl FnMut(&WorkerStatus) -> bool) -> WorkerStatus {
        let mut watch = self.job.watch();
        within(watch.wait_for(is_so)).await.expect("a job").clone()
    }
}

pub(super) fn node(file: &str, input: &str) -> NodeRun {
    NodeRun {
        file: file.to_owned(),
        input: Json::parse(input).expect("JSON"),
        ..NodeRun::default()
    }
}

/// Fails when it takes too long.
pub(super) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("in time")
}

/// Opens the reading or writing side of a named pipe, which waits for the other side.
pub(super) async fn open(path: &Path, for_writing: bool) -> std::fs::File {
    let path = path.to_owned();
    let opened = tokio::task::spawn_blocking(move || {
        std::fs::File::options()
            .read(!for_writing)
            .write(for_writing)
            .open(path)
    });
    within(opened).await.expect("no panic").expect("open")
}

/// A named pipe in the project's folder.
pub(super) fn fifo(site: &Site, name: &str) -> PathBuf {
    let path = site.root.join(name);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("a named pipe");
    path
}

/// Whether a process runs. One that is dead and not yet collected by its parent does not.
pub(super) fn is_running(pid: u32) -> bool {
    let found = Command::new("ps")
        .args(["-o", "stat=", "-p", &pid.to_string()])
        .output();
    let state = found.expect("ps runs").stdout;
    let state = String::from_utf8_lossy(&state);
    !state.trim().is_empty() && !state.trim().starts_with('Z')
}

fn make_venv(python: &Path, root: &Path) {
    let made = Command::new(python)
        .args(["-m", "venv", "--without-pip"])
        .arg(root.join(".venv"))
        .stdin(Stdio::null())
        .status()
        .expect("python runs");
    assert!(made.success(), "venv failed");
}

/// An interpreter for environments.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = PYTHON.get_or_init(|| which::which("python3").ok());
    if found.is_none() {
        eprintln!("skipped: there is no python3 on PATH");
    }
    found.as_deref()
}
