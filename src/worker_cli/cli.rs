//! The command line of `aim-worker`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use signal_hook::low_level::signal_name;

use super::structure::{starts, valued};
use super::supervised::supervised;
use crate::console::candidate::values;
use crate::console::{CommonArgs, examples, grammar};
use crate::json::Json;
use crate::project::is_command_name;
use crate::supervise::{Address, On};
use crate::words::t;

/// Longer than anybody waits for the end of a command.
const LONGEST_GRACE: Duration = Duration::from_secs(24 * 3600);

/// `aim-worker`: the worker of a project, through the daemon.
#[derive(Debug, Parser)]
#[command(
    name = "aim-worker",
    version,
    arg_required_else_help = true,
    about = t!("worker_cli.help.about").into_owned(),
    after_help = examples(&[
        ("aim-worker status", t!("worker_cli.help.example_status")),
        ("aim-worker run nodes/add.py --input '{\"a\": 1}'", t!("worker_cli.help.example_run")),
        ("aim-worker restart", t!("worker_cli.help.example_restart")),
        ("aim-worker logs -f", t!("worker_cli.help.example_follow")),
    ])
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub common: CommonArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What `aim-worker` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The state of the project's worker.
    #[command(
        about = t!("worker_cli.help.status").into_owned(),
        after_help = examples(&[
            ("aim-worker status", t!("worker_cli.help.example_status")),
            ("aim-worker status --project demo --json", t!("worker_cli.help.example_status_json")),
        ])
    )]
    Status,
    /// Every project that the daemon knows, and its worker.
    #[command(
        about = t!("worker_cli.help.list").into_owned(),
        after_help = examples(&[("aim-worker list", t!("worker_cli.help.example_list"))])
    )]
    List,
    /// Starts the worker.
    #[command(
        about = t!("worker_cli.help.start").into_owned(),
        after_help = examples(&[
            ("aim-worker start", t!("worker_cli.help.example_start")),
            ("aim-worker start web", t!("worker_cli.help.example_start_name")),
        ])
    )]
    Start(StartArgs),
    /// Stops the worker.
    #[command(
        about = t!("worker_cli.help.stop").into_owned(),
        after_help = examples(&[
            ("aim-worker stop", t!("worker_cli.help.example_stop")),
            ("aim-worker stop web", t!("worker_cli.help.example_stop_name")),
        ])
    )]
    Stop(StopArgs),
    /// Puts a fresh worker in the place of the present one.
    #[command(
        about = t!("worker_cli.help.restart").into_owned(),
        after_help = examples(&[
            ("aim-worker restart", t!("worker_cli.help.example_restart")),
            ("aim-worker restart --now", t!("worker_cli.help.example_restart_now")),
            ("aim-worker restart uvicorn", t!("worker_cli.help.example_restart_name")),
        ])
    )]
    Restart(RestartArgs),
    /// Ends the nodes that run.
    #[command(
        about = t!("worker_cli.help.interrupt").into_owned(),
        after_help = examples(&[
            ("aim-worker interrupt", t!("worker_cli.help.example_interrupt")),
            ("aim-worker interrupt nodes/add.py", t!("worker_cli.help.example_interrupt_file")),
        ])
    )]
    Interrupt(InterruptArgs),
    /// Runs one node.
    #[command(
        about = t!("worker_cli.help.run").into_owned(),
        after_help = examples(&[
            ("aim-worker run nodes/add.py --input '{\"a\": 1}'", t!("worker_cli.help.example_run")),
            ("aim-worker run nodes/add.py --input - < input.json", t!("worker_cli.help.example_run_stdin")),
            ("aim-worker run nodes/add.py --timeout 2.5", t!("worker_cli.help.example_run_timeout")),
            ("aim-worker run --here nodes/ask.py", t!("worker_cli.help.example_run_here")),
            ("aim-worker run --at yesterday nodes/add.py", t!("worker_cli.help.example_run_at")),
            ("aim-worker run nodes/add.py --json | jq .output", t!("worker_cli.help.example_run_json")),
        ])
    )]
    Run(RunArgs),
    /// Runs the project's flow.
    #[command(
        about = t!("worker_cli.help.flow").into_owned(),
        after_help = examples(&[
            ("aim-worker flow", t!("worker_cli.help.example_flow")),
            ("aim-worker flow --start 9 --value 5=10 --value 6=hello", t!("worker_cli.help.example_flow_value")),
            ("aim-worker flow --json | jq .result_nodes", t!("worker_cli.help.example_flow_json")),
        ])
    )]
    Flow(FlowArgs),
    /// Runs a command and restarts it when the environment has changed.
    #[command(
        about = t!("worker_cli.help.supervise").into_owned(),
        after_help = examples(&[
            ("aim-worker supervise -- uvicorn app:app", t!("worker_cli.help.example_supervise")),
            (
                "aim-worker supervise --listen 8000 -- uvicorn --fd 3 app:app",
                t!("worker_cli.help.example_supervise_listen"),
            ),
            (
                "aim-worker supervise --signal HUP -- gunicorn app:app",
                t!("worker_cli.help.example_supervise_signal"),
            ),
            (
                "aim-worker supervise --on loaded -- python serve.py",
                t!("worker_cli.help.example_supervise_loaded"),
            ),
            (
                "aim-worker supervise --after-change -- make docs",
                t!("worker_cli.help.example_supervise_after"),
            ),
            (
                "aim-worker supervise --on manual --name jobs -- celery -A jobs worker",
                t!("worker_cli.help.example_supervise_manual"),
            ),
        ])
    )]
    Supervise(SuperviseArgs),
    /// What the worker said.
    #[command(
        about = t!("worker_cli.help.logs").into_owned(),
        after_help = examples(&[
            ("aim-worker logs -n 50", t!("worker_cli.help.example_logs")),
            ("aim-worker logs -f", t!("worker_cli.help.example_follow")),
            ("aim-worker logs web", t!("worker_cli.help.example_logs_name")),
        ])
    )]
    Logs(LogsArgs),
}

