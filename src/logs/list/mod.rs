//! `aim-logs list`: one line a run, newest first; with `--all`, environment by environment.

mod rows;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use self::rows::Rows;
use super::cli::{self, ListArgs};
use super::format::Format;
use crate::console::style::{self, NAME};
use crate::console::{Console, describe, history, shell, time};
use crate::error::Result;
use crate::hook;
use crate::inventory::canonical;
use crate::project::{Project, ProjectLayout};
use crate::store::{Run, RunLog};
use crate::terminal::printable;
use crate::words::{nearest, t};

/// Prints what `args` ask for of the history of `project`'s environment, or of all environments in its folder.
pub(super) fn list(
    console: &mut Console,
    project: &Project,
    args: &ListArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    let read = |layout: &ProjectLayout| {
        if args.takes_all() && args.most() < usize::MAX {
            RunLog::read_newest(layout, args.most())
        } else {
            RunLog::read(layout)
        }
    };
    if !args.all {
        let layout = project.layout();
        let log = read(&layout);
        let is_empty = log.runs.is_empty() && log.problems.is_empty();
        if is_empty && !console.is_json() && !hook::is_installed(project.venv())? {
            console.note(t!("logs.none_remembered"));
            let environment = shell::word(&project.venv().root().to_string_lossy());
            console.hint(t!("logs.hint_init", path = environment));
            return Ok(());
        }
        return of_one(console, &layout, &log, args, now);
    }
    let mut values = Vec::new();
    for project in project.with_others() {
        let layout = project.layout();
        let log = read(&layout);
        if log.runs.is_empty() && log.problems.is_empty() {
            continue;
        }
        let place = project.venv().root().display().to_string();
        if console.is_json() {
            for mut value in as_json(first(&choose(&log, args, now)?, args))? {
                value["environment"] = place.clone().into();
                values.push(value);
            }
            continue;
        }
        if args.format.is_none() {
            console.line(style::paint(NAME, printable(&place)))?;
        }
        of_one(console, &layout, &log, args, now)?;
    }
    if console.is_json() {
        return console.json(&values);
    }
    Ok(())
}

/// Prints the runs of `log` that `args` ask for.
fn of_one(
    console: &mut Console,
    layout: &ProjectLayout,
    log: &RunLog,
    args: &ListArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    history::complete(log)?;
    let format = args.format.as_deref().map(Format::parse).transpose()?;
    let chosen = choose(log, args, now)?;
    let shown = first(&chosen, args);
    history::warn(console, log);
    if console.is_json() {
        return console.json(&as_json(shown)?);
    }
    if log.runs.is_empty() {
        console.note(t!("logs.none_yet"));
    } else if chosen.is_empty() {
        console.note(t!("logs.none_match", n = log.runs.len()));
        if let Some(name) = meant(log, args) {
            console.hint(t!("logs.did_you_mean", name = name));
        }
    } else if let Some(format) = format {
        for run in shown {
            console.line(printable(&format.line(run)?))?;
        }
    } else {
        let table = Rows {
            layout,
            width: console.width(),
            is_exact: console.is_verbose(),
            package: args.package.as_deref().map(canonical),
            now,
        };
        console.text(table.of(shown).to_text(console.width()))?;
        let hidden = chosen.len() - shown.len() + log.earlier;
        if hidden > 0 && console.is_terminal() {
            console.note(t!("logs.earlier", n = hidden));
        }
    }
    Ok(())
}

fn as_json(runs: &[&Run]) -> serde_json::Result<Vec<Value>> {
    runs.iter().map(|run| run.as_json()).collect()
}

/// As many of `runs` as `args` ask for.
fn first<'a, 'b>(runs: &'b [&'a Run], args: &ListArgs) -> &'b [&'a Run] {
    &runs[..runs.len().min(args.most())]
}

fn choose<'a>(log: &'a RunLog, args: &ListArgs, now: DateTime<Utc>) -> Result<Vec<&'a Run>> {
    let since = args.since.as_deref();
    let since = since.map(|text| cli::time(text, now, time::moment));
    let until = args.until.as_deref();
    let until = until.map(|text| cli::time(text, now, time::last_moment));
    let (since, until) = (since.transpose()?, until.transpose()?);
    let package = args.package.as_deref().map(canonical);
    let wanted = |run: &&Run| {
        !(args.failed && run.is_success())
            && since.is_none_or(|since| run.at() >= since)
            && until.is_none_or(|until| run.at() <= until)
            && package
                .as_ref()
                .is_none_or(|package| describe::names(run).any(|name| name == *package))
            && args
                .by
                .as_ref()
                .is_none_or(|by| callers(run).any(|name| name.eq_ignore_ascii_case(by)))
    };
    Ok(log.runs.iter().filter(wanted).collect())
}

/// The programs that called `run`.
fn callers(run: &Run) -> impl Iterator<Item = &str> {
    let record = run.record().into_iter();
    record.flat_map(|record| record.callers.iter().map(String::as_str))
}

