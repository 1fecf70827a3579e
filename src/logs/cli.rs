//! The command line of `aim-logs`.

use clap::{Args, Parser, Subcommand};

use crate::console::{CommonArgs, examples, grammar};
use crate::words::t;

/// `aim-logs`: what happened to an environment.
#[derive(Debug, Parser)]
#[command(
    name = "aim-logs",
    version,
    about = t!("logs.help.about").into_owned(),
    after_help = examples(&[
        ("aim-logs", t!("logs.help.example_list")),
        ("aim-logs list --failed --since 2d", t!("logs.help.example_failed")),
        ("aim-logs show last", t!("logs.help.example_show")),
        ("aim-logs follow", t!("logs.help.example_follow")),
    ])
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// What to do; `list` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What `aim-logs` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists runs.
    #[command(
        about = t!("logs.help.list").into_owned(),
        after_help = examples(&[
            ("aim-logs list -n 5", t!("logs.help.example_limit")),
            ("aim-logs list --failed --since 2d", t!("logs.help.example_failed")),
            ("aim-logs list --package requests --json", t!("logs.help.example_package")),
        ])
    )]
    List(ListArgs),
    /// Shows one run.
    #[command(
        about = t!("logs.help.show").into_owned(),
        after_help = examples(&[
            ("aim-logs show", t!("logs.help.example_show")),
            ("aim-logs show 0199ab12 --stderr", t!("logs.help.example_stderr")),
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
    /// Applies retention.
    #[command(
        about = t!("logs.help.prune").into_owned(),
        after_help = examples(&[
            ("aim-logs prune --dry-run", t!("logs.help.example_dry_run")),
            ("aim-logs prune --days 30", t!("logs.help.example_days")),
        ])
    )]
    Prune(PruneArgs),
}

/// Which runs to list.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// At most so many; 0 for all.
    #[arg(short = 'n', long, value_name = "N", default_value_t = ListArgs::LIMIT, hide_default_value = true,
          help = t!("logs.help.limit", n = ListArgs::LIMIT).into_owned())]
    pub limit: usize,
    /// Of all environments in the project's folder.
    #[arg(long, help = t!("logs.help.all").into_owned())]
    pub all: bool,
    /// Only those that did not succeed.
    #[arg(long, help = t!("logs.help.failed").into_owned())]
    pub failed: bool,
    /// Only those since then.
    #[arg(long, value_name = t!("logs.help.since_value").into_owned(), help = t!("logs.help.since").into_owned())]
    pub since: Option<String>,
    /// Only those that named or changed this distribution.
    #[arg(long, value_name = t!("logs.help.package_value").into_owned(), help = t!("logs.help.package").into_owned())]
    pub package: Option<String>,
}

impl ListArgs {
    const LIMIT: usize = 20;
}

impl Default for ListArgs {
    fn default() -> Self {
        Self {
            limit: Self::LIMIT,
            all: false,
            failed: false,
            since: None,
            package: None,
        }
    }
}

/// Which run to show, and what of it.
#[derive(Debug, Clone, Args)]
pub struct ShowArgs {
    /// `last`, an id, a unique prefix of one, or its log's path or file name.
    #[arg(
        value_name = "RUN",
        default_value = "last",
        hide_default_value = true,
        help = t!("logs.help.run").into_owned()
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

/// How to follow.
#[derive(Debug, Clone, Args)]
pub struct FollowArgs {
    /// Begin with so many earlier runs.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 3, hide_default_value = true,
          help = t!("logs.help.earlier").into_owned())]
    pub limit: usize,
}

/// What to keep.
#[derive(Debug, Clone, Default, Args)]
pub struct PruneArgs {
    /// Only say what would go.
    #[arg(long, help = t!("logs.help.dry_run").into_owned())]
    pub dry_run: bool,
    /// Keep so many runs.
    #[arg(long, value_name = "N", help = t!("logs.help.runs").into_owned())]
    pub runs: Option<u64>,
    /// Keep so many days.
    #[arg(long, value_name = "N", help = t!("logs.help.days").into_owned())]
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
    use super::*;

    #[test]
    fn the_grammar_is_sound() {
        command().debug_assert();
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
