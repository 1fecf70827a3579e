//! What is run, and when it is restarted.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// At which changes of the environment a command is restarted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// At each.
    #[default]
    Change,
    /// At one of something that it has loaded.
    Loaded,
    /// At none: only when somebody asks.
    Manual,
}

/// What is run, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// By what name it is known in its environment.
    pub name: String,
    /// The program and its arguments.
    pub words: Vec<OsString>,
    /// When it is restarted.
    pub on: On,
    /// Sent instead of a restart, where the command then does by itself what is needed.
    pub signal: Option<i32>,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
    /// Whether it is run once after each change, and not all the time.
    pub after_change: bool,
}

/// The name of what `words` run, as a person would say it: `uvicorn` for `.venv/bin/uvicorn app:app` as for
/// `python -m uvicorn app:app`, `serve.py` for `python serve.py`.
pub fn name_of(words: &[OsString]) -> String {
    let file_name = |word: &OsString| {
        let name = Path::new(word).file_name().unwrap_or(word);
        name.to_string_lossy().into_owned()
    };
    let mut words = words.iter();
    let program = words.next().map(file_name).unwrap_or_default();
    if !program.starts_with("python") {
        return program;
    }
    let mut words =
        words.skip_while(|word| *word != "-m" && word.to_string_lossy().starts_with('-'));
    let run = match words.next() {
        Some(option) if option == "-m" => words.next(),
        script => script,
    };
    run.map_or(program, file_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_called_as_people_call_it() {
        for (typed, name) in [
            ("uvicorn app:app", "uvicorn"),
            (".venv/bin/uvicorn app:app", "uvicorn"),
            ("python -m uvicorn app:app", "uvicorn"),
            ("python3.12 -u -m http.server", "http.server"),
            ("python -X dev ./serve.py --port 1", "dev"),
            ("python ./serve.py --port 1", "serve.py"),
            ("python", "python"),
            ("", ""),
        ] {
            let words: Vec<OsString> = typed.split_whitespace().map(OsString::from).collect();
            assert_eq!(name_of(&words), name, "{typed}");
        }
    }
}
