//! What happened to a distribution, and what one misses, in words.

use crate::inventory::{Broken, Change};
use crate::terminal::printable;
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

/// A requirement that does not hold: `botocore 1.29.0 needs urllib3<1.27, and 2.0 is installed`.
pub fn broken(one: &Broken) -> String {
    let (name, version) = (printable(&one.name), printable(&one.version));
    let needs = printable(&one.needs);
    let words = match &one.found {
        Some(found) => t!(
            "console.requirement_other",
            name = name,
            version = version,
            needs = needs,
            found = printable(found)
        ),
        None => t!(
            "console.requirement_missing",
            name = name,
            version = version,
            needs = needs
        ),
    };
    words.into_owned()
}