/// Whether a running node is waited for.
#[derive(Debug, Clone, Copy, Args)]
pub struct WhenArgs {
    /// Do not wait for a running node.
    #[arg(long, help = t!("worker_cli.help.now").into_owned())]
    pub now: bool,
}

/// What is started.
#[derive(Debug, Clone, Args)]
pub struct StartArgs {
    /// A command that somebody has stopped, instead of the worker.
    #[arg(
        value_name = t!("worker_cli.help.name_value").into_owned(),
        help = t!("worker_cli.help.start_name").into_owned(),
        add = values(supervised)
    )]
    pub name: Option<String>,
}

/// What is stopped.
#[derive(Debug, Clone, Args)]
pub struct StopArgs {
    /// A supervised command, instead of the worker.
    #[arg(
        value_name = t!("worker_cli.help.name_value").into_owned(),
        help = t!("worker_cli.help.stop_name").into_owned(),
        conflicts_with = "now",
        add = values(supervised)
    )]
    pub name: Option<String>,
    /// Whether a running node is waited for.
    #[command(flatten)]
    pub when: WhenArgs,
}

/// What is restarted.
#[derive(Debug, Clone, Args)]
pub struct RestartArgs {
    /// A supervised command, instead of the worker.
    #[arg(
        value_name = t!("worker_cli.help.name_value").into_owned(),
        help = t!("worker_cli.help.restart_name").into_owned(),
        conflicts_with = "now",
        add = values(supervised)
    )]
    pub name: Option<String>,
    /// Whether a running node is waited for.
    #[command(flatten)]
    pub when: WhenArgs,
}

