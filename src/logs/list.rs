//! `aim-logs list`: one line a run, newest first; with `--all`, environment by environment.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::cli::ListArgs;
use super::format::Format;
use crate::console::style::{self, BAD, NAME};
use crate::console::table::{Cell, Styled, Table};
use crate::console::{Console, describe, history, shell, time};
use crate::error::{Error, Result};
use crate::hook;
use crate::inventory::canonical;
use crate::project::{Project, ProjectLayout};
use crate::store::{Run, RunLog};
use crate::terminal::printable;
use crate::words::{nearest, t};

/// Terminals from here on have columns for how runs ended and how long they took.
const WIDE: usize = 80;

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
        if let Some(name) = args.package.as_deref().and_then(|typed| meant(log, typed)) {
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
    let bound = |text: &Option<String>, parse: fn(&str, DateTime<Utc>) -> Option<DateTime<Utc>>| {
        let text = text.as_deref();
        let no_time =
            |text| Error::usage(t!("logs.bad_since", text = text)).hint(t!("logs.hint_since"));
        text.map(|text| parse(text, now).ok_or_else(|| no_time(text)))
            .transpose()
    };
    let since = bound(&args.since, time::moment)?;
    let until = bound(&args.until, time::last_moment)?;
    let package = args.package.as_deref().map(canonical);
    let wanted = |run: &&Run| {
        !(args.failed && run.is_success())
            && since.is_none_or(|since| run.at() >= since)
            && until.is_none_or(|until| run.at() <= until)
            && package
                .as_ref()
                .is_none_or(|package| describe::names(run).any(|name| name == *package))
    };
    Ok(log.runs.iter().filter(wanted).collect())
}

/// The name in the history that is most like `typed`, which is none.
fn meant(log: &RunLog, typed: &str) -> Option<String> {
    let names: BTreeSet<String> = log.runs.iter().flat_map(describe::names).collect();
    nearest(&canonical(typed), names.iter().map(String::as_str)).map(str::to_owned)
}

/// How runs are shown as a table.
struct Rows<'a> {
    layout: &'a ProjectLayout,
    /// The terminal's.
    width: Option<usize>,
    /// Whether times are exact.
    is_exact: bool,
    /// What happened to it stands first; its canonical name.
    package: Option<String>,
    now: DateTime<Utc>,
}

