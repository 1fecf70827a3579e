//! Which distribution a module is of, by what its RECORD lists.

use std::io;
use std::path::PathBuf;

use super::distribution::Distribution;
use super::reading::{first, read_whole};
use super::snapshot::Snapshot;
use crate::project::Venv;

/// The name of the distribution in `venv`, where `installed` is what is there, that the module `module` (`numpy`, not
/// `numpy.linalg`) belongs to; of several that share it, one. None where no RECORD lists it.
///
/// # Errors
/// When a RECORD is there and cannot be read.
pub fn provider(venv: &Venv, installed: &Snapshot, module: &str) -> io::Result<Option<String>> {
    let sites = venv.all_site_packages()?;
    // Most are called as their modules are.
    let likely = installed.find(module).into_iter();
    for one in likely.chain(installed.shown()) {
        if provides(one, module, &sites)? {
            return Ok(Some(one.name.clone()));
        }
    }
    Ok(None)
}

fn provides(one: &Distribution, module: &str, sites: &[PathBuf]) -> io::Result<bool> {
    let Some(folder) = one.folder() else {
        return Ok(false);
    };
    let records = sites.iter().map(|site| site.join(folder).join("RECORD"));
    let record = first(records, read_whole)?.unwrap_or_default();
    let record = String::from_utf8_lossy(&record);
    Ok(record.lines().any(|line| {
        let rest = line.trim_start_matches('"').strip_prefix(module);
        rest.is_some_and(|rest| {
            let file = rest.split(',').next().unwrap_or_default();
            // `.cpython-312-x86_64-linux-gnu.so`, `.abi3.so`
            let is_extension = file
                .strip_prefix('.')
                .is_some_and(|end| end.ends_with("so"));
            file.starts_with('/') || file == ".py" || is_extension
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;

    #[test]
    fn a_module_is_of_the_distribution_that_lists_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().join(".venv");
        let site = root.join("lib/python3.11/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::fs::write(root.join("pyvenv.cfg"), "version = 3.11.7\n").expect("write");
        for (name, record) in [
            (
                "pyyaml",
                "yaml/__init__.py,sha256=x,1\n_yaml/__init__.py,,\n",
            ),
            ("six", "six.py,sha256=x,1\n"),
            ("fast", "fast.cpython-311-x86_64-linux-gnu.so,sha256=x,1\n"),
        ] {
            let info = site.join(format!("{name}-1.0.dist-info"));
            std::fs::create_dir(&info).expect("folder");
            std::fs::write(
                info.join("METADATA"),
                format!("Name: {name}\nVersion: 1.0\n"),
            )
            .expect("write");
            std::fs::write(info.join("RECORD"), record).expect("write");
        }
        let venv = Venv::open(&root).expect("an environment");
        let now = Snapshot::scan(&venv, &Host::fake(["x"])).expect("scanned");
        for (module, expected) in [
            ("yaml", Some("pyyaml")),
            ("six", Some("six")),
            ("fast", Some("fast")),
            ("pyyaml", None),
            ("si", None),
        ] {
            let found = provider(&venv, &now, module).expect("read");
            assert_eq!(found.as_deref(), expected, "{module}");
        }
    }
}
