//! Which files of a project a node may be run of, for the page.

use std::path::Path;

use axum::Json;
use walkdir::{DirEntry, WalkDir};

use super::named::{ByFolder, ById, NamedIfKnown, Shared};
use crate::api::v1::{ErrorBody, NodeFiles};
use crate::backend::answer::{Answer, Refusal};
use crate::backend::supervise;
use crate::project::Venv;

/// Most files that are named.
const MOST: usize = 500;

/// Entries that are looked at: a project may hold a disk of data.
const MOST_ENTRIES: usize = 20_000;

/// Folders within folders.
const DEPTH: usize = 4;

/// `GET …/nodes`: Python files of the project, but for those of environments and hidden folders.
#[utoipa::path(
    get,
    path = "/api/v1/projects/{id}/nodes",
    tag = "more",
    summary = "The files that a node may be run of, and whether there is a flow.",
    description = "",
    params(ById, ByFolder),
    responses(
        (status = 200, description = "Done", body = NodeFiles),
        (status = 404, description = "`no-such-project`", body = ErrorBody),
    )
)]
pub(super) async fn list(_: Shared, NamedIfKnown(known): NamedIfKnown) -> Answer<NodeFiles> {
    let (root, layout) = (known.root(), known.layout());
    let found = supervise::blocking("a look for nodes", move || NodeFiles {
        flow: layout.structure().is_file(),
        ..files(&root)
    });
    let found = found.await;
    found
        .map(Json)
        .map_err(|error| Refusal::internal("cannot look for nodes", error))
}

fn files(root: &Path) -> NodeFiles {
    let entries = WalkDir::new(root)
        .max_depth(DEPTH)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || is_looked_into(entry))
        .take(MOST_ENTRIES)
        .flatten();
    let mut files: Vec<String> = entries
        .filter(|entry| entry.file_type().is_file())
        .filter(|entry| entry.path().extension().is_some_and(|end| end == "py"))
        .filter_map(|entry| {
            let path = entry.path().strip_prefix(root).ok()?;
            path.to_str().map(str::to_owned)
        })
        .take(MOST + 1)
        .collect();
    let more = files.len() > MOST;
    files.truncate(MOST);
    // Those of the project's own folder first.
    files.sort_by_key(|file| (file.matches('/').count(), file.clone()));
    NodeFiles {
        files,
        more,
        flow: false,
    }
}

fn is_looked_into(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_encoded_bytes();
    if name.starts_with(b".") {
        return false;
    }
    let is_other = matches!(name, b"__pycache__" | b"node_modules");
    !entry.file_type().is_dir() || !is_other && Venv::open(entry.path()).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_the_projects_own_python_files() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, "").expect("written");
        };
        for name in [
            "nodes/b.py",
            "z.py",
            "a.txt",
            "env/pyvenv.cfg",
            "env/lib/x.py",
            ".venv/lib/x.py",
            ".hidden.py",
            "__pycache__/x.py",
            "1/2/3/4/5.py",
            "folder.py/in.py",
        ] {
            write(name);
        }
        std::os::unix::fs::symlink("/", dir.path().join("all")).expect("a link");
        let found = files(dir.path());
        assert_eq!(found.files, ["z.py", "folder.py/in.py", "nodes/b.py"]);
        assert!(!found.more);
        for number in 0..=MOST {
            write(&format!("many/{number}.py"));
        }
        let found = files(dir.path());
        assert_eq!((found.files.len(), found.more), (MOST, true));
    }
}
