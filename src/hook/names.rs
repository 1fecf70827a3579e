//! Which names in `bin` are pip's, and whether an environment has pip.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::files::momentary::{found, there};
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

/// The scripts that pip has by its own account: the names in `bin` that its RECORD lists (PEP 376).
///
/// # Errors
/// What the system says of a folder, but that it is missing; of a RECORD, only what is of the moment.
pub(super) fn recorded(venv: &Venv) -> io::Result<BTreeSet<String>> {
    let mut scripts = BTreeSet::new();
    for site in venv.all_site_packages()? {
        for name in names_in(&site)? {
            if !name.starts_with("pip-") {
                continue;
            }
            let record = site.join(name).join("RECORD");
            let record = found(read::text(&record, LONGEST_RECORD))?.unwrap_or_default();
            let paths = record.lines().filter_map(|line| line.split(',').next());
            let names = paths.filter_map(|path| path.rsplit_once("/bin/").map(|(_, name)| name));
            scripts.extend(names.filter(|name| is_pip(name)).map(str::to_owned));
        }
    }
    Ok(scripts)
}

/// The names in `folder`, as far as they are text; none where it is missing.
fn names_in(folder: &Path) -> io::Result<Vec<String>> {
    let entries = there(std::fs::read_dir(folder))?.into_iter().flatten();
    let names: Vec<_> = entries
        .map(|entry| entry.map(|entry| entry.file_name().into_string().ok()))
        .collect::<io::Result<_>>()?;
    Ok(names.into_iter().flatten().collect())
}

/// Longer than pip's RECORD.
const LONGEST_RECORD: u64 = 4 << 20;

/// Whether pip can be imported in `venv`, judged by its files: its package, an editable install, or packages of the
/// system that the environment shares.
///
/// # Errors
/// What the system says of a folder, but that it is missing; of a file, only what is of the moment.
pub fn has_pip(venv: &Venv) -> io::Result<bool> {
    let sites = venv.all_site_packages()?;
    for site in &sites {
        if found(site.join("pip/__init__.py").metadata())?.is_some() {
            return Ok(true);
        }
    }
    if venv.lets_system_in()? {
        return Ok(true);
    }
    let is_trace = |name: &String| TRACES.iter().any(|prefix| name.starts_with(prefix));
    for site in &sites {
        if names_in(site)?.iter().any(is_trace) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How the names begin by which an installation of pip is known that has no package folder of its own.
const TRACES: [&str; 3] = ["pip-", "pip.egg-link", "__editable__.pip-"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_there_where_it_can_be_imported() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let site = dir.path().join("lib/python3.11/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::fs::create_dir(dir.path().join("bin")).expect("folder");
        std::fs::write(dir.path().join("bin/python"), "").expect("written");
        let has_pip_with = |settings: &str| {
            std::fs::write(dir.path().join("pyvenv.cfg"), settings).expect("written");
            has_pip(&Venv::open(dir.path()).expect("an environment")).expect("readable")
        };
        let others = "include-system-site-packages";
        assert!(!has_pip_with(&format!(
            "version = 3.11.7\n{others} = false\n"
        )));
        assert!(has_pip_with(&format!(
            "version = 3.11.7\n{others} = True\n"
        )));
        // As Python has it where the line is missing.
        assert!(has_pip_with("version = 3.11.7\n"));
        std::fs::create_dir(site.join("pip-25.0.dist-info")).expect("folder");
        assert!(has_pip_with(&format!(
            "version = 3.11.7\n{others} = false\n"
        )));
    }

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