/// A command, and when it is restarted.
#[derive(Debug, Clone, Args)]
pub struct SuperviseArgs {
    /// By what name it is known.
    #[arg(long, value_name = t!("worker_cli.help.name_value").into_owned(), value_parser = supervised_name,
          help = t!("worker_cli.help.supervise_name").into_owned())]
    pub name: Option<String>,
    /// At which changes it is restarted.
    #[arg(long, value_enum, default_value_t, hide_default_value = true, value_name = "change|loaded|manual",
          help = t!("worker_cli.help.supervise_on").into_owned())]
    pub on: On,
    /// A signal to send it instead of restarting it.
    #[arg(long, value_name = t!("worker_cli.help.signal_value").into_owned(), value_parser = signal,
          help = t!("worker_cli.help.supervise_signal").into_owned())]
    pub signal: Option<i32>,
    /// How long it may take to end.
    #[arg(long, value_name = t!("worker_cli.help.seconds_value").into_owned(), value_parser = grace,
          default_value = "10", hide_default_value = true, help = t!("worker_cli.help.supervise_grace").into_owned())]
    pub grace: Duration,
    /// An address to listen on for it.
    #[arg(long, value_name = "[HOST:]PORT|unix:PATH", value_parser = address,
          help = t!("worker_cli.help.supervise_listen").into_owned())]
    pub listen: Vec<Address>,
    /// Whether it is run once after each change.
    #[arg(long, conflicts_with_all = ["on", "signal", "listen"],
          help = t!("worker_cli.help.supervise_after").into_owned())]
    pub after_change: bool,
    /// By what the order of a project is known that the daemon has run.
    #[arg(long, hide = true)]
    pub order: Option<String>,
    /// The command.
    #[arg(last = true, required = true, value_name = t!("console.help.command_value").into_owned(),
          help = t!("worker_cli.help.supervise_command").into_owned())]
    pub command: Vec<OsString>,
}

fn supervised_name(text: &str) -> Result<String, String> {
    is_command_name(text)
        .then(|| text.to_owned())
        .ok_or_else(|| t!("worker_cli.supervise.not_a_name").into_owned())
}

/// A signal by its name, with or without `SIG` before it, or its number.
fn signal(text: &str) -> Result<i32, String> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let is_it = |number: &i32| {
        signal_name(*number).and_then(|known| known.strip_prefix("SIG")) == Some(name)
    };
    (1..=31)
        .find(is_it)
        .or_else(|| text.parse().ok().filter(|number| (1..=31).contains(number)))
        .ok_or_else(|| t!("worker_cli.supervise.not_a_signal").into_owned())
}

fn grace(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds
        .filter(|grace| *grace <= LONGEST_GRACE)
        .ok_or_else(|| t!("worker_cli.supervise.not_a_grace").into_owned())
}

fn address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|()| t!("worker_cli.supervise.not_an_address").into_owned())
}

/// One node and its input.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The node's file, seen from the working folder or from the project.
    #[arg(value_name = t!("worker_cli.help.file_value").into_owned(), help = t!("worker_cli.help.file").into_owned())]
    pub file: PathBuf,
    /// Its input: JSON, or `-` for JSON on standard input.
    #[arg(long, short, value_name = "JSON|-", help = t!("worker_cli.help.input").into_owned())]
    pub input: Option<String>,
    /// How long it may run, in seconds.
    #[arg(long, value_name = t!("worker_cli.help.seconds_value").into_owned(), value_parser = seconds,
          help = t!("worker_cli.help.timeout").into_owned())]
    pub timeout: Option<f64>,
    /// In this terminal, without the daemon.
    #[arg(long, conflicts_with = "timeout", help = t!("worker_cli.help.here").into_owned())]
    pub here: bool,
    /// In the environment as it was then, in this terminal.
    #[arg(long, conflicts_with = "timeout", value_name = t!("console.view.at_value").into_owned(),
          help = t!("worker_cli.help.at").into_owned())]
    pub at: Option<String>,
    /// Also where not all is kept any more.
    #[arg(long, requires = "at", help = t!("console.view.incomplete").into_owned())]
    pub incomplete: bool,
}

