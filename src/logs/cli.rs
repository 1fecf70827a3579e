//! The command line of `aim-logs`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::PathCompleter;

use super::completion::{packages, programs, runs};
use crate::console::candidate::{values, values_or};
use crate::console::{CommonArgs, examples, grammar};
use crate::error::{Error, Result};
use crate::rollback::How;
use crate::terminal::printable;
use crate::words::{nearest, t};

/// `aim-logs`: what happened to an environment.
#[derive(Debug, Parser)]
#[command(
    name = "aim-logs",
    version,
    about = t!("logs.help.about").into_owned(),
    after_help = examples(&[
        ("aim-logs", t!("logs.help.example_list")),
        ("aim-logs --failed --since yesterday", t!("logs.help.example_failed")),
        ("aim-logs 27", t!("logs.help.example_number")),
        ("aim-logs follow", t!("logs.help.example_follow")),
    ])
)]
pub struct Cli {
    /// A run to show, where no command is named.
    #[arg(value_name = t!("logs.help.run_value").into_owned(), help = t!("logs.help.only_run").into_owned())]
    pub run: Option<String>,
    /// Which runs to list, where no command is named.
    #[command(flatten)]
    pub list: ListArgs,
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Print long output at once.
    #[arg(long, global = true, help_heading = t!("console.help.common").into_owned(),
          help = t!("logs.help.no_pager").into_owned())]
    pub no_pager: bool,
    /// What to do; without it, a run that is named is shown, and `list` is done where none is.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// What to do.
    ///
    /// # Errors
    /// `Exit::Usage` for a word that is neither a command nor a run, and for a run or options of `list` before another
    /// command.
    pub(super) fn wanted(&mut self) -> Result<Command> {
        let list = std::mem::take(&mut self.list);
        let is_plain = list == ListArgs::default();
        match (self.command.take(), self.run.take()) {
            (Some(Command::List(args)), None) => Ok(Command::List(args.or(list))),
            (Some(command), None) if is_plain => Ok(command),
            (None, Some(word)) if !may_be_run(&word) => Err(no_command(&word)),
            (None, Some(run)) if is_plain => Ok(Command::Show(ShowArgs::of(run))),
            (None, None) => Ok(Command::List(list)),
            _ => Err(Error::usage(t!("logs.of_list_alone")).hint(t!("logs.hint_help"))),
        }
    }
}

/// Whether a run can be called so: by number, by how long ago, by the beginning of its id, by its log.
fn may_be_run(word: &str) -> bool {
    let is_id = |c: char| c.is_ascii_hexdigit() || c == '-';
    let begins_so = word.starts_with(|c: char| c == '#' || c.is_ascii_digit());
    let is_log = Path::new(word)
        .extension()
        .is_some_and(|ending| ending == "log");
    begins_so || word.starts_with("last") || is_log || word.chars().all(is_id)
}

fn no_command(word: &str) -> Error {
    let error = Error::usage(t!("logs.no_such_command", word = printable(word)));
    let commands = command();
    let names = commands.get_subcommands().map(clap::Command::get_name);
    match nearest(word, names) {
        Some(name) => error.hint(t!("logs.hint_command", command = name)),
        None => error.hint(t!("logs.hint_help")),
    }
}

