//! The daemon: projects, their workers, and the calls by which others ask for them.

pub mod flow;
pub mod worker;
