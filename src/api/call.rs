//! One call of the daemon: made, answered whole or line by line, and its errors ready for people.

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use serde::de::DeserializeOwned;
use ureq::http::header::CONTENT_TYPE;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::{Agent, AsSendBody, Body, BodyReader};

use super::v1::{ErrorBody, ErrorCode};
use crate::error::{Error, Exit, Explain, Result};
use crate::words::t;

/// A call that is not yet made. Without [`ApiCall::within`] it may take as long as it likes.
pub(super) struct ApiCall<'c> {
    agent: &'c Agent,
    method: Method,
    url: String,
    body: Option<Vec<u8>>,
    limit: Option<Duration>,
}

impl<'c> ApiCall<'c> {
    /// A call of `path`, with `body` as JSON.
    pub(super) fn new(agent: &'c Agent, method: Method, path: &str, body: Option<Vec<u8>>) -> Self {
        Self {
            agent,
            method,
            // The host part is for HTTP's sake: the agent only ever talks to the socket.
            url: format!("http://aim{path}"),
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
        let request = Request::builder().method(self.method).uri(self.url);
        let reply = match self.body {
            None => run(self.agent, request.body(()), self.limit),
            Some(body) => {
                let request = request.header(CONTENT_TYPE, "application/json");
                run(self.agent, request.body(body), self.limit)
            }
        };
        match reply {
            Ok(reply) if reply.status().is_success() => Ok(reply),
            Ok(reply) => Err(refusal(reply)),
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

/// A refusal in words.
fn refusal(reply: Response<Body>) -> Error {
    let status = reply.status();
    let is_json = reply
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let text = is_json
        .then(|| reply.into_body().read_to_vec().ok())
        .flatten();
    let body: Option<ErrorBody> = text.and_then(|text| serde_json::from_slice(&text).ok());
    let exit = if status == StatusCode::NOT_FOUND {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{self, Language};

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
