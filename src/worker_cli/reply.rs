//! What a node says: what it prints, then its output, or why there is none.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::api::refresh_failed;
use crate::api::v1::{NodeCode, NodeOutput, Shows, Stream};
use crate::console::width::{columns, cut};
use crate::console::{Console, cause};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::{Json, laid_out};
use crate::project::Project;
use crate::terminal::printable;
use crate::words::t;

/// Lines of an output that a terminal is shown.
const LINES: u32 = 100;

/// Characters of an output that a terminal is shown, which may be one line.
const CHARACTERS: usize = 20_000;

/// What a worker says of a file without a function (compat, section 8).
const NO_FUNCTION: &str = "No callable function found in node";

/// What a node prints, on its way out.
pub(super) struct Words<'a> {
    /// Where what changed is looked up that a failure comes of.
    history: Option<(&'a Host, &'a Project)>,
    /// The node's file in the project.
    file: &'a str,
    /// Standard output does not stand at the beginning of a line.
    line_is_open: bool,
}

impl<'a> Words<'a> {
    /// Of the node in `file`, which has not begun.
    pub(super) fn of(file: &'a str) -> Self {
        Self {
            history: None,
            file,
            line_is_open: false,
        }
    }

    /// The same, of a node of `project`: what a failure comes of is told, too.
    pub(super) fn with_history(mut self, host: &'a Host, project: &'a Project) -> Self {
        self.history = Some((host, project));
        self
    }

    /// Something that it has printed.
    pub(super) fn print(&mut self, console: &mut Console, output: &NodeOutput) -> Result<()> {
        let text = output.text.as_bytes();
        match output.stream {
            Stream::Stdout if !console.is_json() => {
                self.line_is_open = text.last().map_or(self.line_is_open, |last| *last != b'\n');
                console.raw(text)
            }
            Stream::Stdout | Stream::Stderr => console.raw_note(text),
        }
    }

    /// What has become of it.
    pub(super) fn end(&self, console: &mut Console, reply: &Json) -> Result<Exit> {
        let read: NodeReply = reply
            .read()
            .context(t!("worker_cli.reply_not_understood"))?;
        let exit = if read.ok { Exit::Done } else { Exit::Failed };
        if console.is_json() {
            console.json_text(&reply.to_string())?;
            return Ok(exit);
        }
        self.end_line(console)?;
        if read.ok {
            self.show(console, &read)?;
            return Ok(exit);
        }
        let traceback = read.traceback.map(text).unwrap_or_default();
        if traceback.is_empty() {
            return Err(failure(&read));
        }
        let end = if traceback.ends_with('\n') { "" } else { "\n" };
        console.foreign_note(format!("{traceback}{end}").as_bytes())?;
        if let Some(hint) = self.hint(&read) {
            console.hint(hint);
        }
        if let Some((host, project)) = self.history {
            cause::tell(console, host, project, &traceback);
        }
        // The traceback says where the node was. Why it ended there is known to whoever ended it.
        match read.code {
            Some(_) => Err(failure(&read)),
            None => Ok(exit),
        }
    }