/// What `aim-logs` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists runs.
    #[command(
        about = t!("logs.help.list").into_owned(),
        after_help = examples(&[
            ("aim-logs list -n 5", t!("logs.help.example_limit")),
            ("aim-logs list --failed --since yesterday", t!("logs.help.example_failed")),
            ("aim-logs list --format '{number} {action}'", t!("logs.help.example_format")),
            ("aim-logs list --package requests --json", t!("logs.help.example_package")),
            ("aim-logs list --by make", t!("logs.help.example_by")),
        ])
    )]
    List(ListArgs),
    /// Shows one run.
    #[command(
        about = t!("logs.help.show").into_owned(),
        after_help = examples(&[
            ("aim-logs show", t!("logs.help.example_show")),
            ("aim-logs show 27 --stderr", t!("logs.help.example_stderr")),
            ("less \"$(aim-logs show --path)\"", t!("logs.help.example_path")),
        ])
    )]
    Show(ShowArgs),
    /// Shows runs as they happen.
    #[command(
        about = t!("logs.help.follow").into_owned(),
        after_help = examples(&[
            ("aim-logs follow", t!("logs.help.example_follow")),
            ("aim-logs follow -n 0 --json", t!("logs.help.example_follow_json")),
        ])
    )]
    Follow(FollowArgs),
    /// Every version of a package.
    #[command(
        about = t!("logs.help.history").into_owned(),
        after_help = examples(&[
            ("aim-logs history urllib3", t!("logs.help.example_history")),
            ("aim-logs history", t!("logs.help.example_histories")),
        ])
    )]
    History(HistoryArgs),
    /// Why a package is there.
    #[command(
        about = t!("logs.help.why").into_owned(),
        after_help = examples(&[("aim-logs why urllib3", t!("logs.help.example_why"))])
    )]
    Why(WhyArgs),
    /// What was installed.
    #[command(
        about = t!("logs.help.state").into_owned(),
        after_help = examples(&[
            ("aim-logs state yesterday", t!("logs.help.example_state")),
            ("pip install -r <(aim-logs state 27)", t!("logs.help.example_state_pip")),
        ])
    )]
    State(StateArgs),
    /// What changed between two times.
    #[command(
        about = t!("logs.help.diff").into_owned(),
        after_help = examples(&[
            ("aim-logs diff yesterday", t!("logs.help.example_diff")),
            ("aim-logs diff 20 27", t!("logs.help.example_diff_runs")),
            ("aim-logs diff requirements.txt", t!("logs.help.example_diff_list")),
            ("aim-logs diff now ../other", t!("logs.help.example_diff_other")),
        ])
    )]
    Diff(DiffArgs),
    /// What was installed, as a file that installs it again.
    #[command(
        about = t!("logs.help.export").into_owned(),
        after_help = examples(&[
            ("aim-logs export -o requirements.txt", t!("logs.help.example_export")),
            ("aim-logs export g12 --hashes", t!("logs.help.example_export_hashes")),
            ("aim-logs export yesterday -o pylock.toml", t!("logs.help.example_export_lock")),
        ])
    )]
    Export(ExportArgs),
    /// Takes back what a run did.
    #[command(
        about = t!("logs.help.undo").into_owned(),
        after_help = examples(&[
            ("aim-logs undo --dry-run", t!("logs.help.example_undo")),
            ("aim-logs undo 27 -y", t!("logs.help.example_undo_run")),
        ])
    )]
    Undo(UndoArgs),
    /// Takes the last undo back.
    #[command(about = t!("logs.help.redo").into_owned())]
    Redo(How),
    /// Finds the run that broke a command.
    #[command(
        about = t!("logs.help.bisect").into_owned(),
        after_help = examples(&[
            ("aim-logs bisect -- pytest -x", t!("logs.help.example_bisect")),
            ("aim-logs bisect --good yesterday -- python app.py", t!("logs.help.example_bisect_good")),
            ("aim-logs bisect --good g12 --bad 27 -v -- make test", t!("logs.help.example_bisect_both")),
        ])
    )]
    Bisect(BisectArgs),
    /// The history in numbers.
    #[command(about = t!("logs.help.stats").into_owned())]
    Stats,
    /// Applies retention.
    #[command(
        about = t!("logs.help.prune").into_owned(),
        after_help = examples(&[
            ("aim-logs prune --dry-run", t!("logs.help.example_dry_run")),
            ("aim-logs prune --older-than 30d", t!("logs.help.example_days")),
            ("aim-logs prune --keep 50", t!("logs.help.example_keep")),
        ])
    )]
    Prune(PruneArgs),
    /// What a failed import comes of (`shims/_aim_cause.py`).
    #[command(hide = true)]
    Cause(CauseArgs),
}