impl Rows<'_> {
    fn of(&self, runs: &[&Run]) -> Table {
        let headings = [
            t!("logs.column.run"),
            t!("logs.column.when"),
            t!("logs.column.action"),
            t!("logs.column.status"),
            t!("logs.column.took"),
            t!("logs.column.changes"),
        ];
        let (numbers, give_way): (&[usize], _) = if self.is_narrow() {
            (&[0], [2, 3])
        } else {
            (&[0, 4], [2, 5])
        };
        let mut table = Table::new(self.shown(headings.into()))
            .right(numbers.iter().copied())
            .gives_way(give_way);
        for run in runs {
            table.push(self.shown(self.row(run)));
        }
        table
    }

    fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < WIDE)
    }

    /// The columns that there is room for.
    fn shown<T>(&self, mut row: Vec<T>) -> Vec<T> {
        if self.is_narrow() {
            row.drain(3..5);
        }
        row
    }

    fn row(&self, run: &Run) -> Vec<Cell> {
        let when = if self.is_exact {
            time::local(run.at())
        } else {
            time::ago(run.at(), self.now)
        };
        let number = run.number().map(|number| number.to_string());
        // A path has a quarter of the terminal.
        let longest_path = self.width.map_or(usize::MAX, |width| width / 4);
        let outcome = describe::outcome(run, self.why(run), self.package.as_deref());
        vec![
            Cell::styled(NAME, number.unwrap_or_default()),
            when.into(),
            describe::what(run, longest_path).into(),
            Cell::list([describe::status(run)]),
            describe::took(run).unwrap_or_default().into(),
            outcome,
        ]
    }

    /// Why a run failed, as pip says it; after how it ended, where no column says that.
    fn why(&self, run: &Run) -> Option<Styled> {
        if run.is_success() {
            return None;
        }
        let error = RunLog::last_error(self.layout, run);
        if !self.is_narrow() {
            return error.map(|error| (BAD, error));
        }
        let (style, status) = describe::status(run);
        Some(match error.as_deref() {
            Some(error) => {
                let error = error.strip_prefix("ERROR: ").unwrap_or(error);
                (style, format!("{status}: {error}"))
            }
            None => (style, status),
        })
    }
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;
    use serde_json::json;

    use super::*;
    use crate::console::width::columns;
    use crate::console::{CommonArgs, testing};
    use crate::error::Exit;
    use crate::store::made_runs::{at, lone, run};
    use crate::words::{self, Language};

    fn history() -> RunLog {
        let failed = json!({"exit_code": 1, "packages": ["Flask_Login>=1"], "added": []});
        RunLog {
            runs: vec![run(5, &failed), run(4, &json!({"number": 4})), lone(true)],
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

    /// What a terminal of this width shows of a day: a failed run, what another tool did, and an install of many.
    fn shown_at(width: usize) -> Vec<String> {
        let dir = tempfile::tempdir().expect("temporary folder");
        let layout = ProjectLayout::new(dir.path());
        std::fs::create_dir(layout.logs()).expect("folder");
        let log = ".pip-logs/20260301120500_install_error.log";
        std::fs::write(
            dir.path().join(log),
            "[stdout]\nERROR: No matching distribution found for flask-login\n",
        )
        .expect("written");
        let new = |name: &str| json!({"name": name, "from": null, "to": "1.0"});
        let many = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| new(&name.repeat(9)));
        let runs = [
            run(
                5,
                &json!({"number": 1234, "exit_code": 1, "log_path": log, "added": [],
                "packages": ["Flask_Login>=1"]}),
            ),
            run(
                4,
                &json!({"number": 1233, "action": "sync", "tool": "uv", "packages": []}),
            ),
            run(
                3,
                &json!({"number": 1232, "action": "sync", "tool": "unknown", "packages": [], "added": [],
                "duration_ms": 125_000}),
            ),
            run(
                2,
                &json!({
                    "number": 1231,
                    "packages": ["-e", "/home/kim/demo/src/nodes", "charset_normalizer"],
                    "added": many,
                    "changed": [{"name": "Charset_Normalizer", "from": "3.0", "to": "3.4"}],
                }),
            ),
            lone(true),
        ];
        let rows = Rows {
            layout: &layout,
            width: Some(width),
            is_exact: false,
            package: None,
            now: at("2026-03-01T12:10:00Z"),
        };
        let text = rows
            .of(&runs.iter().collect::<Vec<_>>())
            .to_text(Some(width));
        let lines: Vec<String> = strip_str(&text)
            .to_string()
            .lines()
            .map(str::to_owned)
            .collect();
        for line in &lines {
            assert!(columns(line) <= width, "{line}");
        }
        lines
    }

    const AT_60: &str = "  RUN  WHEN        WHAT                  CHANGES
#1234  5 min ago   install flask-login…  failed: No matchin…
#1233  6 min ago   uv                    +six 1.16.0
#1232  7 min ago   another tool          nothing changed
#1231  8 min ago   install -e …/src/no…  ~charset-normalize…
       2025-01-01  install requests      ?";

    const AT_110: &str = "  RUN  WHEN        WHAT                                   STATUS   TOOK  CHANGES
#1234  5 min ago   install flask-login>=1                 failed  1.2 s  ERROR: No matching distribution foun…
#1233  6 min ago   uv                                     ok             +six 1.16.0
#1232  7 min ago   another tool                           ok             nothing changed
#1231  8 min ago   install -e /home/kim/demo/src/nodes …  ok      1.2 s  ~charset-normalizer 3.0 → 3.4  …
       2025-01-01  install requests                       ok             ?";

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        assert_eq!(shown_at(60).join("\n"), AT_60);
        assert_eq!(shown_at(110).join("\n"), AT_110);
        let wide = shown_at(200);
        let end = "+bbbbbbbbb 1.0  +ccccccccc 1.0  +ddddddddd 1.0  … and 4 more";
        assert!(wide[4].ends_with(end), "{}", wide[4]);
        assert!(
            wide[4].contains("install -e /home/kim/demo/src/nodes charset-normalizer"),
            "{}",
            wide[4]
        );
        words::choose(Language::Korean);
        let korean = shown_at(60);
        assert!(
            korean[0].contains("작업") && korean[3].contains("다른 도구"),
            "{korean:?}"
        );
        assert!(
            shown_at(200)[4].ends_with("… 외 4개"),
            "{:?}",
            shown_at(200)[4]
        );
        shown_at(110);
    }

    #[test]
    fn a_package_that_is_asked_for_stands_first() {
        let change = json!({
            "added": [{"name": "a", "from": null, "to": "1"}, {"name": "Urllib3", "from": null, "to": "2"}],
            "changed": [{"name": "b", "from": "1", "to": "2"}],
        });
        let outcome = describe::outcome(&run(1, &change), None, Some("urllib3"));
        let text = strip_str(&outcome.to_line()).to_string();
        assert_eq!(text, "+urllib3 2  ~b 1 → 2  +a 1");
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
