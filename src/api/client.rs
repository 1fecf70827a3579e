//! The commands' way to call the daemon: one blocking method a call, errors ready for people.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use ureq::Agent;
use ureq::http::Method;

use super::address::{Address, encode};
use super::call::{AnswerLines, ApiCall, no_daemon, way_out};
use super::place::{Place, places};
use super::unix_socket;
use super::v1::{
    API_VERSION, EnvChanged, FlowDone, FlowEvent, FlowRun, Health, InterruptRequest, Interrupted,
    MoveRequest, Moving, NodeEvent, NodeRun, ProjectInfo, ProjectList, RegisterProject,
    RestartRequest, Restarted, StopRequest, TerminalInfo, TerminalList, Version, WorkerStatus,
};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
use crate::project::Project;
use crate::words::t;

/// How long stopping may take: a node that is waited for, and the worker's grace.
const STOP_PATIENCE: Duration = Duration::from_secs(3600);

/// A connection to the daemon. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    socket: PathBuf,
    version: Version,
}

impl Client {
    /// How long a call that should be answered at once may take. Waiting calls get this on top of their wait.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Calls the daemon of `project`, else of this person, and checks that it speaks our version: the first of
    /// [`places`] that answers.
    ///
    /// # Errors
    /// `Exit::NoDaemon` when none runs; `Exit::Failed` for a socket that is not ours and a daemon of another version.
    pub fn connect(host: &Host, project: Option<&Project>) -> Result<Self> {
        Self::first_of(places(host, project))
    }

