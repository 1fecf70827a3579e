//! The one integration binary: real programs, real pip, real environments, a real daemon.
//!
//! `sandbox` makes a small world for each test; every other module is one subject.

#![allow(
    clippy::disallowed_methods,
    reason = "tests write their fixtures in place"
)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that is skipped says why"
)]
#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    reason = "a test's name says it"
)]

mod bad_input;
mod compare;
// mod daemon;
// mod generated;
mod imports;
mod lean;
mod logs;
mod sandbox;
mod shim;
mod story;
mod sync;
mod words;
// mod worker;
