//! The values of an argument that a shell offers after Tab, where the grammar does not know them: runs, packages,
//! projects, settings.

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, PathCompleter, ValueCompleter as _};

use super::shell;
use crate::host::Host;
use crate::project::{Registration, Registry};
use crate::secrets::hide;
use crate::terminal::printable;

/// What can be typed, and what it means.
pub type Value = (String, String);

/// One of the values that `of` gives or, where none begins as what was typed does, what `path` finds.
pub fn values_or(of: fn() -> Vec<Value>, path: PathCompleter) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| {
        let values = beginning(typed, of());
        if values.is_empty() {
            path.complete(typed)
        } else {
            values
        }
    })
}

/// One of the values that `of` gives.
pub fn values(of: fn() -> Vec<Value>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |typed: &OsStr| beginning(typed, of()))
}

/// Those that begin as what was `typed`. What a shell would read as several words is left out.
fn beginning(typed: &OsStr, values: Vec<Value>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let is_fit = |value: &str| value.starts_with(&*typed) && shell::word(value) == value;
    values
        .into_iter()
        .filter(|(value, _)| is_fit(value))
        .map(|(value, meaning)| {
            let meaning = printable(&hide(&meaning));
            CompletionCandidate::new(value).help((!meaning.is_empty()).then(|| meaning.into()))
        })
        .collect()
}

/// The projects that are registered with the daemon, and their folders.
pub fn projects() -> Vec<Value> {
    let registry = Registry::of(&Host::real());
    let value =
        |project: &Registration| (project.id.to_string(), project.path.display().to_string());
    registry.projects().iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_one_word_and_begins_so_is_offered() {
        let all = ["six", "sit down", "$(reboot)", "ten"];
        let values = all.map(|value| (value.to_owned(), "a\nb https://u:hunter2@h".to_owned()));
        let offered = beginning(OsStr::new(""), values.to_vec());
        let values: Vec<_> = offered.iter().map(CompletionCandidate::get_value).collect();
        assert_eq!(values, ["six", "ten"]);
        let help = offered[0].get_help().expect("its meaning").to_string();
        assert!(!help.contains('\n') && !help.contains("hunter2"), "{help}");
        let words = ["six", "sit"].map(|value| (value.to_owned(), String::new()));
        assert_eq!(beginning(OsStr::new("six"), words.to_vec()).len(), 1);
    }
}