/// A failed import.
#[derive(Debug, Args)]
pub struct CauseArgs {
    /// The last line of its traceback.
    pub words: String,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// At most so many; 0 for all.
    #[arg(short = 'n', long, value_name = "N", help = t!("logs.help.limit", n = ListArgs::LIMIT).into_owned())]
    pub limit: Option<usize>,
    /// Of all environments in the project's folder.
    #[arg(long, help = t!("logs.help.all").into_owned())]
    pub all: bool,
    /// Only those that did not succeed.
    #[arg(long, help = t!("logs.help.failed").into_owned())]
    pub failed: bool,
    /// Only those since then.
    #[arg(long, value_name = t!("logs.help.since_value").into_owned(), help = t!("logs.help.since").into_owned())]
    pub since: Option<String>,
    /// Only those until then.
    #[arg(long, value_name = t!("logs.help.since_value").into_owned(), help = t!("logs.help.until").into_owned())]
    pub until: Option<String>,
    /// Only those that named or changed this distribution.
    #[arg(
        long,
        value_name = t!("logs.help.package_value").into_owned(),
        help = t!("logs.help.package").into_owned(),
        add = values(packages)
    )]
    pub package: Option<String>,
    /// Only those that this program called, by itself or through others.
    #[arg(
        long,
        value_name = "PROGRAM",
        help = t!("logs.help.by").into_owned(),
        add = values(programs)
    )]
    pub by: Option<String>,
    /// A line a run, as this says.
    #[arg(long, conflicts_with = "json", value_name = t!("logs.help.format_value").into_owned(),
          help = t!("logs.help.format").into_owned())]
    pub format: Option<String>,
}

impl ListArgs {
    const LIMIT: usize = 20;

    /// How many runs to list.
    pub(super) fn most(&self) -> usize {
        match self.limit {
            None => Self::LIMIT,
            Some(0) => usize::MAX,
            Some(limit) => limit,
        }
    }

    /// Whether every run is listed.
    pub(super) fn takes_all(&self) -> bool {
        let is_of_all = self.package.is_none() && self.by.is_none();
        !self.failed && self.since.is_none() && self.until.is_none() && is_of_all
    }

    /// What is said here, else in `other`.
    fn or(self, other: Self) -> Self {
        Self {
            limit: self.limit.or(other.limit),
            all: self.all || other.all,
            failed: self.failed || other.failed,
            since: self.since.or(other.since),
            until: self.until.or(other.until),
            package: self.package.or(other.package),
            by: self.by.or(other.by),
            format: self.format.or(other.format),
        }
    }
}

/// Which run to show, and what of it.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// Its number, `last`, `last~2`, `last-failed`, an id, a unique prefix of one, or its log's path or file name.
    #[arg(
        value_name = t!("logs.help.run_value").into_owned(),
        default_value = "last",
        hide_default_value = true,
        help = t!("logs.help.run").into_owned(),
        add = values_or(runs, PathCompleter::file())
    )]
    pub run: String,
    /// Only what it wrote to standard output.
    #[arg(long, conflicts_with_all = ["stderr", "path"], help = t!("logs.help.stdout").into_owned())]
    pub stdout: bool,
    /// Only what it wrote to standard error.
    #[arg(long, conflicts_with = "path", help = t!("logs.help.stderr").into_owned())]
    pub stderr: bool,
    /// Only the path of its log.
    #[arg(long, help = t!("logs.help.path").into_owned())]
    pub path: bool,
}

impl ShowArgs {
    /// All of `run`.
    fn of(run: String) -> Self {
        Self {
            run,
            stdout: false,
            stderr: false,
            path: false,
        }
    }
}

/// How to follow.
#[derive(Debug, Clone, Args)]
pub struct FollowArgs {
    /// Begin with so many earlier runs.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, hide_default_value = true,
          help = t!("logs.help.earlier").into_owned())]
    pub limit: usize,
}

