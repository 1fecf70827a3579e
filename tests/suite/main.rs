//! The one integration binary: real programs, real pip, real environments, a real daemon.
//!
//! `sandbox` makes a small world for each test; every other module is one subject.

#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "what a test says is for its reader"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests write their fixtures in place"
)]
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "a test's name says it"
)]

mod api_page;
mod around;
mod arrays;
mod autostart;
mod backends;
mod bad_input;
mod bisect;
mod circles;
mod compare;
mod completed;
mod daemon;
mod doors;
mod elsewhere;
mod environments;
mod events;
mod export;
mod faults;
mod flow;
mod followed;
mod forbidden;
mod generated;
mod guidance;
mod held;
mod imports;
mod inside;
mod installed;
mod lean;
mod lines;
mod logs;
mod lsp;
mod manual;
mod many;
mod meant;
mod metrics;
mod moves;
mod others;
mod paths;
mod place;
mod readme;
mod released;
mod results;
mod rollout;
mod sandbox;
mod screens;
mod scripts;
mod secrets;
mod service;
mod setup;
mod shapes;
mod shells;
mod shim;
mod source;
mod story;
mod strangers;
mod supervise;
mod sync;
mod systems;
#[cfg(target_os = "linux")]
mod terminals;
mod tools;
mod turns;
mod typed;
mod undo;
mod unread_log;
mod uses;
mod views;
mod waits;
mod watch;
mod whose;
mod words;
mod worker;
