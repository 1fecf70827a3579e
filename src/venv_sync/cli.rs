//! The command line of `aim-venv-sync`. Only shape and help; the verbs are in the files beside this one.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::console::candidate::{Value, values};
use crate::console::{CommonArgs, examples};
use crate::error::{Error, Result};
use crate::project::Config;
use crate::rollback::How;
use crate::words::t;

/// `aim-venv-sync` as it was typed.
#[derive(Debug, Parser)]
#[command(
    name = "aim-venv-sync",
    version,
    about = t!("venv_sync.help.about").into_owned(),
    after_help = examples(&[
        ("aim-venv-sync init", t!("venv_sync.help.example_init")),
        ("aim-venv-sync", t!("venv_sync.help.example_sync")),
        ("aim-venv-sync --check", t!("venv_sync.help.example_check")),
        ("aim-venv-sync doctor", t!("venv_sync.help.example_doctor")),
    ])
)]
pub struct Cli {
    /// What to do; without one, `sync`.
    #[command(subcommand)]
    pub verb: Option<Verb>,
    /// `sync`'s own flags, for when the verb is left out.
    #[command(flatten)]
    pub sync: SyncArgs,
    /// The flags of every command.
    #[command(flatten)]
    pub common: CommonArgs,
}

impl Cli {
    /// The verb, `sync` when none was typed.
    ///
    /// # Errors
    /// Wrong usage, when `sync`'s flags stand before another verb.
    pub fn into_verb(self) -> Result<Verb> {
        let SyncArgs { check, wait } = self.sync;
        match self.verb {
            None => Ok(Verb::Sync(self.sync)),
            Some(Verb::Sync(after)) => Ok(Verb::Sync(SyncArgs {
                check: check || after.check,
                wait: wait || after.wait,
            })),
            Some(_) if check || wait => Err(Error::usage(t!("venv_sync.flags_are_of_sync"))),
            Some(other) => Ok(other),
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Record what other tools changed.
    #[command(
        about = t!("venv_sync.help.sync").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync sync", t!("venv_sync.help.example_sync")),
            ("aim-venv-sync sync --wait", t!("venv_sync.help.example_wait")),
            ("aim-venv-sync sync --check", t!("venv_sync.help.example_check")),
        ])
    )]
    Sync(SyncArgs),
    /// Set up all that is set up once.
    #[command(
        about = t!("venv_sync.help.setup").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync setup ~/work", t!("venv_sync.help.example_setup")),
            ("aim-venv-sync setup --dry-run", t!("venv_sync.help.example_setup_dry_run")),
            ("aim-venv-sync setup --remove", t!("venv_sync.help.example_setup_remove")),
        ])
    )]
    Setup(SetupArgs),
    /// Make or take over an environment.
    #[command(
        about = t!("venv_sync.help.init").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync init", t!("venv_sync.help.example_init")),
            ("aim-venv-sync init demo --python 3.11", t!("venv_sync.help.example_init_python")),
            ("aim-venv-sync init --all ~/work", t!("venv_sync.help.example_init_all")),
        ])
    )]
    Init(InitArgs),
    /// What is there.
    #[command(about = t!("venv_sync.help.status").into_owned())]
    Status,
    /// Take the hook out again.
    #[command(
        about = t!("venv_sync.help.remove").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync remove", t!("venv_sync.help.example_remove")),
            ("aim-venv-sync remove --all", t!("venv_sync.help.example_remove_all")),
        ])
    )]
    Remove(RemoveArgs),
    /// Make the environment what it was.
    #[command(
        about = t!("venv_sync.help.restore").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync restore yesterday --dry-run", t!("venv_sync.help.example_restore_dry_run")),
            ("aim-venv-sync restore g12", t!("venv_sync.help.example_restore_generation")),
            ("aim-venv-sync restore '2 hours ago' -y", t!("venv_sync.help.example_restore_yes")),
        ])
    )]
    Restore(RestoreArgs),
    /// Every environment that was set up.
    #[command(about = t!("venv_sync.help.list").into_owned())]
    List,
    /// Take one out of that list.
    #[command(
        about = t!("venv_sync.help.forget").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync forget", t!("venv_sync.help.example_forget")),
            ("aim-venv-sync forget ~/old/.venv", t!("venv_sync.help.example_forget_path")),
        ])
    )]
    Forget(ForgetArgs),
    /// Check every part.
    #[command(about = t!("venv_sync.help.doctor").into_owned())]
    Doctor(DoctorArgs),
    /// How it went, in numbers.
    #[command(
        about = t!("venv_sync.help.report").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync report --since 7d", t!("venv_sync.help.example_report")),
            ("aim-venv-sync report --all --since 2026-03-01", t!("venv_sync.help.example_report_all")),
            ("aim-venv-sync report --all --by project", t!("venv_sync.help.example_report_by")),
        ])
    )]
    Report(ReportArgs),
    /// Let the project have its commands run, and its folder of logs be a link.
    #[command(
        about = t!("venv_sync.help.allow").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync allow", t!("venv_sync.help.example_allow")),
            ("aim-venv-sync allow --dry-run", t!("venv_sync.help.example_allow_dry_run")),
            ("aim-venv-sync allow --remove", t!("venv_sync.help.example_allow_remove")),
        ])
    )]
    Allow(AllowArgs),
    /// Switch remembering on again.
    #[command(
        about = t!("venv_sync.help.enable").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync enable", t!("venv_sync.help.example_enable")),
            ("aim-venv-sync enable --all", t!("venv_sync.help.example_enable_all")),
        ])
    )]
    Enable(SwitchArgs),
    /// Switch it off.
    #[command(
        about = t!("venv_sync.help.disable").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync disable", t!("venv_sync.help.example_disable")),
            ("aim-venv-sync disable --all", t!("venv_sync.help.example_disable_all")),
        ])
    )]
    Disable(SwitchArgs),
    /// The settings in force.
    #[command(
        about = t!("venv_sync.help.config").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync config", t!("venv_sync.help.example_config")),
            ("aim-venv-sync config --explain retention.runs", t!("venv_sync.help.example_config_explain")),
        ])
    )]
    Config(ConfigArgs),
    /// Run a command in the environment, today's or an earlier one.
    #[command(
        about = t!("venv_sync.help.run").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync run --at yesterday -- pytest -x", t!("venv_sync.help.example_run_at")),
            ("aim-venv-sync run --at g12 -- python -c 'import numpy'", t!("venv_sync.help.example_run_generation")),
            ("aim-venv-sync run -- python app.py", t!("venv_sync.help.example_run")),
        ])
    )]
    Run(RunArgs),
    /// What a shell reads to guide its person, or a shell in an earlier environment.
    #[command(
        about = t!("venv_sync.help.shell").into_owned(),
        after_help = examples(&[
            ("aim-venv-sync shell --at yesterday", t!("venv_sync.help.example_shell_at")),
            ("eval \"$(aim-venv-sync shell bash)\"", t!("venv_sync.help.example_shell_bash")),
            ("eval \"$(aim-venv-sync shell zsh)\"", t!("venv_sync.help.example_shell_zsh")),
            ("aim-venv-sync shell fish | source", t!("venv_sync.help.example_shell_fish")),
        ])
    )]
    Shell(ShellArgs),
    /// What that calls.
    #[command(hide = true)]
    Prompt(PromptArgs),
}

