//! No circle within a room (docs/architecture.md): what one module uses never uses it in turn.

use std::collections::{BTreeMap, BTreeSet};

use crate::uses::{Module, Uses, circles};

/// Looked at in each folder by itself: the folders and files in it, each with all that is below it, and its `mod.rs` as
/// one more. So neither two files nor two folders use each other, nor a folder's `mod.rs` and a file that it leads to.
#[test]
fn no_circles_within_a_room() {
    let arrows = Uses::read().arrows();
    assert!(
        arrows.len() > 500,
        "the reader of uses found next to nothing"
    );
    // Of each folder: who uses whom, and where first.
    let mut folders: BTreeMap<&[String], BTreeMap<(String, String), &str>> = BTreeMap::new();
    for arrow in &arrows {
        let shared = arrow
            .from
            .iter()
            .zip(&arrow.to)
            .take_while(|(from, to)| from == to)
            .count();
        if shared > 0 {
            let part =
                |module: &Module| module.get(shared).map_or("mod.rs", |name| name).to_owned();
            folders
                .entry(&arrow.from[..shared])
                .or_default()
                .entry((part(&arrow.from), part(&arrow.to)))
                .or_insert(&arrow.place);
        }
    }
    let mut found = Vec::new();
    for (folder, uses) in &folders {
        let turns: BTreeSet<_> = circles(uses.keys().cloned().collect());
        for (from, to) in turns {
            let place = uses[&(from.clone(), to.clone())];
            found.push(format!("{}: {from} uses {to} ({place})", folder.join("/")));
        }
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}