/// Whose history.
#[derive(Debug, Clone, Args)]
pub struct HistoryArgs {
    /// The package; all where it is not said.
    #[arg(value_name = "PACKAGE", add = values(packages), help = t!("logs.help.history_package").into_owned())]
    pub package: Option<String>,
}

/// Which package.
#[derive(Debug, Clone, Args)]
pub struct WhyArgs {
    /// The package.
    #[arg(value_name = "PACKAGE", add = values(packages), help = t!("logs.help.why_package").into_owned())]
    pub package: String,
}

/// Of when.
#[derive(Debug, Clone, Args)]
pub struct StateArgs {
    /// `now`, a time (of a day, its beginning), a run (after it), or a generation, `g12`.
    #[arg(
        value_name = t!("logs.help.at_value").into_owned(),
        add = values(runs),
        help = t!("logs.help.at").into_owned()
    )]
    pub when: Option<String>,
    /// The same, as earlier versions had it.
    #[arg(long, hide = true, value_name = "WHEN", conflicts_with = "when")]
    pub at: Option<String>,
}

/// Between which times.
#[derive(Debug, Clone, Args)]
pub struct DiffArgs {
    /// As in [`StateArgs::when`]; or the folder of a project, or a list that installers read.
    #[arg(value_name = "A", value_hint = clap::ValueHint::AnyPath, help = t!("logs.help.diff_from").into_owned())]
    pub from: String,
    /// As `from`; now where it is not said.
    #[arg(value_name = "B", value_hint = clap::ValueHint::AnyPath, help = t!("logs.help.diff_to").into_owned())]
    pub to: Option<String>,
}

/// What to export, and how.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// As in [`StateArgs::when`].
    #[arg(value_name = t!("logs.help.at_value").into_owned(), help = t!("logs.help.at").into_owned())]
    pub at: Option<String>,
    /// What to write; by the name of the file where it is not said.
    #[arg(long, value_enum, help = t!("logs.help.export_format").into_owned())]
    pub format: Option<ExportFormat>,
    /// Ask pip which files there are, and write their sums.
    #[arg(long, help = t!("logs.help.export_hashes").into_owned())]
    pub hashes: bool,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::FilePath,
          help = t!("logs.help.export_output").into_owned())]
    pub output: Option<PathBuf>,
}

impl ExportArgs {
    /// What to write.
    pub(super) fn format(&self) -> ExportFormat {
        let ending = self.output.as_deref().and_then(Path::extension);
        self.format.unwrap_or(match ending {
            Some(ending) if ending == "toml" => ExportFormat::Pylock,
            _ => ExportFormat::Requirements,
        })
    }
}

/// A kind of list that installers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A `requirements.txt`.
    #[value(help = t!("logs.help.export_requirements").into_owned())]
    Requirements,
    /// A `pylock.toml`.
    #[value(help = t!("logs.help.export_pylock").into_owned())]
    Pylock,
}

/// What to take back, and how.
#[derive(Debug, Clone, Default, Args)]
pub struct UndoArgs {
    /// As in [`ShowArgs::run`]; the last that changed something and is not taken back where it is not said.
    #[arg(
        value_name = t!("logs.help.run_value").into_owned(),
        help = t!("logs.help.undo_run").into_owned(),
        add = values(runs)
    )]
    pub run: Option<String>,
    /// How.
    #[command(flatten)]
    pub how: How,
}