/// Which environment, as it was at which time.
#[derive(Debug, Clone, Args)]
pub struct AtArgs {
    /// A time (of a day, its beginning), a generation, a run (after it).
    #[arg(long, value_name = t!("console.view.at_value").into_owned(), help = t!("console.view.at").into_owned())]
    pub at: Option<String>,
    /// Also where not all is kept any more.
    #[arg(long, requires = "at", help = t!("console.view.incomplete").into_owned())]
    pub incomplete: bool,
}

/// Arguments of `run`.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// In which environment.
    #[command(flatten)]
    pub of: AtArgs,
    /// The command and its arguments.
    #[arg(
        value_name = t!("venv_sync.help.command_value").into_owned(),
        help = t!("venv_sync.help.command").into_owned(),
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_hint = ValueHint::CommandWithArguments
    )]
    pub command: Vec<OsString>,
}

/// Arguments of `shell`.
#[derive(Debug, Clone, Args)]
pub struct ShellArgs {
    /// Which shell.
    #[arg(value_enum, required_unless_present = "at", conflicts_with = "at",
          help = t!("venv_sync.help.shell_name").into_owned())]
    pub shell: Option<ShellName>,
    /// The completions alone.
    #[arg(long, conflicts_with = "at", help = t!("venv_sync.help.shell_completions").into_owned())]
    pub completions: bool,
    /// A shell in an earlier environment instead.
    #[command(flatten)]
    pub of: AtArgs,
}

