//! Imports go down only, between rooms as the table of docs/architecture.md has them.

use std::collections::BTreeMap;
use std::path::Path;

use crate::source::sources;
use crate::uses::{Uses, is_outside};

/// The row of the table that has programs under `bin` instead of rooms.
const BIN: &str = "bin/*.rs";

#[test]
fn imports_go_down_only() {
    let rows = rows();
    let row = |room: &str| match rows.get(room) {
        Some(row) => *row,
        None => panic!("the room {room:?} has no row in docs/architecture.md"),
    };
    let arrows = Uses::read().arrows();
    assert!(
        arrows.len() > 500,
        "the reader of uses found next to nothing"
    );
    let mut wrong = Vec::new();
    for arrow in &arrows {
        let (from, to) = (arrow.from[0].as_str(), arrow.to[0].as_str());
        if from != to && row(to) >= row(from) {
            let (above, below) = (row(from), row(to));
            wrong.push(format!(
                "{}: {from} (row {above}) imports {to} (row {below})",
                arrow.place
            ));
        }
        if (from, to) == ("shim", "console") {
            wrong.push(format!("{}: the shim imports {to}", arrow.place));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_room_has_its_row_and_every_row_its_rooms() {
    let mut rooms: Vec<String> = sources()
        .iter()
        .filter(|source| !is_outside(source))
        .map(|source| source.module()[0].clone())
        .collect();
    rooms.dedup();
    let mut documented: Vec<String> = rows().into_keys().filter(|room| room != BIN).collect();
    documented.sort();
    rooms.sort();
    assert_eq!(rooms, documented);
}

#[test]
fn only_one_room_asks_which_system_this_is() {
    let asking: Vec<_> = sources()
        .into_iter()
        .filter(|source| source.code.contains("target_os"))
        .map(|source| source.module()[0].clone())
        .collect();
    assert!(
        !asking.is_empty() && asking.iter().all(|room| room == "system"),
        "{asking:?}"
    );
}

#[test]
fn programs_are_thin() {
    let bin = Path::new(env!("CARGO_MANIFEST_DIR")).join("bin");
    for entry in std::fs::read_dir(bin).expect("bin") {
        let path = entry.expect("readable").path();
        let lines = std::fs::read_to_string(&path)
            .expect("text")
            .lines()
            .count();
        assert!(lines < 20, "{} has {lines} lines", path.display());
    }
}

/// The row of each room, from the ground up, as the document has it.
fn rows() -> BTreeMap<String, usize> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md");
    let text = std::fs::read_to_string(document).expect("the document");
    let (_, table) = text
        .split_once("| row | rooms | invariants |\n| --- | --- | --- |\n")
        .expect("the table of rooms");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.enumerate()
        .flat_map(|(row, line)| {
            let rooms = line.split('|').nth(2).expect("a column of rooms");
            let names = rooms.split('`').skip(1).step_by(2);
            names.map(move |name| (name.to_owned(), row))
        })
        .collect()
}
