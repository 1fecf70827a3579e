//! What is installed in an environment: found without an interpreter, compared, and summed up.
//!
//! Start reading at [`Snapshot::scan`]. A [`Snapshot`] is what is there at one moment, a [`Diff`] what changed between
//! two, a [`Fingerprint`] a snapshot in one short text, a [`Gate`] the cheapest question of all: "may something have
//! changed since?". The `signs` tell whether an installer is at work.
//!
//! **Invariant:** reads folders and small files only; starts nothing, writes nothing. A snapshot is whole or it is an
//! error: what cannot be looked at is never taken for something that is not there.

mod conda;
mod diff;
mod direct_url;
mod distribution;
mod editable;
mod egg;
mod fingerprint;
mod gate;
mod markers;
mod metadata;
mod modules;
mod package_folder;
mod reading;
mod requires;
mod scan;
mod signs;
mod snapshot;
mod startup;

pub use diff::{Change, Diff, Names, StartupChange, StartupChangeKind};
pub(crate) use direct_url::{DIRECT_URL, LONGEST_DIRECT_URL, path_of_url};
pub use direct_url::{DirectKind, DirectUrl};
pub(crate) use distribution::name_and_version;
pub use distribution::{Distribution, canonical, is_set_aside, requirement_name};
pub use fingerprint::Fingerprint;
pub use gate::Gate;
pub use markers::Markers;
pub use modules::provider;
pub use requires::{Broken, Requirements};
pub use signs::{AT_REST, at_rest};
#[cfg(feature = "backend")]
pub use signs::{Sign, SignKind, signs};
pub use snapshot::Snapshot;
pub(crate) use startup::{StartupFiles, is_startup_file};
