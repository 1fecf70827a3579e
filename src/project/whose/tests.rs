use std::os::unix::fs::symlink;

use super::*;
use crate::project::Project;

struct Site {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        Self { _dir: dir, root }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        symlink(self.path(target), path).expect("link");
    }

    fn venv(&self, path: &str) -> Venv {
        self.write(&format!("{path}/pyvenv.cfg"), "");
        Venv::open(self.path(path)).expect("an environment")
    }

    /// Notes in the environment at `path` that it belongs to the project in `folder`.
    fn note(&self, path: &str, folder: &str) {
        let venv = Venv::open(self.path(path)).expect("an environment");
        let mut note = Note::of(&venv);
        assert!(note.add(&self.path(folder), &venv), "{path} {folder}");
        self.write(&format!("{path}/.aim/project"), note.to_bytes());
    }

    /// The folder that keeps the record of the environment at `path`.
    fn keeper(&self, path: &str) -> String {
        let venv = Venv::open(self.path(path)).expect("an environment");
        self.short(Project::of_venv(venv).keeper())
    }

    /// The environment of the project at `path`, and the folder that keeps its record.
    fn at(&self, path: &str) -> Option<(String, String)> {
        let project = Project::at(&self.path(path))?;
        Some((
            self.short(project.venv().root()),
            self.short(project.keeper()),
        ))
    }

    fn short(&self, path: &Path) -> String {
        let short = path.strip_prefix(&self.root).expect("within");
        short.to_string_lossy().into_owned()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "beside what may be none")]
fn both(venv: &str, keeper: &str) -> Option<(String, String)> {
    Some((venv.to_owned(), keeper.to_owned()))
}

#[test]
fn by_place_alone() {
    let site = Site::new();
    for venv in [
        "a/.venv",
        "b/venv",
        "c/env",
        "d/.env",
        "e/.direnv/python-3.11",
    ] {
        let project = &venv[..1];
        site.venv(venv);
        assert_eq!(site.keeper(venv), project);
        assert_eq!(site.at(project), both(venv, project));
    }
    site.venv("f");
    assert_eq!(
        (site.keeper("f"), site.at("f")),
        ("f".to_owned(), both("f", "f"))
    );
}

#[test]
fn a_second_one_in_the_same_folder_keeps_its_own_record() {
    let site = Site::new();
    for venv in ["p/.venv", "p/venv", "p/test-3.12", "p/.tox/py311"] {
        site.venv(venv);
    }
    assert_eq!(site.at("p"), both("p/.venv", "p"));
    for other in ["p/venv", "p/test-3.12", "p/.tox/py311"] {
        assert_eq!(site.keeper(other), other);
        assert_eq!(site.at(other), both(other, other));
    }
    site.note("p/venv", "p");
    assert_eq!(
        site.at("p"),
        both("p/venv", "p"),
        "what has been taken over stays"
    );
    assert_eq!(site.keeper("p/.venv"), "p/.venv");
}

#[test]
fn one_that_was_made_over_the_projects_folder() {
    let site = Site::new();
    site.venv("p");
    site.venv("p/.venv");
    site.note("p/.venv", "p");
    assert_eq!(site.at("p"), both("p", "p"));
    assert_eq!(site.keeper("p/.venv"), "p/.venv");
}

#[test]
fn one_elsewhere_by_either_path() {
    let site = Site::new();
    site.venv("central/p-x1");
    site.link("p/.venv", "central/p-x1");
    site.note("central/p-x1", "p");
    assert_eq!(site.keeper("central/p-x1"), "p");
    assert_eq!(site.keeper("p/.venv"), "p");
    assert_eq!(site.at("p"), both("p/.venv", "p"));
}

#[test]
fn one_that_pipenv_noted_counts_when_the_project_knows_it() {
    let site = Site::new();
    site.venv("central/p-x1");
    site.write(
        "central/p-x1/.project",
        site.path("p").as_os_str().as_bytes(),
    );
    site.write("p/file", "");
    assert_eq!(site.keeper("central/p-x1"), "central/p-x1");
    let place = site.path("central/p-x1");
    site.write(
        "p/.pip-logs/environment",
        [place.as_os_str().as_bytes(), b"\n"].concat(),
    );
    assert_eq!(site.keeper("central/p-x1"), "p");
    assert_eq!(site.at("p"), both("central/p-x1", "p"));
}

#[test]
fn two_projects_of_one_environment() {
    let site = Site::new();
    site.venv("central/x");
    for project in ["q", "p"] {
        site.link(&format!("{project}/.venv"), "central/x");
        site.note("central/x", project);
    }
    assert_eq!(site.at("q"), both("q/.venv", "q"));
    assert_eq!(site.at("p"), both("p/.venv", "q"));
    let venv = Venv::open(site.path("p/.venv")).expect("an environment");
    let all: Vec<PathBuf> = sharing(&venv).collect();
    assert_eq!(all, [site.path("q"), site.path("p")]);
    std::fs::remove_file(site.path("q/.venv")).expect("removed");
    assert_eq!(site.at("p"), both("p/.venv", "p"), "the next one keeps it");
}

#[test]
fn nobody_is_claimed_by_a_note_alone() {
    let site = Site::new();
    site.venv("victim/.venv");
    site.venv("clone/.venv");
    site.write(
        "clone/.venv/.aim/project",
        site.path("victim").as_os_str().as_bytes(),
    );
    site.write(
        "clone/.venv/.project",
        site.path("victim").as_os_str().as_bytes(),
    );
    assert_eq!(site.keeper("clone/.venv"), "clone");
    let theirs = site.path("victim/.venv");
    site.write("other/.pip-logs/environment", theirs.as_os_str().as_bytes());
    assert_eq!(site.at("other"), None);
    assert_eq!(site.keeper("victim/.venv"), "victim");
}

#[test]
fn a_copy_and_a_move_take_the_environment_along() {
    let site = Site::new();
    site.venv("p/.venvs/main");
    site.write("p/.pip-logs/x", "");
    site.note("p/.venvs/main", "p");
    let known = |site: &Site, project: &str| {
        site.write(&format!("{project}/.pip-logs/environment"), ".venvs/main\n");
    };
    known(&site, "p");
    assert_eq!(site.at("p"), both("p/.venvs/main", "p"));
    // As `cp -r` makes it.
    site.venv("copy/.venvs/main");
    let note = std::fs::read(site.path("p/.venvs/main/.aim/project")).expect("read");
    site.write("copy/.venvs/main/.aim/project", &note);
    known(&site, "copy");
    assert_eq!(site.keeper("copy/.venvs/main"), "copy");
    assert_eq!(site.keeper("p/.venvs/main"), "p");
    std::fs::rename(site.path("p"), site.path("moved")).expect("moved");
    assert_eq!(site.at("moved"), both("moved/.venvs/main", "moved"));
}

#[test]
fn hostile_notes_name_nobody() {
    let site = Site::new();
    let venv = site.venv("p/.venv");
    for text in [
        b"relative\n".as_slice(),
        b"\n\n\t..\n",
        b"/\xff\xfe\0\n",
        &vec![b'x'; 100_000],
        b"/nowhere\t../../../../../..\n",
    ] {
        site.write("p/.venv/.aim/project", text);
        assert_eq!(site.keeper("p/.venv"), "p");
    }
    let mut note = Note::default();
    assert!(!note.add(Path::new("/a\nb"), &venv), "no line can hold it");
}