/// The name in the history that is most like the one in `args` which no run has.
fn meant(log: &RunLog, args: &ListArgs) -> Option<String> {
    let like = |typed: &str, names: BTreeSet<String>| {
        nearest(typed, names.iter().map(String::as_str)).map(str::to_owned)
    };
    if let Some(typed) = &args.package {
        return like(
            &canonical(typed),
            log.runs.iter().flat_map(describe::names).collect(),
        );
    }
    let programs = log.runs.iter().flat_map(callers).map(str::to_owned);
    like(args.by.as_deref()?, programs.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;
    use crate::store::made_runs::{at, lone, run};
    use crate::words::{self, Language};

    fn history() -> RunLog {
        let failed = json!({"exit_code": 1, "packages": ["Flask_Login>=1"], "added": [],
            "callers": ["make", "bash"]});
        RunLog {
            runs: vec![
                run(5, &failed),
                run(4, &json!({"number": 4, "callers": ["bash"]})),
                lone(true),
            ],
            ..RunLog::default()
        }
    }

    fn nowhere() -> ProjectLayout {
        ProjectLayout::new("/nowhere")
    }

    fn listed(args: &ListArgs, common: &CommonArgs) -> (String, String) {
        let (mut console, out, err) = testing::console(common);
        let now = at("2026-03-01T12:10:00Z");
        of_one(&mut console, &nowhere(), &history(), args, now).expect("listed");
        (out.text(), err.text())
    }

    fn check(args: &ListArgs, expected: &[&str]) {
        let common = CommonArgs {
            json: true,
            ..CommonArgs::default()
        };
        let values: Vec<Value> = serde_json::from_str(&listed(args, &common).0).expect("JSON");
        let packages: Vec<&str> = values
            .iter()
            .filter_map(|value| value["packages"][0].as_str())
            .collect();
        assert_eq!(packages, expected, "{args:?}");
    }

    #[test]
    fn filters_narrow_the_list() {
        let all = ListArgs::default();
        check(&all, &["Flask_Login>=1", "six", "requests"]);
        check(
            &ListArgs {
                limit: Some(1),
                ..all.clone()
            },
            &["Flask_Login>=1"],
        );
        check(
            &ListArgs {
                limit: Some(0),
                ..all.clone()
            },
            &["Flask_Login>=1", "six", "requests"],
        );
        check(
            &ListArgs {
                failed: true,
                ..all.clone()
            },
            &["Flask_Login>=1"],
        );
        let since = |text: &str| ListArgs {
            since: Some(text.into()),
            ..ListArgs::default()
        };
        check(&since("1h"), &["Flask_Login>=1", "six"]);
        check(&since("2026-03-01T12:04:30Z"), &["Flask_Login>=1"]);
        let until = ListArgs {
            until: Some("2026-03-01T12:04:30Z".into()),
            ..ListArgs::default()
        };
        check(&until, &["six", "requests"]);
        let package = |name: &str| ListArgs {
            package: Some(name.into()),
            ..ListArgs::default()
        };
        check(&package("SIX"), &["six"]);
        check(&package("flask.login"), &["Flask_Login>=1"]);
        check(&package("flask"), &[]);
        let by = |name: &str| ListArgs {
            by: Some(name.into()),
            ..ListArgs::default()
        };
        check(&by("Make"), &["Flask_Login>=1"]);
        check(&by("bash"), &["Flask_Login>=1", "six"]);
        check(&by("zsh"), &[]);
    }

    #[test]
    fn the_table_in_both_languages() {
        let (out, _) = listed(&ListArgs::default(), &CommonArgs::default());
        let lines: Vec<String> = out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[0], "RUN WHEN WHAT STATUS TOOK CHANGES");
        assert_eq!(
            lines[1],
            "5 min ago install flask-login>=1 failed 1.2 s nothing changed"
        );
        assert_eq!(lines[2], "#4 6 min ago install six ok 1.2 s +six 1.16.0");
        assert!(lines[3].ends_with("install requests ok ?"), "{out}");
        words::choose(Language::Korean);
        let (out, _) = listed(&ListArgs::default(), &CommonArgs::default());
        assert!(
            out.contains("6분 전") && out.contains("실패") && out.contains("변경 없음"),
            "{out}"
        );
    }

    #[test]
    fn a_name_that_is_mistyped_is_guessed() {
        let args = ListArgs {
            package: Some("flask-lgin".into()),
            ..ListArgs::default()
        };
        let (out, err) = listed(&args, &CommonArgs::default());
        assert_eq!(out, "");
        assert!(err.ends_with("hint: did you mean flask-login?\n"), "{err}");
        words::choose(Language::Korean);
        let (_, err) = listed(&args, &CommonArgs::default());
        assert!(err.ends_with("혹시 flask-login인가요?\n"), "{err}");
    }

    #[test]
    fn a_line_a_run_as_the_person_wants_it() {
        let args = ListArgs {
            format: Some("{number}:{packages}".into()),
            ..ListArgs::default()
        };
        let (out, _) = listed(&args, &CommonArgs::default());
        assert_eq!(out, ":Flask_Login>=1\n4:six\n:requests\n");
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let (mut console, out, err) = testing::console(&CommonArgs::default());
        let now = at("2026-03-01T12:10:00Z");
        let (log, args) = (RunLog::default(), ListArgs::default());
        of_one(&mut console, &nowhere(), &log, &args, now).expect("listed");
        assert_eq!(out.text(), "");
        assert!(err.text().contains("pip install"), "{}", err.text());
        let none = ListArgs {
            package: Some("nothing".into()),
            ..ListArgs::default()
        };
        let (out, err) = listed(&none, &CommonArgs::default());
        assert_eq!(
            (out.as_str(), err.as_str()),
            ("", "none of the 3 runs is like that\n")
        );
    }

    #[test]
    fn a_time_that_is_none_is_wrong_usage() {
        let args = ListArgs {
            since: Some("soon".into()),
            ..ListArgs::default()
        };
        let (mut console, ..) = testing::console(&CommonArgs::default());
        let error = of_one(&mut console, &nowhere(), &history(), &args, Utc::now());
        let error = error.expect_err("refused");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
