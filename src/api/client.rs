//! The commands' way to call the daemon: one blocking method a call, errors ready for people.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::address::{Address, check_ours};
use super::v1::{
    API_VERSION, EnvChanged, ErrorBody, ErrorCode, FlowDone, FlowEvent, FlowRun, Health,
    InterruptRequest, Interrupted, NodeEvent, NodeOutput, NodeRun, ProjectInfo, ProjectList,
    RegisterProject, RestartRequest, Restarted, StopRequest, Version, WorkerStatus,
};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
use crate::project::socket;
use crate::words::t;

/// How long a call that should be answered at once may take. Waiting calls get this on top of their wait.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long stopping may take: a node that is waited for, and the worker's grace.
const STOP_PATIENCE: Duration = Duration::from_secs(3600);

/// A connection to the daemon. Clones share it.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    socket: PathBuf,
    version: Version,
}

impl Client {
    /// Calls the daemon of this person and checks that it speaks our version.
    ///
    /// # Errors
    /// `Exit::NoDaemon` when none runs; `Exit::Failed` for a socket that is not ours and a daemon of another version.
    pub fn connect(host: &Host) -> Result<Self> {
        Self::at(&socket(host))
    }

    /// Calls the daemon at `socket`.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub fn at(socket: &Path) -> Result<Self> {
        match check_ours(socket) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(Error::failed(t!("api.not_ours", path = socket.display())));
            }
            Err(_) => return Err(no_daemon()),
        }
        let http = Http::builder()
            .unix_socket(socket)
            .no_proxy()
            .timeout(None)
            .build()
            .context(t!("api.lost"))?;
        let mut client = Self {
            http,
            socket: socket.to_path_buf(),
            version: Version {
                api_version: String::new(),
                version: None,
                python_version: None,
            },
        };
        client.version = ask(client.get("/api/version").timeout(PATIENCE))?;
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
        Err(Error::failed(theirs).hint(t!("api.hint_stop")))
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
        ask(self.get("/api/health").timeout(PATIENCE))
    }

    /// The project that `folder`, absolute, lies in.
    ///
    /// # Errors
    /// `Exit::NotFound` when the daemon knows none.
    pub fn resolve(&self, folder: &Path) -> Result<ProjectInfo> {
        let folder = utf8(folder)?;
        ask(self
            .get("/api/v1/resolve")
            .query(&[("path", folder)])
            .timeout(PATIENCE))
    }

    /// Every project that the daemon knows, with its worker.
    pub fn projects(&self) -> Result<Vec<ProjectInfo>> {
        let list: ProjectList = ask(self.get("/api/v1/projects").timeout(PATIENCE))?;
        Ok(list.projects)
    }

    /// One project.
    pub fn project(&self, project: impl Into<Address>) -> Result<ProjectInfo> {
        ask(self.get(&of(&project.into(), "")).timeout(PATIENCE))
    }

    /// Registers the project in `folder`, absolute; one that is known already keeps its id.
    pub fn register(&self, folder: &Path) -> Result<ProjectInfo> {
        let request = RegisterProject {
            path: PathBuf::from(utf8(folder)?),
        };
        ask(self.post("/api/v1/projects", &request).timeout(PATIENCE))
    }

    /// Forgets a project and stops its worker.
    pub fn forget(&self, project: impl Into<Address>) -> Result<()> {
        let url = url(&of(&project.into(), ""));
        send(self.http.delete(url).timeout(STOP_PATIENCE)).map(drop)
    }

    /// Says that the environment is at another generation; waits for the worker if `change.wait_s` says so.
    pub fn env_changed(
        &self,
        project: impl Into<Address>,
        change: &EnvChanged,
    ) -> Result<WorkerStatus> {
        let call = self.post(&of(&project.into(), "/env-changed"), change);
        ask(call.timeout(patience(change.wait_s)))
    }

    /// The worker's state.
    pub fn worker(&self, project: impl Into<Address>) -> Result<WorkerStatus> {
        ask(self.get(&of(&project.into(), "/worker")).timeout(PATIENCE))
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
        let call = self.get(&of(&project.into(), "/worker")).query(&[
            ("generation", generation.to_string()),
            ("wait_s", wait_s.to_string()),
        ]);
        ask(call.timeout(patience(Some(wait_s))))
    }

    /// Starts the worker, if it does not run, and waits until it is ready.
    ///
    /// # Errors
    /// `Exit::Failed` when it does not start (`환경 갱신 실패`).
    pub fn start(&self, project: impl Into<Address>) -> Result<WorkerStatus> {
        let call = self.post(
            &of(&project.into(), "/worker/start"),
            &serde_json::json!({}),
        );
        ask(call.timeout(STOP_PATIENCE))
    }

    /// Stops the worker; the next node starts it again.
    pub fn stop(&self, project: impl Into<Address>, request: StopRequest) -> Result<WorkerStatus> {
        let call = self.post(&of(&project.into(), "/worker/stop"), &request);
        ask(call.timeout(STOP_PATIENCE))
    }

    /// Ends the nodes that run, or with `file` those of that file, also where they wait for their turn.
    pub fn interrupt(
        &self,
        project: impl Into<Address>,
        request: &InterruptRequest,
    ) -> Result<Interrupted> {
        let call = self.post(&of(&project.into(), "/worker/interrupt"), request);
        ask(call.timeout(PATIENCE))
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
        let call = self.post(&of(&project.into(), "/worker/restart"), request);
        ask(call.timeout(STOP_PATIENCE))
    }

    /// The last `lines` lines of the worker's log; with `follow`, what is added to it, too, until the daemon ends.
    pub fn worker_log(
        &self,
        project: impl Into<Address>,
        lines: usize,
        follow: bool,
    ) -> Result<Box<dyn Read + Send>> {
        let call = self
            .get(&of(&project.into(), "/worker/log"))
            .query(&[("lines", lines.to_string()), ("follow", follow.to_string())]);
        Ok(Box::new(send(call)?))
    }

    /// Runs a node; `output` gets what it prints as it comes. Gives the worker's reply object (compat, section 8),
    /// which also tells of a node that failed.
    pub fn run_node(
        &self,
        project: impl Into<Address>,
        node: &NodeRun,
        mut output: impl FnMut(NodeOutput) -> Result<()>,
    ) -> Result<Json> {
        let call = self.post(&of(&project.into(), "/nodes/run"), node);
        let mut lines = Lines::of(send(call)?);
        loop {
            let line = lines.next()?;
            match serde_json::from_slice(line).context(t!("api.not_understood"))? {
                NodeEvent::Output(text) => output(text)?,
                NodeEvent::Reply { reply } => return Ok(reply),
            }
        }
    }

    /// Runs a flow and gives its answer (compat, section 10), which also tells of nodes that failed.
    pub fn flow(&self, flow: &FlowRun) -> Result<Json> {
        ask(self.post("/api/project/execute-flow", flow))
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
        let call = self.post("/api/project/execute-flow-stream", flow);
        let mut lines = Lines::of(send(call)?);
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

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(url(path))
    }

    fn post(&self, path: &str, body: &impl Serialize) -> RequestBuilder {
        self.http.post(url(path)).json(body)
    }
}

