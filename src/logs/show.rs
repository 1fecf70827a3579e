//! `aim-logs show`: one run, with everything it printed.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anstream::adapter::strip_str;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::cli::ShowArgs;
use crate::console::shell;
use crate::console::style::{self, FAINT, NAME};
use crate::console::table::{Cell, pairs};
use crate::console::{Console, time};
use crate::console::{describe, history};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::project::{LOGS, Project, ProjectLayout};
use crate::secrets;
use crate::store::{Log, LogError, Run, RunLog};
use crate::terminal::printable;
use crate::words::t;

/// Prints the run that `args` name, or one part of it.
pub(super) fn show(
    console: &mut Console,
    host: &Host,
    project: &Project,
    args: &ShowArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let layout = project.layout();
    let log = history::whole(&layout)?;
    let wanted = log_name(host, &layout, &args.run).unwrap_or_else(|| args.run.clone());
    let run = log
        .find(&wanted)
        .map_err(|error| history::not_found(&error))?;
    if args.path {
        let path = run.log_path().ok_or_else(|| log_gone(run))?;
        let path = RunLog::path(&layout, path).map_err(|error| no_log(run, error))?;
        return console.line(path.display());
    }
    let log = RunLog::log(&layout, run);
    if args.stdout || args.stderr {
        let log = log.map_err(|error| no_log(run, error))?;
        let text = if args.stdout { log.stdout } else { log.stderr };
        return console.foreign(text.as_bytes());
    }
    if console.is_json() {
        return console.json(&as_json(run, log.ok())?);
    }
    for line in header(run, now) {
        console.line(line)?;
    }
    match log {
        Ok(log) if log.stdout.is_empty() && log.stderr.is_empty() => {}
        Ok(log) => {
            console.line("")?;
            return print_log(console, &log);
        }
        Err(error @ LogError::Unreadable { .. }) => console.warn(printable(&error.to_string())),
        // What another tool did never had one.
        Err(LogError::None) => {}
        Err(_) => console.note(t!("logs.log_gone")),
    }
    Ok(())
}

/// The project whose log lies at the path `run`, seen from the working folder.
pub(super) fn project_of_log(host: &Host, run: &str) -> Option<Project> {
    let logs = folder_of_log(host, run)?;
    let project = Project::at(logs.parent()?)?;
    (project.layout().logs() == logs).then_some(project)
}

/// The name of the log that the path `run` leads to, where that is a log of this project: seen from the working
/// folder, or from the project, as records have it.
fn log_name(host: &Host, layout: &ProjectLayout, run: &str) -> Option<String> {
    let logs = layout.logs().canonicalize().ok();
    let from_project = || {
        let folder = Path::new(run.trim_start_matches("./")).parent();
        folder.is_some_and(|folder| folder == Path::new(LOGS))
    };
    let is_ours = logs.is_some() && folder_of_log(host, run) == logs || from_project();
    let name = is_ours.then(|| Path::new(run).file_name()).flatten()?;
    name.to_str().map(str::to_owned)
}

/// The folder, without links, of a log that is named by its path.
fn folder_of_log(host: &Host, run: &str) -> Option<PathBuf> {
    let path = host.absolute(run);
    let is_path = run.contains('/') || path.is_file();
    is_path
        .then(|| path.parent()?.canonicalize().ok())
        .flatten()
}

fn log_gone(run: &Run) -> Error {
    Error::not_found(t!("logs.no_log_of", run = run.id()))
}

/// Why there is no log to show: one that cannot be read is not gone.
fn no_log(run: &Run, error: LogError) -> Error {
    match error {
        LogError::Unreadable { .. } => Error::failed(error),
        LogError::None | LogError::Outside(_) | LogError::Gone(_) => log_gone(run),
    }
}

fn as_json(run: &Run, log: Option<Log>) -> Result<Value> {
    let mut value = run.as_json()?;
    if let Some(fields) = value.as_object_mut() {
        let (stdout, stderr) = log.map_or((Value::Null, Value::Null), |log| {
            (log.stdout.into(), log.stderr.into())
        });
        fields.insert("stdout".to_owned(), stdout);
        fields.insert("stderr".to_owned(), stderr);
    }
    Ok(value)
}

