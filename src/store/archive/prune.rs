//! How much is kept. What is installed costs nothing: its files are the environment's own.

use std::collections::HashSet;
use std::io;

use super::list::List;
use super::shelf::Shelf;
use super::views::Views;
use crate::project::{Config, VenvLayout};
use crate::store::places;
use crate::store::record::Generation;

/// What an archive holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many generations it knows.
    pub generations: usize,
    /// The size of the files of what is installed, which take no room of their own where they are linked.
    pub installed: u64,
    /// The size of the files of what is installed no more: what could be freed.
    pub removed: u64,
}

impl Usage {
    /// What the archive of the environment holds; nothing where it has none.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn of(venv: &VenvLayout) -> io::Result<Self> {
        let Some(shelf) = Shelf::of(venv)? else {
            return Ok(Self::default());
        };
        let mut counted = HashSet::new();
        let mut usage = Self::default();
        for generation in shelf.generations() {
            if let Some(list) = shelf.list(generation)? {
                let bytes = newly(&list, &mut counted);
                match usage.generations {
                    0 => usage.installed = bytes,
                    _ => usage.removed += bytes,
                }
                usage.generations += 1;
            }
        }
        Ok(usage)
    }
}

/// Lets go of the oldest generations that are over the limits of `config`, and of all that no other one has. Nothing
/// while an undo is under way, which may need it.
pub(super) fn prune(
    shelf: &Shelf,
    venv: &VenvLayout,
    config: &Config,
    now: Generation,
) -> io::Result<()> {
    if places::aim(venv)?.found(VenvLayout::UNDO).is_ok() {
        return Ok(());
    }
    let most = usize::try_from(config.archive_generations.value).unwrap_or(usize::MAX);
    let limit = config.archive_mib.value.saturating_mul(1 << 20);
    let mut kept = HashSet::new();
    let (mut bytes, mut is_over) = (0_u64, false);
    for (earlier, generation) in shelf.generations().into_iter().enumerate() {
        let mut with = kept.clone();
        if let Some(list) = shelf.list(generation)? {
            let more = newly(&list, &mut with);
            if generation < now {
                bytes = bytes.saturating_add(more);
                is_over |= earlier > most || bytes > limit;
            }
        }
        if is_over {
            shelf.forget_list(generation)?;
        } else {
            kept = with;
        }
    }
    sweep(shelf, venv, kept)
}

/// Removes every entry but those that are `kept`, or that a view leads to which is in use.
pub(super) fn sweep(shelf: &Shelf, venv: &VenvLayout, mut kept: HashSet<String>) -> io::Result<()> {
    // Nobody makes a view of what goes meanwhile.
    let views = Views::of(venv)?;
    if let Some(views) = &views {
        views.let_go(&mut kept)?;
    }
    for name in shelf.0.names()? {
        let is_kept = name
            .to_str()
            .is_some_and(|name| name == VenvLayout::GENERATIONS || kept.contains(name));
        if !is_kept {
            shelf.0.remove_all(&name)?;
        }
    }
    Ok(())
}

/// The size of the entries of `list` that are not `counted`, which now are.
pub(super) fn newly(list: &List, counted: &mut HashSet<String>) -> u64 {
    let items = list.distributions.iter();
    let new = items.filter(|item| {
        let entry = item.entry.as_ref();
        entry.is_some_and(|entry| counted.insert(entry.clone()))
    });
    new.map(|item| item.bytes).sum()
}
