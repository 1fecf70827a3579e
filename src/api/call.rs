//! One call of the daemon: made, answered whole or line by line, and its errors ready for people.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::{Agent, AsSendBody, Body, BodyReader};

use super::place::Place;
use super::unix_socket;
use super::v1::{ErrorCode, Health, PROGRAM};
use crate::error::{Error, Exit, Explain, Result, brief};
use crate::terminal::printable;
use crate::words::t;

/// How long a program may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// A call that is not yet made. Without [`ApiCall::within`] it may take as long as it likes.
pub(super) struct ApiCall<'c> {
    agent: &'c Agent,
    method: Method,
    path: String,
    body: Option<Vec<u8>>,
    limit: Option<Duration>,
}

impl<'c> ApiCall<'c> {
    /// A call of `path`, with `body` as JSON.
    pub(super) fn new(agent: &'c Agent, method: Method, path: &str, body: Option<Vec<u8>>) -> Self {
        Self {
            agent,
            method,
            path: path.to_owned(),
            body,
            limit: None,
        }
    }

    /// Gives up after `limit`, wherever the call is then.
    pub(super) fn within(self, limit: Duration) -> Self {
        Self {
            limit: Some(limit),
            ..self
        }
    }

    /// Makes the call and reads its whole answer.
    pub(super) fn ask<T: DeserializeOwned>(self) -> Result<T> {
        let mut body = Vec::new();
        let mut answer = self.send()?.into_body().into_reader();
        answer.read_to_end(&mut body).context(t!("api.lost"))?;
        serde_json::from_slice(&body).context(t!("api.not_understood"))
    }

    /// Makes the call, up to the head of its answer.
    pub(super) fn send(self) -> Result<Response<Body>> {
        // The host part is for HTTP's sake: the agent only ever talks to the socket.
        let url = format!("http://aim{}", self.path);
        let request = Request::builder().method(&self.method).uri(url);
        let reply = match self.body {
            None => run(self.agent, request.body(()), self.limit),
            Some(body) => {
                let request = request.header(CONTENT_TYPE, "application/json");
                run(self.agent, request.body(body), self.limit)
            }
        };
        match reply {
            Ok(reply) if reply.status().is_success() => Ok(reply),
            Ok(reply) => {
                let refused = refusal(reply, &self.method, &self.path);
                Err(if refused.is::<NotOffered>() {
                    refused.hint(way_out(self.agent))
                } else {
                    refused
                })
            }
            Err(ureq::Error::ConnectionFailed) => Err(no_daemon()),
            Err(error) => Err(Error::from(error).context(t!("api.lost"))),
        }
    }
}

fn run(
    agent: &Agent,
    request: ureq::http::Result<Request<impl AsSendBody>>,
    limit: Option<Duration>,
) -> std::result::Result<Response<Body>, ureq::Error> {
    let request = agent.configure_request(request?).timeout_global(limit);
    agent.run(request.build())
}

/// An answer that comes line by line, and says in its last one that it is whole.
pub(super) struct AnswerLines {
    answer: BufReader<BodyReader<'static>>,
    line: Vec<u8>,
}

impl AnswerLines {
    pub(super) fn of(answer: Response<Body>) -> Self {
        Self {
            answer: BufReader::with_capacity(64 * 1024, answer.into_body().into_reader()),
            line: Vec::new(),
        }
    }

    /// The next line; an error when the daemon goes away before the last.
    pub(super) fn next(&mut self) -> Result<&[u8]> {
        self.line.clear();
        let read = self.answer.read_until(b'\n', &mut self.line);
        if read.context(t!("api.lost"))? == 0 {
            return Err(Error::failed(t!("api.lost")));
        }
        Ok(&self.line)
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

/// A call that this backend does not offer. Another backend than ours need not offer more than the few calls that are
/// marked in `docs/api.md`.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NotOffered(String);

/// What was answered, and nothing where the backend does not offer the call.
///
/// # Errors
/// Any other than that.
pub fn if_offered<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if error.is::<NotOffered>() => Ok(None),
        answer => answer.map(Some),
    }
}

/// The call as `docs/api.md` names it.
fn name_of_call(method: &Method, path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    match path.strip_prefix("/api/v1/projects/") {
        Some(rest) => {
            let rest = rest.split_once('/').map_or("", |(_, rest)| rest);
            let name = format!("{method} /api/v1/projects/{{id}}/{rest}");
            name.trim_end_matches('/').to_owned()
        }
        None => format!("{method} {path}"),
    }
}

/// The body of a refusal, as far as another backend has one: frameworks have no `code`, and their `detail` may be
/// anything.
#[derive(Deserialize)]
struct Refused {
    #[serde(default)]
    detail: serde_json::Value,
    code: Option<ErrorCode>,
}

impl Refused {
    /// Whether the call itself is not there. A framework's own answer to that has no code, and no words of its own.
    fn is_of_no_call(&self, status: StatusCode) -> bool {
        match &self.code {
            Some(code) => matches!(code, ErrorCode::NoSuchCall | ErrorCode::MethodNotAllowed),
            None if status == StatusCode::NOT_FOUND => {
                let detail = self.detail.as_str().unwrap_or_default();
                detail.is_empty() || detail.eq_ignore_ascii_case("not found")
            }
            None => [StatusCode::METHOD_NOT_ALLOWED, StatusCode::NOT_IMPLEMENTED].contains(&status),
        }
    }

    fn words(&self) -> Option<String> {
        match &self.detail {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(brief(&other.to_string())),
        }
    }
}

