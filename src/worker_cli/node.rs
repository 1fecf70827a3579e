//! `aim-worker run`: one node, its words as it says them, then its output.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::attended::{Arrival, Attended};
use super::cli::RunArgs;
use super::nearest;
use super::reached::Reached;
use super::reply::{Words, shows};
use crate::api::v1::{NodeEvent, NodeRun, OnDisconnect};
use crate::console::{Console, worker_wait};
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::json::Json;
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
        tells_waiting: console.tells_waits(),
        shows: shows(console),
    };
    let (client, address, file) = (reached.client.clone(), reached.address(), node.file.clone());
    let mut words = Words::of(&file).with_history(host, &reached.project);
    let attended = Attended::begin(move |say| client.run_node(address, &node, say))?;
    let waiting = Arc::new(Mutex::new(None));
    let mut line = Some(worker_wait::told(console, &waiting));
    loop {
        match attended.next(None) {
            Arrival::Told(NodeEvent::Waiting(now)) => {
                *waiting.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
            }
            Arrival::Told(NodeEvent::Output(output)) => {
                line.take();
                words.print(console, &output)?;
            }
            Arrival::Ended(reply) => {
                line.take();
                return words.end(console, &reply?);
            }
            Arrival::Interrupted => {
                line.take();
                words.end_line(console)?;
                console.note(t!("worker_cli.cancelled", file = file));
                return Ok(Exit::Interrupted);
            }
            Arrival::Told(NodeEvent::Reply { .. }) | Arrival::Nothing => {}
        }
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
        .ok_or_else(|| {
            let error = Error::usage(t!("worker_cli.no_file", file = file.display()));
            nearest::hinted(error, nearest::node_file(&root, file).as_deref())
        })?;
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

    fn args(input: Option<&str>) -> RunArgs {
        RunArgs {
            file: "a.py".into(),
            input: input.map(str::to_owned),
            timeout: None,
            here: false,
            at: None,
            incomplete: false,
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