    /// What to do about a failure of the node's own.
    fn hint(&self, reply: &NodeReply<'_>) -> Option<Cow<'static, str>> {
        let error = reply.error.map(text).unwrap_or_default();
        if reply.needs_person {
            return Some(t!("worker_cli.hint_here", file = self.file));
        }
        if error == NO_FUNCTION {
            return Some(t!("worker_cli.hint_function"));
        }
        None
    }

    /// Its output: the file of a figure, the text of an object, or JSON; on a terminal the beginning of what is long.
    fn show(&self, console: &mut Console, reply: &NodeReply<'_>) -> Result<()> {
        if let Some(name) = reply.ran.map(text) {
            let others: Vec<&str> = reply.also.iter().map(String::as_str).collect();
            let others = others.join(", ");
            let (name, others) = (printable(&name), printable(&others));
            console.note(t!(
                "worker_cli.also",
                name = name,
                file = self.file,
                others = others
            ));
        }
        if let Some(path) = reply.figure.map(text) {
            return console.line(t!("worker_cli.figure", path = printable(&path)));
        }
        let has_more = if let Some(text) = reply.text.map(text) {
            let (shown, has_more) = beginning(text.trim_end_matches('\n'), console.is_terminal());
            let width = console.width();
            let lines: Vec<_> = shown.split('\n').map(|line| fit(line, width)).collect();
            console.foreign(format!("{}\n", lines.join("\n")).as_bytes())?;
            has_more || lines.iter().any(|line| matches!(line, Cow::Owned(_)))
        } else {
            let json = laid_out(reply.output.map_or("null", RawValue::get));
            let (shown, has_more) = beginning(&json, console.is_terminal());
            console.json_text(shown)?;
            has_more
        };
        if has_more {
            console.note(t!("worker_cli.cut_here"));
        }
        if reply.is_cut {
            console.note(t!("worker_cli.cut_text"));
        }
        Ok(())
    }

    /// Sees to it that what comes next begins a line.
    pub(super) fn end_line(&self, console: &mut Console) -> Result<()> {
        if self.line_is_open {
            console.raw(b"\n")?;
        }
        Ok(())
    }
}

/// A worker's reply object (compat, section 8), and what the daemon says in its stead.
#[derive(Debug, Deserialize)]
struct NodeReply<'a> {
    #[serde(default)]
    ok: bool,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    traceback: Option<&'a RawValue>,
    #[serde(borrow, default)]
    detail: Option<&'a RawValue>,
    #[serde(default)]
    code: Option<NodeCode>,
    /// The text of an object.
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
    /// Whether the text ends before the object's does.
    #[serde(default)]
    is_cut: bool,
    /// The file that a figure was saved as.
    #[serde(borrow, default)]
    figure: Option<&'a RawValue>,
    /// The function that ran, where there are others.
    #[serde(borrow, default)]
    ran: Option<&'a RawValue>,
    /// The others.
    #[serde(default)]
    also: Vec<String>,
    /// It ended since nobody is at the worker's keyboard.
    #[serde(default)]
    needs_person: bool,
}

/// What the reply is to have for the person; nothing where a program reads it.
pub(super) fn shows(console: &Console) -> Option<Shows> {
    let lines = console.is_terminal().then_some(LINES);
    (!console.is_json()).then_some(Shows { lines })
}

/// As much of `text` as a terminal is shown, and whether there is more.
fn beginning(text: &str, is_terminal: bool) -> (&str, bool) {
    if !is_terminal {
        return (text, false);
    }
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).nth(LINES as usize - 1);
    let characters = text.char_indices().nth(CHARACTERS).map(|(end, _)| end);
    match lines.into_iter().chain(characters).min() {
        Some(end) => (&text[..end], true),
        None => (text, false),
    }
}

/// A line of a table, as wide as the terminal.
fn fit(line: &str, width: Option<usize>) -> Cow<'_, str> {
    match width {
        Some(width) if columns(line) > width => cut(line, width).into(),
        _ => line.into(),
    }
}

/// The text of a JSON string. One that Rust cannot hold (Python has lone surrogates) stays as it was written.
fn text(json: &RawValue) -> String {
    serde_json::from_str(json.get()).unwrap_or_else(|_| laid_out(json.get()))
}

