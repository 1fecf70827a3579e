//! What a person may have meant by a name that is not there.

use std::path::Path;

use crate::error::Error;
use crate::project::Venv;
use crate::terminal::printable;
use crate::words::{nearest, t};

/// Files and folders of a project that are looked at.
const LOOKED_AT: usize = 5000;

/// `error`, with the name that may have been meant.
pub(super) fn hinted(error: Error, name: Option<&str>) -> Error {
    match name {
        Some(name) => error.hint(t!("worker_cli.hint_meant", name = printable(name))),
        None => error,
    }
}

/// The file of the project in `root` that may have been meant by `typed`: one of that name, or else of one like it.
pub(super) fn node_file(root: &Path, typed: &Path) -> Option<String> {
    let name = typed.file_name()?.to_str()?;
    let files = python_files(root);
    let name_of = |file: &str| file.rsplit('/').next().unwrap_or(file).to_owned();
    let names: Vec<String> = files.iter().map(|file| name_of(file)).collect();
    let best = nearest(name, names.iter().map(String::as_str))?;
    files.iter().find(|file| name_of(file) == best).cloned()
}

/// The project's Python files, with `/`; those of hidden folders and of environments are not its own.
fn python_files(root: &Path) -> Vec<String> {
    let (mut files, mut folders, mut looked_at) = (Vec::new(), vec![root.to_path_buf()], 0);
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > LOOKED_AT {
                return files;
            }
            let (path, name) = (entry.path(), entry.file_name());
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            if is_folder && !is_hidden && name != "__pycache__" && Venv::open(&path).is_err() {
                folders.push(path);
            } else if !is_folder && !is_hidden && path.extension().is_some_and(|end| end == "py") {
                let relative = path.strip_prefix(root).ok().and_then(Path::to_str);
                files.extend(relative.map(str::to_owned));
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_wherever_the_project_has_it() {
        let dir = tempfile::tempdir().expect("temporary folder");
        for file in [
            "nodes/load.py",
            "sub.py",
            ".venv/lib/lod.py",
            "env/lod.py",
            "env/pyvenv.cfg",
        ] {
            let path = dir.path().join(file);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folder");
            std::fs::write(path, "").expect("write");
        }
        for (typed, expected) in [
            ("load.py", Some("nodes/load.py")),
            ("nodes/lod.py", Some("nodes/load.py")),
            ("zzz.txt", None),
            ("..", None),
        ] {
            let found = node_file(dir.path(), Path::new(typed));
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
    }
}
