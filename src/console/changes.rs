//! What happened to a distribution, in words.

use crate::inventory::Change;
use crate::words::t;

/// `+six 1.16.0`, `-x 1.0`, `y 1 → 2`, `z 3 (reinstalled)`.
pub fn words(change: &Change) -> String {
    let name = change.shown_name();
    match (&change.from, &change.to) {
        (None, Some(to)) => format!("+{name} {to}"),
        (Some(from), Some(to)) if from == to => {
            format!("{name} {to} {}", t!("console.reinstalled"))
        }
        (Some(from), Some(to)) => format!("{name} {from} → {to}"),
        (Some(from), None) => format!("-{name} {from}"),
        (None, None) => name,
    }
}