/// A shell that can be guided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// Arguments of `prompt`.
#[derive(Debug, Clone, Copy, Args)]
pub struct PromptArgs {
    /// The generation that was told of before.
    pub generation: Option<u64>,
    /// The worker was on its way then.
    #[arg(long)]
    pub pending: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Clone, Default, Args)]
pub struct RestoreArgs {
    /// When.
    #[arg(value_name = t!("venv_sync.help.moment_value").into_owned(), help = t!("venv_sync.help.moment").into_owned())]
    pub moment: String,
    /// How.
    #[command(flatten)]
    pub how: How,
}

/// Flags of `sync`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct SyncArgs {
    /// Compare only.
    #[arg(long, conflicts_with = "wait", help = t!("venv_sync.help.check").into_owned())]
    pub check: bool,
    /// Wait for the worker.
    #[arg(long, help = t!("venv_sync.help.wait").into_owned())]
    pub wait: bool,
}

/// Arguments of `config`.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// All that there is to know of a setting, or of each.
    #[arg(
        long,
        value_name = t!("venv_sync.help.setting_value").into_owned(),
        num_args = 0..=1,
        add = values(settings),
        help = t!("venv_sync.help.explain").into_owned()
    )]
    pub explain: Option<Option<String>>,
}

fn settings() -> Vec<Value> {
    let config = Config::default();
    let rows = config.rows().into_iter();
    rows.map(|row| (row.name.to_owned(), row.meaning)).collect()
}

/// Arguments of `report`.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportArgs {
    /// Every project.
    #[arg(long, conflicts_with_all = ["project", "env"], help = t!("venv_sync.help.report_all").into_owned())]
    pub all: bool,
    /// Only what was since then.
    #[arg(
        long,
        value_name = t!("venv_sync.help.time_value").into_owned(),
        help = t!("venv_sync.help.report_since").into_owned()
    )]
    pub since: Option<String>,
    /// What a row is about.
    #[arg(
        long,
        value_enum,
        requires = "all",
        default_value_t,
        hide_possible_values = true,
        help = t!("venv_sync.help.report_by").into_owned()
    )]
    pub by: ReportBy,
}

/// What a row of a report is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportBy {
    /// The projects of a group.
    #[default]
    Group,
    /// A project.
    Project,
}

/// Flags of `allow`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct AllowArgs {
    /// Take it back.
    #[arg(long, help = t!("venv_sync.help.allow_remove").into_owned())]
    pub remove: bool,
    /// Only show it.
    #[arg(long, conflicts_with_all = ["remove", "yes"], help = t!("venv_sync.help.allow_dry_run").into_owned())]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short = 'y', long, conflicts_with = "remove", help = t!("venv_sync.help.yes").into_owned())]
    pub yes: bool,
}

/// Flags of `enable` and `disable`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct SwitchArgs {
    /// Every project.
    #[arg(long, conflicts_with_all = ["project", "env"], help = t!("venv_sync.help.switch_all").into_owned())]
    pub all: bool,
}

/// Arguments of `forget`.
#[derive(Debug, Clone, Default, Args)]
pub struct ForgetArgs {
    /// The environment, or its project's folder.
    #[arg(
        value_name = t!("venv_sync.help.path_value").into_owned(),
        help = t!("venv_sync.help.forget_path").into_owned()
    )]
    pub path: Option<PathBuf>,
}

/// Flags of `doctor`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct DoctorArgs {
    /// Remove what a killed pip set aside.
    #[arg(long, help = t!("venv_sync.help.clean").into_owned())]
    pub clean: bool,
}