/// A refusal of the call of `path` in words.
fn refusal(reply: Response<Body>, method: &Method, path: &str) -> Error {
    let status = reply.status();
    let is_json = reply
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let text = is_json
        .then(|| reply.into_body().read_to_vec().ok())
        .flatten();
    let body = text.and_then(|text| serde_json::from_slice(&text).ok());
    let body = body.unwrap_or(Refused {
        detail: serde_json::Value::Null,
        code: None,
    });
    if body.is_of_no_call(status) {
        let call = name_of_call(method, path);
        return NotOffered(t!("api.not_offered", call = call).into_owned()).into();
    }
    let exit = if status == StatusCode::NOT_FOUND {
        Exit::NotFound
    } else {
        Exit::Failed
    };
    let Some(detail) = body.words() else {
        return Error::new(exit, t!("api.refused", status = status.as_u16()));
    };
    let error = Error::new(exit, &detail);
    match body.code {
        Some(ErrorCode::EnvironmentRefreshFailed) => refresh_failed(&detail),
        Some(ErrorCode::NoSuchProject) => error.hint(t!("api.hint_projects")),
        Some(ErrorCode::NoEnvironment) => error.hint(t!("api.hint_init")),
        _ => error,
    }
}

/// What to do about a daemon that does not offer what is asked of it: ours is ended and started anew, another program
/// goes on.
pub(super) fn way_out(agent: &Agent) -> Cow<'static, str> {
    match program(agent).as_deref() {
        Some(PROGRAM) => t!("api.hint_stop"),
        Some(program) => t!("api.hint_beside", program = printable(program)),
        None => t!("api.hint_beside_unnamed"),
    }
}

/// Which program answers, if it says so.
fn program(agent: &Agent) -> Option<String> {
    health(agent)?.program
}

fn health(agent: &Agent) -> Option<Health> {
    let request = Request::builder().uri("http://aim/api/health").body(());
    let answer = run(agent, request, Some(PATIENCE)).ok()?;
    let text = answer.into_body().read_to_vec().ok()?;
    serde_json::from_slice(&text).ok()
}

/// Which program answers at `place`, if it does so and says it.
pub fn program_at(place: Place) -> Option<String> {
    health_at(place)?.program
}

/// What answers at `place` says of itself, if it does so.
pub fn health_at(place: Place) -> Option<Health> {
    health(&unix_socket::agent(place))
}

/// What `ask` learns from a daemon, if that is in time; nobody waits for the rest. For a program that ends at once,
/// with or without an answer.
pub fn in_time<T: Send + 'static>(
    patience: Duration,
    ask: impl FnOnce() -> Option<T> + Send + 'static,
) -> Option<T> {
    let (sender, told) = mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "no daemon: a program that ends at once, with or without an answer"
    )]
    std::thread::spawn(move || sender.send(ask()));
    told.recv_timeout(patience).ok().flatten()
}

/// The error of every command that needs a daemon where none runs.
pub fn no_daemon() -> Error {
    Error::new(Exit::NoDaemon, t!("api.no_daemon")).hint(t!("api.hint_serve"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{self, Language};

    fn refused(status: u16, body: &str, json: bool) -> Error {
        let kind = if json {
            "application/json"
        } else {
            "text/html"
        };
        let reply = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, kind);
        let reply = reply.body(Body::builder().data(body.to_owned()));
        let path = "/api/v1/projects/-/worker/stop?path=%2Fp";
        refusal(reply.expect("a reply"), &Method::POST, path)
    }

    #[test]
    fn what_is_not_offered_is_said_in_words() {
        let words = "this backend does not offer `POST /api/v1/projects/{id}/worker/stop`";
        for (status, body, json) in [
            (404, r#"{"detail":"Not Found"}"#, true),
            (404, r#"{"detail":"x","code":"no-such-call"}"#, true),
            (404, "<h1>Not Found</h1>", false),
            (404, "", false),
            (405, r#"{"detail":"Method Not Allowed"}"#, true),
            (405, r#"{"detail":"x","code":"method-not-allowed"}"#, true),
            (501, "", false),
        ] {
            let error = refused(status, body, json);
            assert_eq!(error.to_string(), words, "{body}");
            assert_eq!(
                (error.exit(), error.hints()),
                (Exit::Failed, &[][..]),
                "{body}"
            );
            assert!(if_offered::<()>(Err(error)).expect("no error").is_none());
        }
        for (status, body, words, exit) in [
            (
                404,
                r#"{"detail":"x","code":"no-such-project"}"#,
                "x",
                Exit::NotFound,
            ),
            (
                404,
                r#"{"detail":"Project with ID 'x' does not exist"}"#,
                "Project with ID",
                Exit::NotFound,
            ),
            (
                404,
                r#"{"detail":"x","code":"a-later-one"}"#,
                "x",
                Exit::NotFound,
            ),
            (
                422,
                r#"{"detail":[{"loc":["query"],"msg":"m"}]}"#,
                r#""msg":"m""#,
                Exit::Failed,
            ),
            (500, "Internal Server Error", "500", Exit::Failed),
        ] {
            let error = refused(status, body, status != 500);
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.exit(), exit, "{body}");
            assert!(if_offered::<()>(Err(error)).is_err(), "{body}");
        }
    }

    #[test]
    fn calls_are_named_as_the_reference_names_them() {
        for (path, name) in [
            ("/api/v1/projects", "GET /api/v1/projects"),
            ("/api/v1/projects/a%2Fb?x=1", "GET /api/v1/projects/{id}"),
            (
                "/api/v1/projects/-/worker?path=%2F",
                "GET /api/v1/projects/{id}/worker",
            ),
            ("/api/project/execute-flow", "GET /api/project/execute-flow"),
        ] {
            assert_eq!(name_of_call(&Method::GET, path), name);
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
