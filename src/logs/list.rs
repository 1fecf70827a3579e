//! `aim-logs list`: one line a run, newest first; with `--all`, environment by environment.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::cli::ListArgs;
use super::describe;
use crate::console::style::{self, NAME};
use crate::console::table::{Cell, Table};
use crate::console::{Console, time};
use crate::error::{Error, Result};
use crate::inventory::{canonical, requirement_name};
use crate::project::Project;
use crate::store::{Run, RunLog};
use crate::terminal::printable;
use crate::words::t;

/// Changes shown in one line.
const CHANGES: usize = 3;

/// Prints what `args` ask for of the history of `project`'s environment, or of all environments in its folder.
pub(super) fn list(
    console: &mut Console,
    project: &Project,
    args: &ListArgs,
    now: DateTime<Utc>,
) -> Result<()> {
    if !args.all {
        return of_one(console, &RunLog::read(&project.layout()), args, now);
    }
    let mut values = Vec::new();
    for project in project.with_others() {
        let log = RunLog::read(&project.layout());
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
        console.line(style::paint(NAME, printable(&place)))?;
        of_one(console, &log, args, now)?;
    }
    if console.is_json() {
        return console.json(&values);
    }
    Ok(())
}

/// Prints the runs of `log` that `args` ask for.
fn of_one(console: &mut Console, log: &RunLog, args: &ListArgs, now: DateTime<Utc>) -> Result<()> {
    if let Some(problem) = log.incomplete() {
        return Err(Error::failed(problem));
    }
    let chosen = choose(log, args, now)?;
    let shown = first(&chosen, args);
    for problem in &log.problems {
        console.warn(problem);
    }
    if console.is_json() {
        return console.json(&as_json(shown)?);
    }
    if log.runs.is_empty() {
        console.note(t!("logs.none_yet"));
    } else if chosen.is_empty() {
        console.note(t!("logs.none_match", n = log.runs.len()));
    } else {
        let text = table(console.is_verbose(), log, shown, now).to_text(console.width());
        console.text(text)?;
        let hidden = chosen.len() - shown.len();
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
    let limit = if args.limit == 0 {
        usize::MAX
    } else {
        args.limit
    };
    &runs[..runs.len().min(limit)]
}

fn choose<'a>(log: &'a RunLog, args: &ListArgs, now: DateTime<Utc>) -> Result<Vec<&'a Run>> {
    let since = match &args.since {
        None => None,
        Some(text) => Some(time::since(text, now).ok_or_else(|| {
            Error::usage(t!("logs.bad_since", text = text)).hint(t!("logs.hint_since"))
        })?),
    };
    let package = args.package.as_deref().map(canonical);
    let wanted = |run: &&Run| {
        !(args.failed && run.is_success())
            && since.is_none_or(|since| run.at() >= since)
            && package
                .as_ref()
                .is_none_or(|package| concerns(run, package))
    };
    Ok(log.runs.iter().filter(wanted).collect())
}

/// Whether `run` named or changed the distribution of this canonical name.
fn concerns(run: &Run, package: &str) -> bool {
    let changed = match run {
        Run::Recorded(record) => record
            .changes
            .changes()
            .any(|change| canonical(&change.name) == package),
        Run::Lone(_) => false,
    };
    changed
        || run
            .packages()
            .iter()
            .any(|typed| canonical(requirement_name(typed)) == package)
}

fn table(verbose: bool, log: &RunLog, runs: &[&Run], now: DateTime<Utc>) -> Table {
    let mut table = Table::new([
        t!("logs.column.run"),
        t!("logs.column.when"),
        t!("logs.column.action"),
        t!("logs.column.packages"),
        t!("logs.column.changes"),
        t!("logs.column.status"),
        t!("logs.column.took"),
    ])
    .right([6])
    .gives_way([3, 4]);
    for run in runs {
        let when = if verbose {
            time::local(run.at())
        } else {
            time::ago(run.at(), now)
        };
        let took = match run {
            Run::Recorded(record) => time::duration(record.duration()),
            Run::Lone(_) => String::new(),
        };
        table.push([
            Cell::styled(NAME, log.short_id(run)),
            when.into(),
            describe::bounded(run.action()).into(),
            describe::packages(run).into(),
            describe::changes(run, CHANGES),
            describe::ending(run),
            took.into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{at, lone, run};
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;
    use crate::words::{self, Language};

    fn history() -> RunLog {
        let failed = json!({"exit_code": 1, "packages": ["Flask_Login>=1"], "added": []});
        RunLog {
            runs: vec![run(5, &failed), run(4, &json!({})), lone(true)],
            problems: Vec::new(),
        }
    }

    fn listed(args: &ListArgs, common: &CommonArgs) -> (String, String) {
        let (mut console, out, err) = testing::console(common);
        of_one(&mut console, &history(), args, at("2026-03-01T12:10:00Z")).expect("listed");
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
                limit: 1,
                ..all.clone()
            },
            &["Flask_Login>=1"],
        );
        check(
            &ListArgs {
                limit: 0,
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
        let package = |name: &str| ListArgs {
            package: Some(name.into()),
            ..ListArgs::default()
        };
        check(&package("SIX"), &["six"]);
        check(&package("flask.login"), &["Flask_Login>=1"]);
        check(&package("flask"), &[]);
    }

    #[test]
    fn the_table_in_both_languages() {
        let (out, _) = listed(&ListArgs::default(), &CommonArgs::default());
        let lines: Vec<String> = out
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines[0], "RUN WHEN ACTION PACKAGES CHANGES STATUS TOOK");
        assert!(
            lines[1].ends_with("5 min ago install Flask_Login>=1 failed (exit 1) 1.2 s"),
            "{out}"
        );
        assert!(
            lines[2].ends_with("6 min ago install six +six 1.16.0 ok 1.2 s"),
            "{out}"
        );
        assert!(lines[3].ends_with("install requests ? ok"), "{out}");
        words::choose(Language::Korean);
        let (out, _) = listed(&ListArgs::default(), &CommonArgs::default());
        assert!(
            out.contains("6분 전") && out.contains("실패 (종료 코드 1)"),
            "{out}"
        );
    }

    #[test]
    fn an_empty_list_says_what_to_do() {
        let (mut console, out, err) = testing::console(&CommonArgs::default());
        let now = at("2026-03-01T12:10:00Z");
        of_one(&mut console, &RunLog::default(), &ListArgs::default(), now).expect("listed");
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
        let error = of_one(&mut console, &history(), &args, Utc::now()).expect_err("refused");
        assert_eq!(error.exit(), Exit::Usage);
    }
}
