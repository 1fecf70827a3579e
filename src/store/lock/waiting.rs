//! Who waits for the run lock, for others to see.
//!
//! A file beside the lock, itself locked for as long as its writer waits: what a killed one leaves tells nobody
//! anything, and the next who looks takes it away.

use std::fs::TryLockError;

use super::held::{Attempt, Held, Place};
use super::holder::Holder;
use crate::project::VenvLayout;
use crate::store::places;

/// A sign that somebody waits; taken away when dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    venv: VenvLayout,
    name: String,
    _held: Held,
}

impl Waiting {
    /// Leaves word that `me` waits. None where that cannot be written: it waits all the same.
    pub(super) fn begin(venv: &VenvLayout, me: &Holder) -> Option<Self> {
        let name = format!("{}{}", VenvLayout::WAITING, std::process::id());
        let place = Place {
            path: venv.aim().join(&name),
            name: &name,
            folder: &|| places::aim(venv),
        };
        let Ok(Attempt::Held(held)) = Held::attempt(&place, me) else {
            return None;
        };
        Some(Self {
            venv: venv.clone(),
            name,
            _held: held,
        })
    }

    /// All who wait now, by their processes.
    pub(super) fn all(venv: &VenvLayout) -> Vec<Holder> {
        let Ok(aim) = places::aim(venv) else {
            return Vec::new();
        };
        let names = aim.names().unwrap_or_default().into_iter();
        let signs = names.filter(|name| name.to_string_lossy().starts_with(VenvLayout::WAITING));
        let mut waiting: Vec<Holder> = signs
            .filter_map(|name| {
                let (file, _) = aim.open_file(&name).ok()?;
                match file.try_lock() {
                    Err(TryLockError::WouldBlock) => Some(Holder::read(&file)),
                    Err(TryLockError::Error(_)) => None,
                    Ok(()) => {
                        let _ = aim.remove(&name);
                        None
                    }
                }
            })
            .collect();
        waiting.sort_by_key(|holder| holder.pid);
        waiting
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Ok(aim) = places::aim(&self.venv) {
            let _ = aim.remove(&self.name);
        }
    }
}