    /// As [`Client::connect`], of these places.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn first_of(places: Vec<Place>) -> Result<Self> {
        let mut why = None;
        for place in places {
            match place.check() {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                    // Somebody else's, which must not keep ours from being found.
                    why.get_or_insert_with(|| not_ours(&place));
                    continue;
                }
                Err(_) => continue,
            }
            match Self::of(place) {
                Err(error) if error.exit() == Exit::NoDaemon => {}
                found => return found,
            }
        }
        Err(why.unwrap_or_else(no_daemon))
    }

    /// Calls the daemon of this person at `socket`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn at(socket: &Path) -> Result<Self> {
        Self::at_place(Place::of_ours(socket))
    }

    /// Calls the daemon at `place`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn at_place(place: Place) -> Result<Self> {
        match place.check() {
            Ok(()) => Self::of(place),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                Err(not_ours(&place))
            }
            Err(_) => Err(no_daemon()),
        }
    }

    fn of(place: Place) -> Result<Self> {
        let socket = place.socket().to_path_buf();
        let mut client = Self {
            agent: unix_socket::agent(place),
            socket,
            version: Version {
                api_version: String::new(),
                version: None,
                python_version: None,
            },
        };
        client.version = client.get("/api/version").within(Self::PATIENCE).ask()?;
        client.check_version()?;
        Ok(client)
    }

    fn check_version(&self) -> Result<()> {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&self.version.api_version) == major(API_VERSION) {
            return Ok(());
        }
        let theirs = t!(
            "api.other_version",
            theirs = self.version.api_version,
            ours = API_VERSION
        );
        Err(Error::failed(theirs).hint(way_out(&self.agent)))
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its versions.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Its health.
    pub fn health(&self) -> Result<Health> {
        self.get("/api/health").within(Self::PATIENCE).ask()
    }

    /// The project that `folder`, absolute, lies in.
    ///
    /// # Errors
    /// `Exit::NotFound` when the daemon knows none.
    pub fn resolve(&self, folder: &Path) -> Result<ProjectInfo> {
        let folder = encode(utf8(folder)?.as_bytes());
        let call = self.get(&format!("/api/v1/resolve?path={folder}"));
        call.within(Self::PATIENCE).ask()
    }

    /// Every project that the daemon knows, with its worker.
    pub fn projects(&self) -> Result<Vec<ProjectInfo>> {
        let list: ProjectList = self.get("/api/v1/projects").within(Self::PATIENCE).ask()?;
        Ok(list.projects)
    }

    /// One project.
    pub fn project(&self, project: impl Into<Address>) -> Result<ProjectInfo> {
        self.get(&of(project, "")).within(Self::PATIENCE).ask()
    }

    /// Registers the project in `folder`, absolute; one that is known already keeps its id.
    pub fn register(&self, folder: &Path) -> Result<ProjectInfo> {
        let request = RegisterProject {
            path: PathBuf::from(utf8(folder)?),
        };
        let call = self.post("/api/v1/projects", &request)?;
        call.within(Self::PATIENCE).ask()
    }

    /// Forgets a project and stops its worker.
    pub fn forget(&self, project: impl Into<Address>) -> Result<()> {
        let call = self.call(Method::DELETE, &of(project, ""), None);
        call.within(STOP_PATIENCE).send().map(drop)
    }

    /// Says that the environment is at another generation; waits for the worker if `change.wait_s` says so.
    pub fn env_changed(
        &self,
        project: impl Into<Address>,
        change: &EnvChanged,
    ) -> Result<WorkerStatus> {
        let call = self.post(&of(project, "/env-changed"), change)?;
        call.within(patience(change.wait_s)).ask()
    }

    /// The worker's state.
    pub fn worker(&self, project: impl Into<Address>) -> Result<WorkerStatus> {
        self.get(&of(project, "/worker"))
            .within(Self::PATIENCE)
            .ask()
    }

    /// The worker's state once it is ready at `generation`, has failed, or is not running (the next node starts it on
    /// the newest environment), but not later than `wait` from now: see [`WorkerStatus::is_ready_at`].
    pub fn worker_at(
        &self,
        project: impl Into<Address>,
        generation: u64,
        wait: Duration,
    ) -> Result<WorkerStatus> {
        let wait_s = wait.as_secs_f64();
        let query = format!("/worker?generation={generation}&wait_s={wait_s}");
        let call = self.get(&of(project, &query));
        call.within(patience(Some(wait_s))).ask()
    }

    /// Starts the worker, if it does not run, and waits until it is ready.
    ///
    /// # Errors
    /// `Exit::Failed` when it does not start (`환경 갱신 실패`).
    pub fn start(&self, project: impl Into<Address>) -> Result<WorkerStatus> {
        let call = self.post(&of(project, "/worker/start"), &serde_json::json!({}))?;
        call.within(STOP_PATIENCE).ask()
    }

    /// Stops the worker; the next node starts it again.
    pub fn stop(&self, project: impl Into<Address>, request: StopRequest) -> Result<WorkerStatus> {
        let call = self.post(&of(project, "/worker/stop"), &request)?;
        call.within(STOP_PATIENCE).ask()
    }

    /// Ends the nodes that run, or with `file` those of that file, also where they wait for their turn.
    pub fn interrupt(
        &self,
        project: impl Into<Address>,
        request: &InterruptRequest,
    ) -> Result<Interrupted> {
        let call = self.post(&of(project, "/worker/interrupt"), request)?;
        call.within(Self::PATIENCE).ask()
    }

    /// Puts a fresh worker in the place of the present one.
    ///
    /// # Errors
    /// `Exit::Failed` when it does not start (`환경 갱신 실패`).
    pub fn restart(
        &self,
        project: impl Into<Address>,
        request: &RestartRequest,
    ) -> Result<Restarted> {
        let call = self.post(&of(project, "/worker/restart"), request)?;
        call.within(STOP_PATIENCE).ask()
    }

    /// The last `lines` lines of the worker's log; with `follow`, what is added to it, too, until the daemon ends.
    pub fn worker_log(
        &self,
        project: impl Into<Address>,
        lines: usize,
        follow: bool,
    ) -> Result<Box<dyn Read + Send>> {
        let query = format!("/worker/log?lines={lines}&follow={follow}");
        let answer = self.get(&of(project, &query)).send()?;
        Ok(Box::new(answer.into_body().into_reader()))
    }

    /// Has the daemon move to another program.
    pub fn move_to(&self, request: &MoveRequest) -> Result<Moving> {
        self.post("/api/v1/restart", request)?
            .within(Self::PATIENCE)
            .ask()
    }

    /// Every terminal session.
    pub fn terminals(&self) -> Result<Vec<TerminalInfo>> {
        let list: TerminalList = self.get("/api/v1/terminals").within(Self::PATIENCE).ask()?;
        Ok(list.terminals)
    }

    /// Ends a terminal session and what runs in it.
    pub fn end_terminal(&self, session: &str) -> Result<()> {
        let path = format!("/api/v1/terminals/{}", encode(session.as_bytes()));
        let call = self.call(Method::DELETE, &path, None);
        call.within(Self::PATIENCE).send().map(drop)
    }

    /// Runs a node; `told` gets what it prints and what it waits for, as it comes. Gives the worker's reply object
    /// (compat, section 8), which also tells of a node that failed.
    pub fn run_node(
        &self,
        project: impl Into<Address>,
        node: &NodeRun,
        mut told: impl FnMut(NodeEvent) -> Result<()>,
    ) -> Result<Json> {
        let mut lines = AnswerLines::of(self.post(&of(project, "/nodes/run"), node)?.send()?);
        loop {
            let line = lines.next()?;
            match serde_json::from_slice(line).context(t!("api.not_understood"))? {
                NodeEvent::Reply { reply } => return Ok(reply),
                event => told(event)?,
            }
        }
    }

    /// Runs a flow and gives its answer (compat, section 10), which also tells of nodes that failed.
    pub fn flow(&self, flow: &FlowRun) -> Result<Json> {
        self.post("/api/project/execute-flow", flow)?.ask()
    }

    /// Runs a flow; `event` gets what happens as it happens, up to the last event, which is given back.
    ///
    /// # Errors
    /// When the flow cannot run, and when the daemon goes away.
    pub fn flow_events(
        &self,
        flow: &FlowRun,
        mut event: impl FnMut(FlowEvent) -> Result<()>,
    ) -> Result<FlowDone> {
        let call = self.post("/api/project/execute-flow-stream", flow)?;
        let mut lines = AnswerLines::of(call.send()?);
        loop {
            let line = lines.next()?;
            let Some(json) = line.strip_prefix(b"data: ") else {
                continue;
            };
            match FlowEvent::parse(json).context(t!("api.not_understood"))? {
                FlowEvent::Complete(done) => return Ok(done),
                FlowEvent::Error(why) => return Err(Error::failed(why)),
                other => event(other)?,
            }
        }
    }

    fn get(&self, path: &str) -> ApiCall<'_> {
        self.call(Method::GET, path, None)
    }

    fn post(&self, path: &str, body: &impl Serialize) -> Result<ApiCall<'_>> {
        let body = serde_json::to_vec(body).context(t!("api.lost"))?;
        Ok(self.call(Method::POST, path, Some(body)))
    }

    fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> ApiCall<'_> {
        ApiCall::new(&self.agent, method, path, body)
    }
}

fn of(project: impl Into<Address>, rest: &str) -> String {
    project.into().url(rest)
}

fn not_ours(place: &Place) -> Error {
    Error::failed(t!("api.not_ours", path = place.socket().display()))
}

fn patience(wait_s: Option<f64>) -> Duration {
    let wait = wait_s.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
    Client::PATIENCE.saturating_add(wait.unwrap_or_default())
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::failed(t!("api.not_utf8", path = path.display())))
}

#[cfg(test)]
mod tests;