/// Arguments of `init`.
#[derive(Debug, Clone, Default, Args)]
pub struct InitArgs {
    /// The project's folder.
    #[arg(
        value_name = t!("venv_sync.help.path_value").into_owned(),
        help = t!("venv_sync.help.path").into_owned()
    )]
    pub path: Option<PathBuf>,
    /// The interpreter.
    #[arg(long, value_name = "X", help = t!("venv_sync.help.python").into_owned())]
    pub python: Option<String>,
    /// Every project below.
    #[arg(long, conflicts_with = "python", help = t!("venv_sync.help.init_all").into_owned())]
    pub all: bool,
    /// Only some of them, by the names of their folders.
    #[arg(long, value_name = "GLOB", requires = "all", help = t!("venv_sync.help.init_only").into_owned())]
    pub only: Option<glob::Pattern>,
    /// Only a part of them.
    #[arg(
        long,
        value_name = "N",
        requires = "all",
        value_parser = clap::value_parser!(u8).range(0..=100),
        help = t!("venv_sync.help.init_percent").into_owned()
    )]
    pub percent: Option<u8>,
    /// How to go about many.
    #[command(flatten)]
    pub many: ManyArgs,
}

/// Arguments of `setup`.
#[derive(Debug, Clone, Default, Args)]
pub struct SetupArgs {
    /// Below which folder projects are set up.
    #[arg(
        value_name = t!("venv_sync.help.path_value").into_owned(),
        conflicts_with = "remove",
        help = t!("venv_sync.help.setup_path").into_owned()
    )]
    pub path: Option<PathBuf>,
    /// Take it all back.
    #[arg(long, help = t!("venv_sync.help.setup_remove").into_owned())]
    pub remove: bool,
    /// Only say what would change.
    #[arg(long, help = t!("venv_sync.help.dry_run").into_owned())]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short = 'y', long, help = t!("venv_sync.help.yes").into_owned())]
    pub yes: bool,
}

/// How what is done to many at once is done.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ManyArgs {
    /// Only say what would change.
    #[arg(long, requires = "all", help = t!("venv_sync.help.dry_run").into_owned())]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(short = 'y', long, requires = "all", help = t!("venv_sync.help.yes").into_owned())]
    pub yes: bool,
}

/// Arguments of `remove`.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct RemoveArgs {
    /// Out of every environment.
    #[arg(long, conflicts_with_all = ["project", "env"], help = t!("venv_sync.help.remove_all").into_owned())]
    pub all: bool,
    /// How to go about many.
    #[command(flatten)]
    pub many: ManyArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::error::Exit;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sync_is_the_verb_that_may_be_left_out() {
        let parse = |args: &[&str]| Cli::try_parse_from([&["aim-venv-sync"], args].concat());
        assert!(parse(&["--check"]).expect("parses").sync.check);
        let typed = parse(&["sync", "--wait"]).expect("parses").verb;
        assert!(matches!(
            typed,
            Some(Verb::Sync(SyncArgs { wait: true, .. }))
        ));
        let init = parse(&["init", "p", "--python", "3.11"])
            .expect("parses")
            .verb;
        assert!(matches!(
            init,
            Some(Verb::Init(InitArgs {
                python: Some(_),
                ..
            }))
        ));
        for wrong in [&["--check", "--wait"][..], &["restore"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn flags_of_every_command_stand_before_or_after_the_verb() {
        for args in [["--json", "status"], ["status", "--json"]] {
            let typed = Cli::try_parse_from(["x", args[0], args[1]]).expect("parses");
            assert!(typed.common.json, "{args:?}");
        }
    }

    #[test]
    fn flags_of_sync_go_with_sync_alone() {
        let parse = |args: &[&str]| {
            Cli::try_parse_from([&["x"], args].concat())
                .expect("parses")
                .into_verb()
        };
        let sync = parse(&["--check", "sync"]).expect("sync");
        assert!(matches!(sync, Verb::Sync(SyncArgs { check: true, .. })));
        let nothing = parse(&[]).expect("sync");
        assert!(matches!(
            nothing,
            Verb::Sync(SyncArgs {
                check: false,
                wait: false
            })
        ));
        assert_eq!(
            parse(&["--check", "status"]).expect_err("usage").exit(),
            Exit::Usage
        );
    }
}
