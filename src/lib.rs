//! x

pub mod exec;
