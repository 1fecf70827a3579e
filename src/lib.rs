//! aim-toolkit keeps everything around a Python environment in step with pip.
//!
//! The rooms, from the ground up; imports go down only (`tests/suite/imports.rs` keeps it true,
//! `docs/architecture.md` says why):
//!
//! | room | what it knows |
//! | --- | --- |
//! | [`env_vars`], [`host`], [`error`] | variables, the process as one value, exit codes and how errors are printed |
//! | [`files`], [`json`], [`system`] | files; JSON as text that nobody parses; what differs between systems |
//! | [`worker_source`] | the Python that runs nodes, for the daemon and for `aim-worker` |
//! | [`secrets`], [`terminal`] | what must not be kept or sent, and how it is hidden; what a terminal may be shown |
//! | [`words`], [`project`] | messages in two languages; projects, environments, every path on disk, settings |
//! | [`inventory`] | what is installed in an environment: snapshots, their differences, their fingerprints |
//! | [`exec`] | one child, run with its output captured and its signals understood |
//! | [`store`] | what is written to disk: `env_meta.json`, run records, run logs, locks |
//! | [`api`] | what can be asked of the daemon, and two ways to ask |
//! | [`hook`] | what leads pip to `aim-pip`: the hook's files in an environment, put there and taken out again |
//! | [`lsp`] | language servers, kept in step: messages, what a new server must be told, how one follows another |
//! | [`supervise`] | a command in the foreground that is restarted when the environment has changed |
//! | [`shells`] | the person's shell, started with an environment active |
//! | [`console`] | what the commands share: options, output, tables, times |
//! | [`shim`] | `aim-pip` |
//! | [`venv_sync`] | `aim-venv-sync` |
//! | [`logs`] | `aim-logs` |
//! | [`worker_cli`] | `aim-worker` |
//! | [`lsp_cli`] | `aim-lsp` |
//! | `backend` | `aim-backend`, behind the feature of that name |
//!
//! Rooms are private to the crate but for the programs: `pub` in a room is for other rooms, and the compiler tells of
//! what nobody uses. What benches, fuzz targets and `tests/suite` look at stands in `testing`.

// The daemon's part of what both sides share, where there is no daemon.
#![cfg_attr(
    not(feature = "backend"),
    expect(dead_code, unused_imports, reason = "the daemon uses it")
)]
// Tests write their fixtures in place; the product writes through `store::atomic` (see clippy.toml).
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod api;
#[cfg(feature = "backend")]
pub mod backend;
mod console;
mod env_vars;
mod error;
mod exec;
mod files;
mod hook;
mod host;
mod inventory;
mod json;
pub mod logs;
mod lsp;
pub mod lsp_cli;
mod project;
pub mod rollback;
mod secrets;
mod shells;
pub mod shim;
mod store;
mod supervise;
mod system;
mod terminal;
#[doc(hidden)]
pub mod testing;
pub mod venv_sync;
mod words;
pub mod worker_cli;
mod worker_source;

pub use console::run_main;
