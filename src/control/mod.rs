//! `aim-worker`: the workers of projects, controlled through the daemon.

mod cli;

pub use cli::{Cli, Command, LogsArgs, RunArgs, WhenArgs};