/// An answer that comes line by line, and says in its last one that it is whole.
struct Lines {
    answer: BufReader<Response>,
    line: Vec<u8>,
}

impl Lines {
    fn of(answer: Response) -> Self {
        Self {
            answer: BufReader::with_capacity(64 * 1024, answer),
            line: Vec::new(),
        }
    }

    /// The next line; an error when the daemon goes away before the last.
    fn next(&mut self) -> Result<&[u8]> {
        self.line.clear();
        let read = self.answer.read_until(b'\n', &mut self.line);
        if read.context(t!("api.lost"))? == 0 {
            return Err(Error::failed(t!("api.lost")));
        }
        Ok(&self.line)
    }
}

fn ask<T: DeserializeOwned>(call: RequestBuilder) -> Result<T> {
    let body = send(call)?.bytes().context(t!("api.lost"))?;
    serde_json::from_slice(&body).context(t!("api.not_understood"))
}

fn send(call: RequestBuilder) -> Result<Response> {
    let reply = call.send().map_err(|error| {
        if error.is_connect() {
            no_daemon()
        } else {
            Error::from(error.without_url()).context(t!("api.lost"))
        }
    })?;
    if reply.status().is_success() {
        Ok(reply)
    } else {
        Err(refusal(reply))
    }
}

/// The worker on the newest environment did not start. `why` may begin with the sentence itself, as replies do, in
/// either language.
pub fn refresh_failed(why: &str) -> Error {
    let why = ["환경 갱신 실패:", "environment refresh failed:"]
        .iter()
        .find_map(|sentence| why.strip_prefix(sentence))
        .unwrap_or(why)
        .trim_start();
    Error::failed(t!("api.refresh_failed", why = why)).hint(t!("api.hint_log"))
}

