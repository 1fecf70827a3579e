//! What one operating system can do and another cannot, by one name for all of them.
//!
//! `linux` is what this project is built for first; `other` is every other Unix, macOS above all, where what is missing
//! is done without. Nobody else asks for the system's name (`tests/suite/imports.rs` keeps it so), so these files are
//! all that is to be read where a system is new.
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
