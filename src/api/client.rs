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
    NodeEvent, NodeOutput, NodeRun, ProjectInfo, ProjectList, RegisterProject, RestartRequest,
    Restarted, StopRequest, Version, WorkerStatus,
};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
use crate::project::Project;
use crate::words::t;

/// How long a call that should be answered at once may take. Waiting calls get this on top of their wait.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Calls the daemon of `project`, else of this person, and checks that it speaks our version: the first of
    /// [`places`] that answers.
    ///
    /// # Errors
    /// `Exit::NoDaemon` when none runs; `Exit::Failed` for a socket that is not ours and a daemon of another version.
    pub fn connect(host: &Host, project: Option<&Project>) -> Result<Self> {
        let mut why = None;
        for place in places(host, project) {
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
        client.version = client.get("/api/version").within(PATIENCE).ask()?;
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
        self.get("/api/health").within(PATIENCE).ask()
    }

    /// The project that `folder`, absolute, lies in.
    ///
    /// # Errors
    /// `Exit::NotFound` when the daemon knows none.
    pub fn resolve(&self, folder: &Path) -> Result<ProjectInfo> {
        let folder = encode(utf8(folder)?.as_bytes());
        let call = self.get(&format!("/api/v1/resolve?path={folder}"));
        call.within(PATIENCE).ask()
    }

    /// Every project that the daemon knows, with its worker.
    pub fn projects(&self) -> Result<Vec<ProjectInfo>> {
        let list: ProjectList = self.get("/api/v1/projects").within(PATIENCE).ask()?;
        Ok(list.projects)
    }

    /// One project.
    pub fn project(&self, project: impl Into<Address>) -> Result<ProjectInfo> {
        self.get(&of(project, "")).within(PATIENCE).ask()
    }

    /// Registers the project in `folder`, absolute; one that is known already keeps its id.
    pub fn register(&self, folder: &Path) -> Result<ProjectInfo> {
        let request = RegisterProject {
            path: PathBuf::from(utf8(folder)?),
        };
        let call = self.post("/api/v1/projects", &request)?;
        call.within(PATIENCE).ask()
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
        self.get(&of(project, "/worker")).within(PATIENCE).ask()
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
        call.within(PATIENCE).ask()
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

    /// Runs a node; `output` gets what it prints as it comes. Gives the worker's reply object (compat, section 8),
    /// which also tells of a node that failed.
    pub fn run_node(
        &self,
        project: impl Into<Address>,
        node: &NodeRun,
        mut output: impl FnMut(NodeOutput) -> Result<()>,
    ) -> Result<Json> {
        let mut lines = AnswerLines::of(self.post(&of(project, "/nodes/run"), node)?.send()?);
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
    PATIENCE.saturating_add(wait.unwrap_or_default())
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::failed(t!("api.not_utf8", path = path.display())))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;
    use crate::api::v1::OnDisconnect;

    /// What a client makes of a daemon that gives these replies, each on a connection of its own.
    fn connect_to<const N: usize>(replies: [&'static str; N]) -> Error {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("bind");
        let daemon = std::thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().expect("a caller");
                let _ = stream.read(&mut [0; 4096]).expect("a request");
                stream.write_all(reply.as_bytes()).expect("reply");
            }
        });
        let error = Client::at(&socket).expect_err("no client");
        daemon.join().expect("the daemon's side");
        error
    }

    /// A client and its daemon's side, which has said its version.
    fn connected() -> (tempfile::TempDir, Client, UnixStream) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("bind");
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let version = format!("{{\"api_version\":\"{API_VERSION}\"}}");
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                version.len()
            );
            stream
                .write_all((head + &version).as_bytes())
                .expect("reply");
            stream
        });
        let client = Client::at(&socket).expect("a client");
        (dir, client, daemon.join().expect("the daemon's side"))
    }

    fn chunk(text: &str) -> String {
        format!("{:x}\r\n{text}\r\n", text.len())
    }

    #[test]
    fn lines_come_as_they_are_sent_and_an_answer_cut_short_is_an_error() {
        let (_dir, client, mut stream) = connected();
        let (told, hears) = std::sync::mpsc::channel();
        let daemon = std::thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).expect("head");
            let line = "{\"type\":\"output\",\"stream\":\"stdout\",\"text\":\"a\"}\n";
            for part in [&chunk(line), &(chunk(&line[..9]) + &chunk(&line[9..]))] {
                stream.write_all(part.as_bytes()).expect("a line");
                hears
                    .recv()
                    .expect("the line was heard before the next was sent");
            }
        });
        let node = NodeRun {
            file: "n.py".to_owned(),
            input: Json::default(),
            timeout_s: None,
            on_disconnect: OnDisconnect::GoOn,
        };
        let mut printed = String::new();
        let folder = Address::of_folder(Path::new("/p"));
        let error = client.run_node(folder, &node, |output| {
            printed.push_str(&output.text);
            told.send(()).expect("the daemon's side");
            Ok(())
        });
        daemon.join().expect("the daemon's side");
        assert_eq!(printed, "aa");
        assert_eq!(error.expect_err("no reply came").exit(), Exit::Failed);
    }

    #[test]
    fn an_answer_that_comes_before_the_request_is_read_is_heard() {
        let (_dir, client, mut stream) = connected();
        let daemon = std::thread::spawn(move || {
            let _ = stream
                .read(&mut [0; 16])
                .expect("the beginning of a request");
            let refusal = "{\"detail\":\"too much\",\"code\":\"bad_request\"}";
            let head = format!(
                "HTTP/1.1 413 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                refusal.len()
            );
            stream
                .write_all((head + refusal).as_bytes())
                .expect("reply");
        });
        let long = PathBuf::from("x".repeat(1 << 20));
        let error = client.register(&long).expect_err("refused");
        daemon.join().expect("the daemon's side");
        assert_eq!(error.to_string(), "too much");
    }

    #[test]
    fn a_call_ends_with_its_time_limit_before_and_within_the_answer() {
        for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
            let (_dir, client, mut stream) = connected();
            let daemon = std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]).expect("a request");
                stream.write_all(begun.as_bytes()).expect("reply");
                stream
            });
            let call = client.get("/api/health").within(Duration::from_millis(30));
            let error = call.ask::<Health>().expect_err("silence");
            assert_eq!(error.exit(), Exit::Failed);
            assert!(error.to_string().contains("to the end"), "{error}");
            daemon.join().expect("the daemon's side");
        }
    }

    #[test]
    fn a_connection_is_used_again_until_the_daemon_closes_it() {
        let (_dir, client, mut stream) = connected();
        let ok = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"projects\":[]}";
        stream.write_all(ok.as_bytes()).expect("reply");
        // The answer is in the connection before the question. A connection with unread bytes is not used again.
        assert_eq!(
            client.projects().expect_err("no listener").exit(),
            Exit::NoDaemon
        );
        let (_dir, client, mut stream) = connected();
        let daemon = std::thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream.write_all(ok.as_bytes()).expect("reply");
        });
        assert_eq!(client.projects().expect("an answer"), []);
        daemon.join().expect("the daemon's side");
        assert_eq!(client.projects().expect_err("gone").exit(), Exit::NoDaemon);
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

    const OTHER_VERSION: &str = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\nconnection: close\r\n\r\n\
        {\"api_version\": \"2.0.0\"} ";

    #[test]
    fn a_daemon_of_another_version_is_told_apart() {
        let ours = "HTTP/1.1 200 OK\r\ncontent-length: 62\r\nconnection: close\r\n\r\n\
            {\"status\":\"healthy\",\"service\":\"x\",\"program\":\"aim-backend\"    }";
        let error = connect_to([OTHER_VERSION, ours]);
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.to_string().contains("2.0.0"), "{error}");
        assert!(error.hints()[0].contains("aim-backend stop"), "{error:?}");
    }

    #[test]
    fn nobody_is_advised_to_end_another_program() {
        let unnamed = "HTTP/1.1 200 OK\r\ncontent-length: 40\r\nconnection: close\r\n\r\n\
            {\"status\":\"healthy\",\"service\":\"backend\"}";
        let named = "HTTP/1.1 200 OK\r\ncontent-length: 59\r\nconnection: close\r\n\r\n\
            {\"status\":\"healthy\",\"service\":\"x\",\"program\":\"aim\u{1b}forge\"}  ";
        let nothing = "HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        for health in [unnamed, named, nothing] {
            let error = connect_to([OTHER_VERSION, health]);
            let hint = &error.hints()[0];
            assert!(!hint.contains("stop"), "{hint}");
            assert!(hint.contains("AIM_SOCKET"), "{hint}");
            assert!(!hint.contains('\u{1b}'), "{hint}");
        }
    }

    #[test]
    fn what_another_program_does_not_offer_is_said_in_words() {
        let missing = r#"{"detail":"no such call: GET /x","code":"no-such-call"}"#;
        for (program, hint) in [
            ("aim-forge", "AIM_SOCKET"),
            ("aim-backend", "aim-backend stop"),
        ] {
            for (kind, body) in [("application/json", missing), ("text/html", "Not Found")] {
                let dir = tempfile::tempdir().expect("temporary folder");
                let socket = dir.path().join("s");
                let listener = UnixListener::bind(&socket).expect("bind");
                let version = format!(r#"{{"api_version":"{API_VERSION}"}}"#);
                let health =
                    format!(r#"{{"status":"healthy","service":"x","program":"{program}"}}"#);
                let daemon = std::thread::spawn(move || {
                    for (status, kind, body) in [
                        ("200 OK", "application/json", &*version),
                        ("404 X", kind, body),
                        ("200 OK", "application/json", &*health),
                    ] {
                        let (mut stream, _) = listener.accept().expect("a caller");
                        let _ = stream.read(&mut [0; 4096]).expect("a request");
                        let length = body.len();
                        let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n");
                        let rest = "connection: close\r\n\r\n";
                        let answer = format!("{head}content-length: {length}\r\n{rest}{body}");
                        stream.write_all(answer.as_bytes()).expect("reply");
                    }
                });
                let client = Client::at(&socket).expect("a client");
                let error = client.projects().expect_err("not offered");
                daemon.join().expect("the daemon's side");
                assert_eq!(error.exit(), Exit::Failed);
                assert!(
                    error.to_string().contains("GET /api/v1/projects"),
                    "{error}"
                );
                assert!(error.hints()[0].contains(hint), "{error:?}");
            }
        }
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
            let error = connect_to([reply]);
            assert_eq!(error.exit(), Exit::Failed, "{reply}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn a_stranger_in_one_place_keeps_nobody_from_another() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        let host = Host::fake(["x"])
            .with_var("XDG_RUNTIME_DIR", &first)
            .with_var("TMPDIR", &second);
        let places: Vec<_> = places(&host, None);
        let socket = |folder: &Path| {
            let here = places.iter().map(Place::socket);
            let mut here = here.filter(|socket| socket.starts_with(folder));
            here.next().expect("a place").to_path_buf()
        };
        let (occupied, serving) = (socket(&first), socket(&second));
        for socket in [&occupied, &serving] {
            std::fs::create_dir_all(socket.parent().expect("a folder")).expect("folders");
        }
        std::fs::write(&occupied, "no socket").expect("write");
        let error = Client::connect(&host, None).expect_err("nobody serves");
        assert!(error.to_string().contains("first"), "{error}");
        let listener = UnixListener::bind(&serving).expect("bind");
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream
                .write_all(OTHER_VERSION.replace("2.0.0", API_VERSION).as_bytes())
                .expect("reply");
        });
        let client = Client::connect(&host, None).expect("found");
        assert_eq!(client.socket(), serving);
        daemon.join().expect("the daemon's side");
    }
}