/// A refusal in words.
fn refusal(reply: Response) -> Error {
    let status = reply.status();
    let is_json = reply
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let body: Option<ErrorBody> = is_json.then(|| reply.json().ok()).flatten();
    let exit = if status == reqwest::StatusCode::NOT_FOUND {
        Exit::NotFound
    } else {
        Exit::Failed
    };
    let Some(body) = body else {
        return Error::new(exit, t!("api.refused", status = status.as_u16()));
    };
    if body.code == ErrorCode::EnvironmentRefreshFailed {
        return refresh_failed(&body.detail);
    }
    let error = Error::new(exit, body.detail);
    match body.code {
        ErrorCode::NoSuchProject => error.hint(t!("api.hint_projects")),
        ErrorCode::NoEnvironment => error.hint(t!("api.hint_init")),
        ErrorCode::NoSuchCall => error.with_exit(Exit::Failed).hint(t!("api.hint_stop")),
        _ => error,
    }
}

/// The error of every command that needs a daemon where none runs.
pub fn no_daemon() -> Error {
    Error::new(Exit::NoDaemon, t!("api.no_daemon")).hint(t!("api.hint_serve"))
}

/// The host part is for HTTP's sake: the client only ever talks to the socket.
fn url(path: &str) -> String {
    format!("http://aim{path}")
}

fn of(project: &Address, rest: &str) -> String {
    format!("/api/v1/projects/{}{rest}", project.as_str())
}

fn patience(wait_s: Option<f64>) -> Duration {
    let wait = wait_s.and_then(|wait| Duration::try_from_secs_f64(wait).ok());
    PATIENCE.saturating_add(wait.unwrap_or_default())
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::failed(t!("api.not_utf8", path = path.display())))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::words::{self, Language};

    /// What a client makes of a daemon whose first reply is `reply`.
    fn connect_to(reply: &'static str) -> Error {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("bind");
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream.write_all(reply.as_bytes()).expect("reply");
        });
        let error = Client::at(&socket).expect_err("no client");
        daemon.join().expect("the daemon's side");
        error
    }

    #[test]
    fn no_daemon_has_an_exit_status_of_its_own() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let error = Client::at(&socket).expect_err("nothing there");
        assert_eq!(error.exit(), Exit::NoDaemon);
        assert!(error.hints()[0].contains("aim-backend serve"));
        drop(UnixListener::bind(&socket).expect("bind"));
        let error = Client::at(&socket).expect_err("a stale socket");
        assert_eq!(error.exit(), Exit::NoDaemon, "{error}");
    }

    #[test]
    fn what_is_not_our_socket_is_not_called() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let error = Client::at(dir.path()).expect_err("a folder");
        assert_eq!(error.exit(), Exit::Failed);
    }

    #[test]
    fn a_daemon_of_another_version_is_told_apart() {
        let error = connect_to(
            "HTTP/1.1 200 OK\r\ncontent-length: 24\r\nconnection: close\r\n\r\n{\"api_version\": \"2.0.0\"} ",
        );
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.to_string().contains("2.0.0"), "{error}");
        assert!(error.hints()[0].contains("aim-backend stop"), "{error:?}");
    }

    #[test]
    fn another_kind_of_server_is_an_error_in_words() {
        for (reply, words) in [
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
                "understood",
            ),
            (
                "HTTP/1.1 502 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                "502",
            ),
            ("nonsense", "daemon"),
        ] {
            let error = connect_to(reply);
            assert_eq!(error.exit(), Exit::Failed, "{reply}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_failed_refresh_is_said_once_and_in_the_persons_language() {
        for why in [
            "python is gone",
            "환경 갱신 실패: python is gone",
            "environment refresh failed: python is gone",
        ] {
            words::choose(Language::English);
            let error = refresh_failed(why);
            assert_eq!(
                error.to_string(),
                "environment refresh failed: python is gone"
            );
            assert!(error.hints()[0].contains("aim-worker logs"));
            words::choose(Language::Korean);
            assert_eq!(
                refresh_failed(why).to_string(),
                "환경 갱신 실패: python is gone"
            );
        }
    }
}
