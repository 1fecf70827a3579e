//! The site-packages folders that the hook is put into: those that lie in the environment itself.
//!
//! Reading what is installed follows links, for that changes nothing; the hook goes no way that a cloned environment
//! may have laid to another folder.

use std::io;

use crate::files::Folder;
use crate::files::momentary::{found, is_momentary};
use crate::project::{Venv, VenvLayout};
use crate::store::places;

/// The folders, open; sorted by their paths.
///
/// # Errors
/// What the system says of the environment's folder; or that all ways into its site-packages are links.
pub(super) fn sites(venv: &Venv) -> io::Result<Vec<Folder>> {
    let root = places::environment(&venv.layout())?;
    let mut all = Vec::new();
    let mut refused = None;
    for lib in VenvLayout::LIBS {
        // The usual `lib64` is a link to `lib`.
        let Some(lib) = found(root.folder(lib))? else {
            continue;
        };
        for name in lib.names()? {
            let text = name.to_string_lossy();
            if !(text.starts_with("python") || text.starts_with("pypy")) {
                continue;
            }
            let site = lib
                .folder(&name)
                .and_then(|python| python.folder(VenvLayout::SITE_PACKAGES));
            match site {
                Ok(site) => all.push(site),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) if is_momentary(&error) => return Err(error),
                Err(error) => refused = Some((lib.path().join(name), error)),
            }
        }
    }
    if all.is_empty() {
        if let Some((path, error)) = refused {
            let why = format!("{}: {error}", path.display());
            return Err(io::Error::new(error.kind(), why));
        }
        if let Some(elsewhere) = venv.site_packages().first() {
            let why = format!(
                "{} lies outside of the environment: a link is not followed here",
                elsewhere.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    }
    all.sort_by(|a, b| a.path().cmp(b.path()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// An environment whose part at `link` is a link to a folder elsewhere that has what belongs there.
    fn check(link: &str, is_refused: bool) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("venv");
        let site = root.join("lib/python3.12/site-packages");
        std::fs::create_dir_all(&site).expect("folders");
        std::fs::write(root.join("pyvenv.cfg"), "").expect("write");
        if !link.is_empty() {
            let there = root.join(link);
            let elsewhere = dir.path().join("elsewhere");
            std::fs::rename(&there, &elsewhere).expect("moved");
            symlink(&elsewhere, &there).expect("link");
        }
        symlink("lib", root.join("lib64")).expect("link");
        symlink("python3.12", root.join("lib/python3")).expect("link");
        let found = sites(&Venv::open(&root).expect("an environment"));
        let paths: Option<Vec<_>> = found
            .ok()
            .map(|sites| sites.iter().map(|site| site.path().to_owned()).collect());
        assert_eq!(paths, (!is_refused).then(|| vec![site]), "{link}");
    }

    #[test]
    fn only_what_lies_in_the_environment_is_a_place_for_the_hook() {
        check("", false);
        check("lib", true);
        check("lib/python3.12", true);
        check("lib/python3.12/site-packages", true);
    }
}
