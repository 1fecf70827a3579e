//! Which names in `bin` are pip, and which of them an environment should have.

use std::collections::BTreeSet;

use crate::files::read;
use crate::project::Venv;

/// Whether a file of this name is pip: `pip`, `pip3`, `pip3.11`, `pip-3.11`; not `pipx` or `pip-compile`.
pub(super) fn is_pip(name: &str) -> bool {
    let Some(version) = name.strip_prefix("pip") else {
        return false;
    };
    let digits = version.strip_prefix('-').unwrap_or(version);
    (version.is_empty() || digits.starts_with(|c: char| c.is_ascii_digit()))
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || c == '.' || c == '-')
}

/// The launchers that `venv` should have, given the scripts that pip made there (`real`).
///
/// There is no launcher `pip` where pip itself made no script `pip`: in its hint "To update, run", pip names the first
/// of `pip`, `pip3`, `pip3.X` on PATH, and would name ours.
pub(super) fn wanted(venv: &Venv, real: &BTreeSet<String>) -> BTreeSet<String> {
    let mut wanted = real.clone();
    if real.contains("pip") || !has_pip(venv) {
        wanted.extend(["pip".to_owned(), "pip3".to_owned()]);
        if let Some(version) = venv.python_version() {
            let minor: Vec<&str> = version.split('.').take(2).collect();
            let minor = minor.join(".");
            wanted.extend([format!("pip{minor}"), format!("pip-{minor}")]);
        }
    }
    wanted
}

/// The scripts that pip has by its own account: the names in `bin` that its RECORD lists (PEP 376).
pub(super) fn recorded(venv: &Venv) -> BTreeSet<String> {
    let sites = venv.site_packages().into_iter();
    let records = sites
        .filter_map(|site| std::fs::read_dir(site).ok())
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("pip-"))
        .filter_map(|entry| read::text(&entry.path().join("RECORD"), LONGEST_RECORD).ok());
    records
        .flat_map(|record| {
            let paths = record.lines().filter_map(|line| line.split(',').next());
            let names = paths.filter_map(|path| path.rsplit_once("/bin/").map(|(_, name)| name));
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|name| is_pip(name))
        .collect()
}

/// Longer than pip's RECORD.
const LONGEST_RECORD: u64 = 4 << 20;

/// Whether pip can be imported in `venv`, judged by its files: its package, an editable install, or packages of the
/// system that the environment shares.
pub fn has_pip(venv: &Venv) -> bool {
    let sites = venv.site_packages();
    sites
        .iter()
        .any(|site| site.join("pip/__init__.py").exists())
        || venv
            .setting("include-system-site-packages")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        || sites.iter().any(|site| {
            let entries = std::fs::read_dir(site).into_iter().flatten().flatten();
            entries.into_iter().any(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                ["pip-", "pip.egg-link", "__editable__.pip-"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_pip() {
        for name in ["pip", "pip3", "pip3.11", "pip-3.11", "pip3-3.11", "pip2"] {
            assert!(is_pip(name), "{name}");
        }
        for name in [
            "",
            "pi",
            "pipx",
            "pip-",
            "pip-compile",
            "pipenv",
            "pip3x",
            "pip.",
            "apip",
        ] {
            assert!(!is_pip(name), "{name}");
        }
    }
}
