//! `aim-backend`: the daemon that keeps a worker for each project and answers the calls of [`crate::api::v1`].
//!
//! Start reading at `serve.rs`, its life from the first line to the last. `socket` decides who serves, `own_place`
//! keeps the place and `notes` tells where it is, `doors` are the ways in, `auth` guards the TCP side, `state` is what
//! the calls share, `routes` has one file per resource. `events` tells what happened, `worker` runs nodes, `watch`
//! notices what other tools change, and `follow` has it notice that in every known project. `terminal` has the shells
//! that pages show, `language_servers` what knows the code that they show, and `ordered` the commands that projects
//! have run. `service` has the system start the daemon, `service_manager` is what the two then say to each other.
//!
//! **Invariant:** `env_meta.json` is the truth; what callers say is only a reason to look.
//! **Invariant:** one task owns each worker ([`worker::Job`]); calls talk to it and hold no lock while they wait.

mod answer;
mod auth;
mod bodies;
mod chronicle;
mod cli;
mod connections;
mod descriptors;
mod doors;
pub mod events;
pub mod flow;
mod follow;
mod hand_over;
mod handed;
mod idle;
mod init;
mod jobs;
mod language_servers;
mod locked;
mod log;
mod metrics;
mod notes;
mod ordered;
mod own_place;
mod page;
mod projects;
mod restart;
mod routes;
mod script_folder;
mod seat;
mod serve;
mod service;
mod service_manager;
mod socket;
mod state;
mod status;
mod stop;
mod successor;
mod supervise;
mod terminal;
mod terminals;
#[cfg(test)]
mod tests;
mod watch;
mod web_socket;
pub mod worker;

pub use cli::{Cli, command, run};
pub use routes::described;
pub use serve::runtime;
