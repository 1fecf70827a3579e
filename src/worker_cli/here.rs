//! `aim-worker run --here` and `--at`: one node in this terminal, with its keyboard, on the environment's Python or
//! that of a view; no daemon is asked.
//!
//! The same Python source runs it as in a worker, and the same words show what comes of it.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use signal_hook::consts::{SIGINT, SIGQUIT};
use uuid::Uuid;

use super::cli::RunArgs;
use super::node;
use super::reply::{Words, shows};
use crate::console::{Console, view};
use crate::error::{Error, Exit, Explain, Result};
use crate::files::Folder;
use crate::host::Host;
use crate::json::Json;
use crate::project::{Config, Project, VenvLayout, node_variables};
use crate::store::View;
use crate::words::t;
use crate::worker_source::{FILES, HERE};

/// Longer than any source and any reply.
const LONGEST: u64 = 1 << 30;

/// One of a worker's requests (`worker/aim_worker.py`).
#[derive(Serialize)]
struct Request<'a> {
    id: &'static str,
    file: &'a str,
    project_root: PathBuf,
    input: &'a Json,
    keep: Keep<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    show: Option<Show>,
    anyway: bool,
}

#[derive(Serialize)]
struct Keep<'a> {
    r#ref: &'a str,
    unless_json: bool,
}

#[derive(Serialize)]
struct Show {
    figure: PathBuf,
    lines: Option<u32>,
}

/// Runs the node. The exit status tells whether it succeeded.
pub(super) fn run(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &RunArgs,
    input: &Json,
) -> Result<Exit> {
    let file = node::file(host, project.root(), &args.file)?;
    let at = |at: &String| view::view(console, project, at, args.incomplete);
    let view = args.at.as_ref().map(at).transpose()?;
    let today = project.venv().layout();
    let venv = view.as_ref().map_or(project.venv(), View::venv);
    let python = venv.python()?;
    let folder = written(&today).context(t!("worker_cli.here_failed"))?;
    let request = Request {
        id: "here",
        file: &file,
        project_root: project.root().canonicalize()?,
        input,
        keep: Keep {
            r#ref: &file,
            unless_json: true,
        },
        show: shows(console).map(|shows| Show {
            figure: today.figure(&file),
            lines: shows.lines,
        }),
        anyway: true,
    };
    let exchange = Exchange::begin(&folder, &request).context(t!("worker_cli.here_failed"))?;
    let config = Config::load(host, Some(&project.layout()));
    let mut command = command(&python);
    command
        .args(["-u", "-I", "-S"])
        .args([folder.path().join(HERE), exchange.path()])
        .env_clear()
        .envs(node_variables(host, &config, venv));
    if console.is_json() {
        command.stdout(Stdio::from(io::stderr().as_fd().try_clone_to_owned()?));
    }
    // The terminal sends these to both; they are meant for the node.
    let was_interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::clone(&was_interrupted))?;
    }
    let status = command.status().context(t!("worker_cli.here_failed"))?;
    let Some(reply) = exchange.answer() else {
        let how = ending(status);
        return Err(Error::failed(t!("worker_cli.here_ended", how = how)));
    };
    match Words::of(&file)
        .with_history(host, project)
        .end(console, &reply)?
    {
        Exit::Failed if was_interrupted.load(Ordering::Relaxed) => Ok(Exit::Interrupted),
        exit => Ok(exit),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one door of nodes that run here"
)]
fn command(python: &Path) -> Command {
    Command::new(python)
}

/// The folder of the Python source; what is missing there or of another version is written first.
fn written(layout: &VenvLayout) -> io::Result<Folder> {
    let aim = Folder::open(layout.root())?.make_folder(VenvLayout::AIM)?;
    let folder = aim.make_folder(VenvLayout::HERE)?;
    for (name, source) in FILES {
        folder.write_unless_same(name, source.as_bytes())?;
    }
    Ok(folder)
}

/// The file that the request is read from and the reply written to; taken away when dropped.
struct Exchange<'a> {
    folder: &'a Folder,
    name: String,
}

impl<'a> Exchange<'a> {
    fn begin(folder: &'a Folder, request: &Request<'_>) -> io::Result<Self> {
        let name = format!("{}.json", Uuid::now_v7());
        folder.write_private(&name, &serde_json::to_vec(request)?)?;
        Ok(Self { folder, name })
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// The reply, if there is one.
    fn answer(&self) -> Option<Json> {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(rename = "ok")]
            _ok: bool,
        }
        let text = self.folder.read(&self.name, LONGEST).ok()?;
        let reply = Json::parse(String::from_utf8(text).ok()?).ok()?;
        reply.read::<Reply>().ok()?;
        Some(reply)
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        let _ = self.folder.remove(&self.name);
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => t!("worker_cli.exit_code", code = code).into_owned(),
        (None, signal) => t!("worker_cli.signal", n = signal.unwrap_or_default()).into_owned(),
    }
}