fn failure(reply: &NodeReply<'_>) -> Error {
    let error = reply.error.map(text).unwrap_or_default();
    let detailed = |what| match reply.detail.map(text) {
        Some(detail) => Error::failed(detail).context(what),
        None => Error::failed(what),
    };
    match &reply.code {
        Some(NodeCode::EnvironmentRefreshFailed) => refresh_failed(&error),
        Some(NodeCode::TimedOut) => detailed(t!("worker_cli.timed_out")),
        Some(NodeCode::Interrupted | NodeCode::Cancelled) => {
            detailed(t!("worker_cli.was_interrupted"))
        }
        _ if error.starts_with("worker-exit") => {
            detailed(t!("worker_cli.worker_ended")).hint(t!("api.hint_log"))
        }
        _ => Error::failed(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::words::{self, Language};

    struct Ended {
        result: Result<Exit>,
        out: String,
        err: String,
    }

    fn ended(json: bool, outputs: &[(Stream, &str)], reply: &str) -> Ended {
        let (mut console, out, err) = testing::console(&CommonArgs {
            json,
            ..CommonArgs::default()
        });
        let mut words = Words::of("a.py");
        for (stream, text) in outputs {
            let output = NodeOutput {
                stream: *stream,
                text: (*text).to_owned(),
            };
            words.print(&mut console, &output).expect("printed");
        }
        let reply = Json::parse(reply).expect("JSON");
        let result = words.end(&mut console, &reply);
        Ended {
            result,
            out: out.text(),
            err: err.text(),
        }
    }

    #[test]
    fn output_follows_what_the_node_printed() {
        let printed = [
            (Stream::Stdout, "half a"),
            (Stream::Stderr, "hm\n"),
            (Stream::Stdout, " line"),
        ];
        let reply = r#"{"id":"1","ok":true,"output":{"a":"\uac00"},"time_ms":1}"#;
        let end = ended(false, &printed, reply);
        assert_eq!(end.result.expect("done"), Exit::Done);
        assert_eq!(end.out, "half a line\n{\n  \"a\": \"가\"\n}\n");
        assert_eq!(end.err, "hm\n");
        let end = ended(true, &printed, reply);
        assert_eq!(end.out, format!("{reply}\n"));
        assert_eq!(end.err, "half ahm\n line");
    }

    #[test]
    fn failures_say_why() {
        let traceback = r#"{"ok":false,"error":"x","traceback":"Traceback:\nValueError: x"}"#;
        let end = ended(false, &[], traceback);
        assert_eq!(end.result.expect("ended"), Exit::Failed);
        assert_eq!(
            (end.out.as_str(), end.err.as_str()),
            ("", "Traceback:\nValueError: x\n")
        );
        let end = ended(true, &[], traceback);
        assert_eq!(end.result.expect("ended"), Exit::Failed);
    }

    #[test]
    fn failures_of_the_worker_are_in_the_persons_language() {
        fn check(reply: &str, english: &str, korean: &str) {
            for (language, expected) in [(Language::English, english), (Language::Korean, korean)] {
                words::choose(language);
                let error = ended(false, &[], reply).result.expect_err("failed");
                assert_eq!(error.exit(), Exit::Failed);
                assert_eq!(error.to_string(), expected);
            }
        }
        check(
            r#"{"ok":false,"error":"Node file not found: a.py"}"#,
            "Node file not found: a.py",
            "Node file not found: a.py",
        );
        check(
            r#"{"ok":false,"error":"\ud800"}"#,
            r#""\ud800""#,
            r#""\ud800""#,
        );
        check(
            r#"{"ok":false,"error":"환경 갱신 실패: gone","code":"environment-refresh-failed"}"#,
            "environment refresh failed: gone",
            "환경 갱신 실패: gone",
        );
        check(
            r#"{"ok":false,"error":"worker-exit","code":"worker-exit","detail":"SIGKILL"}"#,
            "the worker ended while the node ran: SIGKILL",
            "노드를 실행하는 동안 워커가 종료되었습니다: SIGKILL",
        );
        check(
            r#"{"ok":false,"error":"Node timed out after 2 s","code":"timeout",
                "traceback":"Traceback:\nKeyboardInterrupt"}"#,
            "the node took too long and was interrupted",
            "노드의 제한 시간이 지나 중단했습니다",
        );
        check(
            r#"{"ok":false,"error":"Node was interrupted","code":"interrupted","detail":"killed"}"#,
            "the node was interrupted: killed",
            "노드가 중단되었습니다: killed",
        );
    }
}
