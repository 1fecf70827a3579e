//! `aim-worker run`: one node, its words as it says them, then its output.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::attended::{Arrival, Attended};
use super::cli::RunArgs;
use super::reached::Reached;
use crate::api::refresh_failed;
use crate::api::v1::{NodeCode, NodeOutput, NodeRun, OnDisconnect, Stream};
use crate::console::Console;
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
use crate::json::laid_out;
use crate::words::t;

/// The input that `args` give: `{}` when they give none, as AIM-Forge always sends an object.
///
/// # Errors
/// `Exit::Usage`, naming the place where it is not JSON.
pub(super) fn input(args: &RunArgs) -> Result<Json> {
    let (text, from) = match args.input.as_deref() {
        None => return Ok(serde_json::json!({}).into()),
        Some("-") => {
            let mut text = String::new();
            let read = std::io::stdin().read_to_string(&mut text);
            read.context(t!("worker_cli.input_unread"))
                .exit(Exit::Usage)?;
            (text, t!("worker_cli.standard_input"))
        }
        Some(text) => (text.to_owned(), "--input".into()),
    };
    // Editors and shells of other systems begin a text with a mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    Json::parse(text)
        .map_err(|error| Error::usage(t!("worker_cli.not_json", from = from, why = error)))
}

/// Runs the node; what it prints goes out as it comes. The exit status tells whether it succeeded.
///
/// Leaving the command, by Ctrl-C or however else, cancels the node.
///
/// Without `--json`, the node's two streams are ours, and its output value follows on standard output. With it,
/// standard output has only the worker's reply object, and everything that the node prints is talk.
pub(super) fn run(
    console: &mut Console,
    host: &Host,
    reached: &Reached,
    args: &RunArgs,
    input: Json,
) -> Result<Exit> {
    let node = NodeRun {
        file: file(host, reached.project.root(), &args.file)?,
        input,
        timeout_s: args.timeout,
        on_disconnect: OnDisconnect::Cancel,
    };
    let mut words = Words {
        line_is_open: false,
    };
    let (client, address, file) = (reached.client.clone(), reached.address(), node.file.clone());
    let attended = Attended::begin(move |say| client.run_node(address, &node, say))?;
    loop {
        match attended.next(None) {
            Arrival::Told(output) => words.print(console, &output)?,
            Arrival::Ended(reply) => return words.end(console, &reply?),
            Arrival::Interrupted => {
                words.end_line(console)?;
                console.note(t!("worker_cli.cancelled", file = file));
                return Ok(Exit::Interrupted);
            }
            Arrival::Nothing => {}
        }
    }
}

/// What a node prints, on its way out.
struct Words {
    /// Standard output does not stand at the beginning of a line.
    line_is_open: bool,
}

impl Words {
    fn print(&mut self, console: &mut Console, output: &NodeOutput) -> Result<()> {
        let text = output.text.as_bytes();
        match output.stream {
            Stream::Stdout if !console.is_json() => {
                self.line_is_open = text.last().map_or(self.line_is_open, |last| *last != b'\n');
                console.raw(text)
            }
            Stream::Stdout | Stream::Stderr => console.raw_note(text),
        }
    }

    fn end(&self, console: &mut Console, reply: &Json) -> Result<Exit> {
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
            let output = read.output.map_or("null", RawValue::get);
            console.json_text(&laid_out(output))?;
            return Ok(exit);
        }
        let traceback = read.traceback.map(text).unwrap_or_default();
        if traceback.is_empty() {
            return Err(failure(&read));
        }
        let end = if traceback.ends_with('\n') { "" } else { "\n" };
        console.foreign_note(format!("{traceback}{end}").as_bytes())?;
        // The traceback says where the node was. Why it ended there is known to whoever ended it.
        match read.code {
            Some(_) => Err(failure(&read)),
            None => Ok(exit),
        }
    }

    fn end_line(&self, console: &mut Console) -> Result<()> {
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

/// `file` as the worker takes it: relative to the project in `root`, with `/`. It is looked for from the working folder
/// first, then from the project.
///
/// # Errors
/// `Exit::Usage` when it is in neither place, or not in the project.
pub(super) fn file(host: &Host, root: &Path, file: &Path) -> Result<String> {
    let root = root.canonicalize().context(t!("worker_cli.no_folder"))?;
    let found = [host.absolute(file), root.join(file)]
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| Error::usage(t!("worker_cli.no_file", file = file.display())))?;
    let outside = || {
        Error::usage(t!(
            "worker_cli.outside",
            file = found.display(),
            root = root.display()
        ))
    };
    // The folder is resolved, the name kept: a node that is a link runs under the name that it was called by.
    let (folder, name) = found.parent().zip(found.file_name()).ok_or_else(outside)?;
    let folder: PathBuf = folder.canonicalize()?;
    let relative = folder
        .strip_prefix(&root)
        .map_err(|_| outside())?
        .join(name);
    relative
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::usage(t!("worker_cli.not_utf8", file = file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::words::{self, Language};

    fn args(input: Option<&str>) -> RunArgs {
        RunArgs {
            file: "a.py".into(),
            input: input.map(str::to_owned),
            timeout: None,
        }
    }

    #[test]
    fn input_is_json_or_wrong_usage() {
        for (text, expected) in [(None, "{}"), (Some("[1]"), "[1]"), (Some(" 1.10 "), "1.10")] {
            assert_eq!(input(&args(text)).expect("JSON").as_str().trim(), expected);
        }
        for bad in ["", "{", "{'a': 1}", "1 2"] {
            let error = input(&args(Some(bad))).expect_err(bad);
            assert_eq!(error.exit(), Exit::Usage);
            assert!(error.to_string().contains("line 1 column"), "{error}");
        }
    }

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
        let mut words = Words {
            line_is_open: false,
        };
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

    #[test]
    fn files_are_found_from_here_and_from_the_project() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let home = dir.path().canonicalize().expect("resolved");
        let root = home.join("p");
        std::fs::create_dir_all(root.join("nodes")).expect("folders");
        for path in ["p/nodes/a.py", "p/b.py", "outside.py"] {
            std::fs::write(home.join(path), "").expect("write");
        }
        let here = Host::fake(["x"]).with_cwd(root.join("nodes"));
        for (typed, expected) in [
            ("a.py", "nodes/a.py"),
            ("nodes/a.py", "nodes/a.py"),
            ("../b.py", "b.py"),
            ("./../nodes/./a.py", "nodes/a.py"),
        ] {
            assert_eq!(file(&here, &root, Path::new(typed)).expect(typed), expected);
        }
        for bad in ["../../outside.py", "nothing.py", "..", ""] {
            let error = file(&here, &root, Path::new(bad)).expect_err(bad);
            assert_eq!(error.exit(), Exit::Usage, "{bad}");
        }
    }
}
