//! A place on its way to the program that takes this one's place.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::lock::Lock;
use super::{Bound, ServedSocket};
use crate::backend::handed::Handed;
use crate::error::Result;
use crate::files::Identity;
use crate::project::socket_lock;

/// A place on its way to the program that takes this one's place.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::backend) struct HandedPlace {
    path: PathBuf,
    paths: Vec<PathBuf>,
    is_chosen: bool,
    is_lent: bool,
    lock: Handed,
    listener: Handed,
}

impl HandedPlace {
    /// What has to stay open on the way.
    pub(in crate::backend) fn descriptors(&self) -> [&Handed; 2] {
        [&self.lock, &self.listener]
    }
}

impl ServedSocket {
    /// The place as it is handed over. This one has to live until that is done: it would take its files with it.
    ///
    /// # Errors
    /// When no descriptor is free.
    pub(in crate::backend) fn hand_over(&self) -> io::Result<HandedPlace> {
        Ok(HandedPlace {
            path: self.bound.path.clone(),
            paths: self.paths.clone(),
            is_chosen: self.is_chosen,
            is_lent: self.bound.is_lent,
            lock: Handed::again(&self.lock.file)?,
            listener: Handed::again(&self.bound.listener)?,
        })
    }

    /// The place that was handed over.
    ///
    /// # Errors
    /// When its lock or its socket is gone.
    pub(in crate::backend) fn take_up(handed: HandedPlace) -> Result<Self> {
        let file = File::from(handed.lock.into_inner());
        Ok(Self {
            paths: handed.paths,
            is_chosen: handed.is_chosen,
            lock: Lock {
                path: socket_lock(&handed.path),
                identity: Identity::of(&file)?,
                file,
            },
            bound: Bound {
                identity: Identity::at(&handed.path)?,
                path: handed.path,
                is_lent: handed.is_lent,
                listener: UnixListener::from(handed.listener.into_inner()),
            },
        })
    }
}
