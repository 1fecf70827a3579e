//! What one operating system can do and another cannot, by one name for all of them.
//!
//! This project is built for Linux first (`linux`). `other` is every other Unix, macOS above all; what such a system
//! lacks is done without. No other file asks for the system's name (`tests/suite/imports.rs` keeps it so), so whoever
//! brings a new system has only these files to read.
//!
//! **Invariant:** both have the same functions, with the same types and words.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
pub(crate) use linux::*;
#[cfg(not(target_os = "linux"))]
pub(crate) use other::*;
