//! Lets go of generations before a time is up for them: those that the history does not tell of any more.

use std::collections::HashSet;
use std::io;

use super::prune::{newly, sweep};
use super::shelf::Shelf;
use crate::project::VenvLayout;
use crate::store::lock::RunLock;
use crate::store::places;
use crate::store::record::Generation;

/// What was, or would be, let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::store) struct Freed {
    pub(in crate::store) generations: usize,
    /// The size of the files that no other generation has.
    pub(in crate::store) bytes: u64,
}

/// Lets go of the generations before `oldest`, and of all that no other one has; without `held`, which says that nobody
/// is in the middle of a change, only says what would go. Nothing while an undo is under way.
///
/// # Errors
/// What the system says.
pub(in crate::store) fn let_go(
    venv: &VenvLayout,
    oldest: Generation,
    held: Option<&RunLock>,
) -> io::Result<Freed> {
    let mut freed = Freed::default();
    let Some(shelf) = Shelf::of(venv)? else {
        return Ok(freed);
    };
    if places::aim(venv)?.found(VenvLayout::UNDO).is_ok() {
        return Ok(freed);
    }
    let (mut kept, mut counted) = (HashSet::new(), HashSet::new());
    for (earlier, generation) in shelf.generations().into_iter().enumerate() {
        let Some(list) = shelf.list(generation)? else {
            continue;
        };
        let bytes = newly(&list, &mut counted);
        // The newest list is that of what is installed, however old it is.
        if generation >= oldest || earlier == 0 {
            kept.clone_from(&counted);
            continue;
        }
        freed.generations += 1;
        freed.bytes += bytes;
        if held.is_some() {
            shelf.forget_list(generation)?;
        }
    }
    if held.is_some() && freed.generations > 0 {
        sweep(&shelf, venv, kept)?;
    }
    Ok(freed)
}
