//! Runs as a table.

use chrono::{DateTime, Utc};

use crate::console::style::{BAD, NAME};
use crate::console::table::{Cell, Styled, Table};
use crate::console::{describe, time};
use crate::project::ProjectLayout;
use crate::store::{Run, RunLog};
use crate::words::t;

/// Terminals from here on have columns for how runs ended and how long they took.
const WIDE: usize = 80;

/// How runs are shown as a table.
pub(super) struct Rows<'a> {
    /// Where their logs are.
    pub(super) layout: &'a ProjectLayout,
    /// The terminal's.
    pub(super) width: Option<usize>,
    /// Whether times are exact.
    pub(super) is_exact: bool,
    /// What happened to it stands first; its canonical name.
    pub(super) package: Option<String>,
    /// When they are shown.
    pub(super) now: DateTime<Utc>,
}

impl Rows<'_> {
    /// The table of `runs`.
    pub(super) fn of(&self, runs: &[&Run]) -> Table {
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
    use crate::store::made_runs::{at, lone, run};
    use crate::words::{self, Language};

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
}