/// What was done, by whom, when, and what came of it, a line each, and an empty line.
pub(super) fn header(run: &Run, now: DateTime<Utc>) -> Vec<String> {
    let mut rows: Vec<(Cow<'_, str>, Vec<Cell>)> = Vec::new();
    let mut row = |label, lines| rows.push((label, lines));
    let when = format!("{} ({})", time::local(run.at()), time::ago(run.at(), now));
    let number = run.number().map(|number| format!("{number}  "));
    row(
        t!("logs.label.run"),
        vec![Cell::styled(NAME, number.unwrap_or_default()).and(style::PLAIN, run.id())],
    );
    match run {
        Run::Recorded(record) => {
            let command = describe::bounded(shell::command(&secrets::words(&record.argv)));
            let command = if record.action == describe::SYNC {
                // The call is that of who noticed.
                let what = describe::what(run, usize::MAX);
                t!("logs.seen_by", what = what, command = command).into_owned()
            } else {
                command
            };
            row(t!("logs.label.command"), vec![command.into()]);
            row(
                t!("logs.label.in"),
                vec![describe::bounded(record.cwd.to_string_lossy()).into()],
            );
            row(t!("logs.label.by"), vec![describe::who(record).into()]);
            row(t!("logs.label.when"), vec![when.into()]);
            let ending = describe::ending(run);
            let ending = match describe::took(run) {
                Some(took) => {
                    let took = t!("logs.took", duration = took);
                    ending.and(style::PLAIN, format!(", {took}"))
                }
                None => ending,
            };
            row(t!("logs.label.result"), vec![ending]);
            let changes = if record.changes.is_empty() {
                vec![t!("logs.nothing_changed").into()]
            } else {
                describe::change_lines(&record.changes)
            };
            row(t!("logs.label.changes"), changes);
            let (before, after) = (record.generation_before, record.generation_after);
            if before != after {
                row(
                    t!("logs.label.generation"),
                    vec![format!("{before} → {after}").into()],
                );
            }
        }
        Run::Lone(lone) => {
            let command = format!("{} {}", lone.action, describe::packages(run));
            let command = describe::bounded(command.trim_end());
            row(t!("logs.label.command"), vec![command.into()]);
            row(t!("logs.label.when"), vec![when.into()]);
            row(t!("logs.label.result"), vec![describe::ending(run)]);
        }
    }
    pairs(&rows)
}

/// The log's text; its sections are named where there are two. Escape sequences (only other tools' logs have them) are
/// left out: they could do more to a terminal than colour it.
fn print_log(console: &mut Console, log: &Log) -> Result<()> {
    let both = !log.stdout.is_empty() && !log.stderr.is_empty();
    for (name, text) in [("[stdout]", &log.stdout), ("[stderr]", &log.stderr)] {
        if text.is_empty() {
            continue;
        }
        if both {
            console.line(style::paint(FAINT, name))?;
        }
        let text = strip_str(text).to_string();
        console.text(if text.ends_with('\n') {
            text
        } else {
            text + "\n"
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{installed, project};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;
    use crate::store::made_runs::{at, lone, run};
    use crate::words::{self, Language};

    fn header_text(run: &Run) -> String {
        strip_str(&header(run, at("2026-03-01T12:10:00Z")).join("\n")).to_string()
    }

    fn shown(project: &Project, json: bool, args: &ShowArgs) -> Result<String> {
        let (mut console, out, _) = testing::console(&CommonArgs {
            json,
            ..CommonArgs::default()
        });
        let host = Host::fake(["aim-logs"]).with_cwd(Path::new("/"));
        show(&mut console, &host, project, args, Utc::now())?;
        Ok(out.text())
    }

    #[test]
    fn a_run_is_shown_whole_or_in_part() {
        let (_dir, project) = project();
        let args = ShowArgs {
            run: "last".to_owned(),
            stdout: false,
            stderr: false,
            path: false,
        };
        let empty = shown(&project, false, &args).expect_err("no run yet");
        assert_eq!(empty.exit(), Exit::NotFound);
        let id = installed(&project).to_string();
        let by_prefix = ShowArgs {
            run: id[..13].to_owned(),
            ..args.clone()
        };
        for args in [&args, &by_prefix] {
            let text = shown(&project, false, args).expect("shown");
            assert!(
                text.starts_with(&format!("run         #1  {id}\n")),
                "{text}"
            );
            let end = "\n\n[stdout]\nCollecting six\n[stderr]\nWARNING: old pip\n";
            assert!(text.ends_with(end), "{text}");
        }
        let part = |stdout, stderr, path| ShowArgs {
            stdout,
            stderr,
            path,
            ..args.clone()
        };
        let only = |args| shown(&project, false, &args);
        assert_eq!(
            only(part(true, false, false)).expect("shown"),
            "Collecting six\n"
        );
        assert_eq!(
            only(part(false, true, false)).expect("shown"),
            "WARNING: old pip\n"
        );
        let path = only(part(false, false, true)).expect("shown");
        assert!(
            path.starts_with('/') && path.ends_with("_success.log\n"),
            "{path}"
        );
        let value: Value =
            serde_json::from_str(&shown(&project, true, &args).expect("shown")).expect("JSON");
        assert_eq!(value["stdout"], "Collecting six\n");
        assert_eq!(value["added"][0]["name"], "six");

        std::fs::remove_file(path.trim_end()).expect("removed");
        assert!(
            shown(&project, false, &args)
                .expect("the header")
                .contains("+six 1.16.0")
        );
        for gone in [
            part(true, false, false),
            part(false, true, false),
            part(false, false, true),
        ] {
            assert_eq!(only(gone).expect_err("gone").exit(), Exit::NotFound);
        }
    }

    #[test]
    fn a_log_leads_to_its_run_and_its_project() {
        let (dir, project) = project();
        let id = installed(&project).to_string();
        let (_other_dir, other) = super::super::testing::project();
        installed(&other);
        let layout = project.layout();
        let history = RunLog::read(&layout);
        let path = history.runs[0].log_path().expect("a log").to_owned();
        let name = history.runs[0].log_name().expect("a name").to_owned();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(project.root(), &link).expect("link");
        let absolute = project.root().join(&path).to_string_lossy().into_owned();
        let by_link = link.join(&path).to_string_lossy().into_owned();
        let (root, logs) = (project.root().to_path_buf(), layout.logs());
        for (cwd, typed, leads) in [
            (Path::new("/"), &absolute, true),
            (Path::new("/"), &by_link, true),
            (&root, &path, true),
            (&root, &format!("./{path}"), true),
            (&logs, &name, true),
            (&logs, &format!("./{name}"), true),
            (&logs, &format!("../{path}"), true),
            // As `ls .pip-logs` and `last_action.log_path` have them, from anywhere.
            (Path::new("/"), &name, false),
            (other.root(), &path, false),
        ] {
            let host = Host::fake(["aim-logs"]).with_cwd(cwd);
            let wanted = log_name(&host, &layout, typed).unwrap_or_else(|| typed.clone());
            let run = history.find(&wanted).expect(typed);
            assert_eq!(run.id(), id, "{typed}");
            let found = project_of_log(&host, typed);
            let is_found = found.as_ref().is_some_and(|found| *found == project);
            assert_eq!(is_found, leads, "{typed} in {}", cwd.display());
        }
        let foreign = other.root().join(&path).to_string_lossy().into_owned();
        let host = Host::fake(["aim-logs"]).with_cwd(project.root());
        assert_eq!(
            log_name(&host, &layout, &foreign),
            None,
            "not a log of this project"
        );
        assert_eq!(project_of_log(&host, &id), None);
    }

    #[test]
    fn the_header_tells_the_whole_story() {
        let run = run(
            4,
            &json!({
                "argv": ["pip", "install", "six>=1", "\u{1b}[31m"],
                "callers": ["make", "bash"],
                "changed": [{"name": "y", "from": "1", "to": "2"}],
            }),
        );
        let english = header_text(&run);
        for line in [
            "run         0199ab12-cd34-7000-8000-000000000004\n",
            "command     pip install 'six>=1' '␛[31m'\n",
            "in          /work/demo\n",
            "by          kim from make ← bash (pip, process 77)\n",
            " (6 min ago)\n",
            "result      ok, took 1.2 s\n",
            "changes     ~y 1 → 2\n            +six 1.16.0\n",
            "generation  3 → 4",
        ] {
            assert!(english.contains(line), "{line} in {english}");
        }
        words::choose(Language::Korean);
        let korean = header_text(&run);
        assert!(korean.contains("결과    성공, 1.2초 걸림\n"), "{korean}");
        assert!(header_text(&lone(false)).contains("install requests\n"));
    }

    #[test]
    fn no_field_of_a_record_is_printed_at_any_length() {
        let long = "x".repeat(1 << 20);
        for field in [
            "argv", "packages", "cwd", "user", "callers", "action", "added",
        ] {
            let value = match field {
                "argv" | "packages" | "callers" => json!([long]),
                "added" => json!([{"name": long, "from": null, "to": long}]),
                _ => json!(long),
            };
            let run = run(1, &json!({ field: value }));
            let header = header_text(&run);
            assert!(header.len() < 1 << 16, "{field}: {}", header.len());
        }
    }

    #[test]
    fn both_sections_are_named_and_one_is_not() {
        fn check(stdout: &str, stderr: &str, expected: &str) {
            let (mut console, out, _) = testing::console(&CommonArgs::default());
            let log = Log {
                stdout: stdout.to_owned(),
                stderr: stderr.to_owned(),
            };
            print_log(&mut console, &log).expect("printed");
            assert_eq!(out.text(), expected);
        }
        check("a\n", "", "a\n");
        check("", "\x1b[31mb", "b\n");
        check("a\n", "b\n", "[stdout]\na\n[stderr]\nb\n");
        check("", "", "");
    }
}