/// Which flow, with which values.
#[derive(Debug, Clone, Args)]
pub struct FlowArgs {
    /// The node to start from.
    #[arg(long, value_name = "ID", add = values(starts), help = t!("worker_cli.help.start_node").into_owned())]
    pub start: Option<String>,
    /// Values of text-input and result nodes.
    #[arg(long = "value", value_name = t!("worker_cli.help.node_value_value").into_owned(), value_parser = node_value,
          add = values(valued), help = t!("worker_cli.help.node_value").into_owned())]
    pub values: Vec<NodeValue>,
    /// Nodes that may run at once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10),
          help = t!("worker_cli.help.max_workers").into_owned())]
    pub max_workers: Option<u8>,
    /// How long each node may run, in seconds.
    #[arg(
        long,
        value_name = t!("worker_cli.help.seconds_value").into_owned(),
        value_parser = clap::value_parser!(u16).range(1..=300),
        help = t!("worker_cli.help.flow_timeout").into_owned()
    )]
    pub timeout: Option<u16>,
    /// Run what can run, also after a node failed.
    #[arg(long, help = t!("worker_cli.help.keep_going").into_owned())]
    pub keep_going: bool,
}

/// A node's value, as typed: `ID=V`, V being JSON where it is that, else a text.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeValue {
    /// The node.
    pub id: String,
    /// Its value.
    pub value: Json,
}

fn node_value(text: &str) -> Result<NodeValue, String> {
    let (id, value) = text
        .split_once('=')
        .filter(|(id, _)| !id.is_empty())
        .ok_or_else(|| t!("worker_cli.not_a_value").into_owned())?;
    Ok(NodeValue {
        id: id.to_owned(),
        value: Json::parse(value).unwrap_or_else(|_| serde_json::Value::from(value).into()),
    })
}

/// Which nodes are to end.
#[derive(Debug, Clone, Args)]
pub struct InterruptArgs {
    /// Only nodes of this file, also those that wait for their turn.
    #[arg(
        value_name = t!("worker_cli.help.file_value").into_owned(),
        help = t!("worker_cli.help.interrupt_file").into_owned()
    )]
    pub file: Option<PathBuf>,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse().ok();
    seconds
        .filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0)
        .ok_or_else(|| t!("worker_cli.not_seconds").into_owned())
}

/// Which part of the worker's log.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// A command that the daemon has run, instead of the worker.
    #[arg(
        value_name = t!("worker_cli.help.name_value").into_owned(),
        help = t!("worker_cli.help.logs_name").into_owned(),
        add = values(supervised)
    )]
    pub name: Option<String>,
    /// Go on as it grows.
    #[arg(long, short, help = t!("worker_cli.help.follow").into_owned())]
    pub follow: bool,
    /// At most so many lines from its end.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, hide_default_value = true,
          help = t!("worker_cli.help.lines", n = 200).into_owned())]
    pub lines: usize,
}

/// The grammar of `aim-worker`, for completions and the manual page.
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
    fn a_value_is_json_where_it_can_be() {
        for (text, id, value) in [
            ("5=10", "5", "10"),
            ("5=\"10\"", "5", "\"10\""),
            ("5=hello world", "5", "\"hello world\""),
            ("a=b=c", "a", "\"b=c\""),
            ("5=", "5", "\"\""),
            ("5={\"a\": [1]}", "5", "{\"a\": [1]}"),
        ] {
            let read = node_value(text).expect(text);
            assert_eq!((read.id.as_str(), read.value.as_str()), (id, value));
        }
        for bad in ["", "5", "=1"] {
            assert!(node_value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_limit_is_a_positive_number() {
        for (text, expected) in [("2", Some(2.0)), ("0.5", Some(0.5)), ("1e3", Some(1000.0))] {
            assert_eq!(seconds(text).ok(), expected, "{text}");
        }
        for bad in ["", "0", "-1", "inf", "NaN", "2s"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