/// Between which generations to look, and for what.
#[derive(Debug, Clone, Args)]
pub struct BisectArgs {
    /// When the command succeeded, as in [`StateArgs::when`].
    #[arg(long, value_name = t!("console.view.at_value").into_owned(), help = t!("logs.help.good").into_owned())]
    pub good: Option<String>,
    /// When it failed; now where it is not said.
    #[arg(long, value_name = t!("console.view.at_value").into_owned(), help = t!("logs.help.bad").into_owned())]
    pub bad: Option<String>,
    /// Also where not all is kept any more.
    #[arg(long, help = t!("console.view.incomplete").into_owned())]
    pub incomplete: bool,
    /// The command and its arguments.
    #[arg(
        value_name = t!("venv_sync.help.command_value").into_owned(),
        help = t!("logs.help.bisect_command").into_owned(),
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// The time that `text` names, as `read` has it.
///
/// # Errors
/// `Exit::Usage`, where it is none.
pub(super) fn time(
    text: &str,
    now: DateTime<Utc>,
    read: fn(&str, DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Result<DateTime<Utc>> {
    let wrong = || Error::usage(t!("logs.bad_since", text = text)).hint(t!("logs.hint_since"));
    read(text, now).ok_or_else(wrong)
}

/// What to keep.
#[derive(Debug, Clone, Default, Args)]
pub struct PruneArgs {
    /// Only say what would go.
    #[arg(long, help = t!("logs.help.dry_run").into_owned())]
    pub dry_run: bool,
    /// Keep so many runs.
    #[arg(long, alias = "runs", value_name = "N", help = t!("logs.help.keep").into_owned())]
    pub keep: Option<u64>,
    /// Let go of what began before then.
    #[arg(long, value_name = t!("logs.help.since_value").into_owned(), help = t!("logs.help.older_than").into_owned())]
    pub older_than: Option<String>,
    /// Keep so many days.
    #[arg(long, value_name = "N", hide = true)]
    pub days: Option<u64>,
    /// Keep so many MiB of logs.
    #[arg(long, value_name = "N", help = t!("logs.help.mib").into_owned())]
    pub mib: Option<u64>,
}

/// The grammar of `aim-logs`, for completions and the manual page.
pub fn command() -> clap::Command {
    grammar::<Cli>()
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_list_needs_no_word() {
        fn check(line: &str, expected: Option<&str>) {
            let parsed = command().try_get_matches_from(line.split(' ')).ok();
            let cli = parsed.and_then(|matches| Cli::from_arg_matches(&matches).ok());
            let said = cli.and_then(|mut cli| match cli.wanted().ok()? {
                Command::List(args) => Some(format!(
                    "list {:?} {} {:?} {:?}",
                    args.limit, args.failed, args.since, args.until
                )),
                Command::Show(args) => Some(format!("show {}", args.run)),
                Command::Follow(_) => Some("follow".to_owned()),
                Command::Diff(args) => Some(format!("diff {} {:?}", args.from, args.to)),
                _ => None,
            });
            assert_eq!(said.as_deref(), expected, "{line}");
        }
        check("aim-logs", Some("list None false None None"));
        check("aim-logs --failed", Some("list None true None None"));
        check("aim-logs -n 5", Some("list Some(5) false None None"));
        check(
            "aim-logs --since 2d list --failed -n 3",
            Some("list Some(3) true Some(\"2d\") None"),
        );
        check(
            "aim-logs --until today",
            Some("list None false None Some(\"today\")"),
        );
        check("aim-logs 27", Some("show 27"));
        check("aim-logs #27 --json", Some("show #27"));
        check("aim-logs --json follow", Some("follow"));
        check("aim-logs diff 20 27", Some("diff 20 Some(\"27\")"));
        check("aim-logs --failed follow", None);
        check("aim-logs --failed 27", None);
        check("aim-logs listz", None);
        check("aim-logs 0199ab12-", Some("show 0199ab12-"));
        check("aim-logs .pip-logs/x.log", Some("show .pip-logs/x.log"));
        check("aim-logs last~2", Some("show last~2"));
        check("aim-logs 27 show 28", None);
        check("aim-logs --json --format {id}", None);
    }

    #[test]
    fn only_one_part_of_a_run_at_a_time() {
        for args in [
            ["--stdout", "--stderr"],
            ["--stdout", "--path"],
            ["--path", "--stderr"],
        ] {
            let line = ["aim-logs", "show"].into_iter().chain(args);
            let error = command().try_get_matches_from(line).expect_err("refused");
            assert_eq!(error.exit_code(), 2, "{args:?}");
        }
    }
}
