//! `aim-worker`: the workers of projects, controlled through the daemon.

mod cli;
mod json_text;
mod status;

pub use cli::{Cli, Command, LogsArgs, RunArgs, WhenArgs};
