//! aim-toolkit keeps everything around a Python environment in step with pip.
//!
//! The rooms, from the ground up; imports go down only (`tests/` keeps it true, `docs/architecture.md` says why):
//!
//! | room | what it knows |
//! | --- | --- |
//! | [`env_vars`], [`host`], [`error`] | variables, the process as one value, exit codes and how errors are printed |
//! | [`words`], [`project`] | messages in two languages; projects, environments, every path on disk, settings |
//! | [`inventory`] | what is installed in an environment: snapshots, their differences, their fingerprints |
//! | [`store`] | what is written to disk: `env_meta.json`, run records, run logs, locks |
//! | [`console`] | what the commands share: common options, output, tables, times |
//! | [`venv_sync`] | `aim-venv-sync`: makes environments, keeps their record true, checks every part |

rust_i18n::i18n!("locales", fallback = "en");

pub mod console;
pub mod env_vars;
pub mod error;
pub mod host;
pub mod inventory;
pub mod project;
pub mod store;
pub mod venv_sync;
pub mod words;
