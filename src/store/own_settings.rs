//! What a person wants of one project, or of all: `projects.toml` beside their `config.toml`, which
//! `aim-venv-sync enable` and `disable` write, and in which a person may write, too.
//!
//! **Invariant:** what stands there otherwise, comments included, is kept. A file that is not TOML is never written.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use crate::files::{atomic, read};
use crate::host::Host;
use crate::project::{ALL_PROJECTS, SINGLE_PROJECTS, UserLayout};

/// Longer than anybody's settings, in bytes.
const LONGEST: u64 = 1 << 20;

/// What a new file begins with.
const HEAD: &str = "\
# What you want of single projects, over what their .aim.toml says, and of all of them.
# `aim-venv-sync enable` and `disable` write here, and so can you.
";

const ENABLED: &str = "enabled";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSettings {
    file: PathBuf,
}

/// Of which project something is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of<'p> {
    /// Of every project.
    All,
    /// Of the one in this folder.
    Project(&'p Path),
}

impl OwnSettings {
    /// Those of the person whose process `host` is; none for one without a home.
    pub fn of(host: &Host) -> Option<Self> {
        Some(Self {
            file: UserLayout::of(host)?.project_settings(),
        })
    }

    /// Where they stand.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Says whether the toolkit is on for a project or, with none, that nothing is said of it here; gives whether that
    /// is another thing than before.
    ///
    /// # Errors
    /// What the system says; that the path is no UTF-8, or that the file is not TOML.
    pub fn enable(&self, of: Of<'_>, is_on: Option<bool>) -> io::Result<bool> {
        self.edit(|whole| {
            let table = table(whole, of)?;
            let before = table.get(ENABLED).and_then(Item::as_bool);
            match is_on {
                Some(is_on) if before != Some(is_on) => {
                    table.insert(ENABLED, value(is_on));
                }
                Some(_) => {}
                None => {
                    table.remove(ENABLED);
                }
            }
            drop_empty(whole, of);
            Ok(before != is_on)
        })
    }

    /// The folders of the projects of which it is said that the toolkit is on (or off).
    ///
    /// # Errors
    /// As [`Self::enable`].
    pub fn said(&self, is_on: bool) -> io::Result<Vec<PathBuf>> {
        let whole = self.parsed()?.0;
        let projects = whole.get(SINGLE_PROJECTS).and_then(Item::as_table_like);
        let projects = projects.into_iter().flat_map(TableLike::iter);
        let of = |item: &Item| item.as_table_like()?.get(ENABLED)?.as_bool();
        let said = projects.filter(|(_, item)| of(item) == Some(is_on));
        Ok(said.map(|(root, _)| PathBuf::from(root)).collect())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the person's configuration folder, which no project can bring"
    )]
    fn edit<R>(&self, change: impl FnOnce(&mut DocumentMut) -> io::Result<R>) -> io::Result<R> {
        if let Some(folder) = self.file.parent() {
            fs_err::create_dir_all(folder)?;
        }
        let lock = File::create(self.file.with_extension("lock"))?;
        lock.lock()?;
        let (mut whole, before, is_ours) = self.parsed()?;
        let result = change(&mut whole)?;
        let after = whole.to_string();
        if after != before {
            let text = match after.trim_start_matches('\n') {
                _ if !is_ours => after,
                "" => HEAD.to_owned(),
                body => format!("{HEAD}\n{body}"),
            };
            atomic::write(&atomic::led_to(&self.file)?, text.as_bytes())?;
        }
        Ok(result)
    }

    /// All but our head, which a table that is taken out would take along as its comment, and whether it has that.
    fn parsed(&self) -> io::Result<(DocumentMut, String, bool)> {
        let text = match read::text(&self.file, LONGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let body = text.strip_prefix(HEAD).unwrap_or(&text).to_owned();
        let whole = body.parse().map_err(|error: toml_edit::TomlError| {
            io::Error::new(io::ErrorKind::InvalidData, error.message().to_owned())
        })?;
        let is_ours = text.is_empty() || text.starts_with(HEAD);
        Ok((whole, body, is_ours))
    }
}

/// The table that is about `of`, made if it is not there.
fn table<'w>(whole: &'w mut DocumentMut, of: Of<'_>) -> io::Result<&'w mut dyn TableLike> {
    let name = match of {
        Of::All => ALL_PROJECTS,
        Of::Project(_) => SINGLE_PROJECTS,
    };
    let is_own_heading = of == Of::All;
    let mut made = Table::new();
    made.set_implicit(!is_own_heading);
    let table = as_table(whole.entry(name).or_insert(Item::Table(made)))?;
    let Of::Project(root) = of else {
        return Ok(table);
    };
    let why = "the path of a project must be UTF-8";
    let why = || io::Error::new(io::ErrorKind::InvalidInput, why);
    let root = root.to_str().ok_or_else(why)?;
    as_table(table.entry(root).or_insert(Item::Table(Table::new())))
}

fn as_table(item: &mut Item) -> io::Result<&mut dyn TableLike> {
    let why = "not tables of settings";
    item.as_table_like_mut()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, why))
}

fn drop_empty(whole: &mut DocumentMut, of: Of<'_>) {
    let is_empty = |item: &Item| item.as_table_like().is_some_and(TableLike::is_empty);
    if let Of::Project(root) = of
        && let Some(projects) = whole.get_mut(SINGLE_PROJECTS)
        && let Some(projects) = projects.as_table_like_mut()
        && let Some(root) = root.to_str()
        && projects.get(root).is_some_and(is_empty)
    {
        projects.remove(root);
    }
    for name in [ALL_PROJECTS, SINGLE_PROJECTS] {
        if whole.get(name).is_some_and(is_empty) {
            whole.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(dir: &tempfile::TempDir) -> OwnSettings {
        let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", dir.path());
        OwnSettings::of(&host).expect("a place")
    }

    #[test]
    fn a_wish_is_written_once_and_taken_back_without_a_trace() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let own = own(&dir);
        let text = || std::fs::read_to_string(own.file()).expect("read");
        let demo = Of::Project(Path::new("/work/demo.x"));
        assert!(!own.enable(demo, None).expect("nothing to take back"));
        assert!(!own.file().exists());
        assert!(own.enable(demo, Some(false)).expect("written"));
        assert!(!own.enable(demo, Some(false)).expect("known"));
        assert!(own.enable(Of::All, Some(false)).expect("written"));
        assert_eq!(
            text(),
            format!(
                "{HEAD}\n[projects.\"/work/demo.x\"]\nenabled = false\n\n[all]\nenabled = false\n"
            )
        );
        assert_eq!(own.said(false).expect("read"), [Path::new("/work/demo.x")]);
        assert!(own.enable(demo, Some(true)).expect("written"));
        assert!(own.enable(demo, None).expect("taken back"));
        assert!(own.enable(Of::All, None).expect("taken back"));
        assert_eq!(text(), HEAD);
        assert!(own.enable(Of::All, Some(false)).expect("written"));
        assert_eq!(text(), format!("{HEAD}\n[all]\nenabled = false\n"));
        assert!(own.enable(Of::All, None).expect("taken back"));
        assert!(own.said(false).expect("read").is_empty());
    }

    #[test]
    fn what_a_person_wrote_is_kept() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let own = own(&dir);
        std::fs::create_dir_all(own.file().parent().expect("a folder")).expect("folder");
        let written = "# mine\n[projects]\n\"/a\" = { group = \"x\" } # why\n";
        std::fs::write(own.file(), written).expect("write");
        let (a, b) = (Of::Project(Path::new("/a")), Of::Project(Path::new("/b")));
        for project in [a, b] {
            assert!(own.enable(project, Some(false)).expect("written"));
        }
        let text = std::fs::read_to_string(own.file()).expect("read");
        assert!(
            text.starts_with("# mine\n") && text.contains("# why"),
            "{text}"
        );
        for project in [a, b] {
            assert!(own.enable(project, None).expect("taken back"));
        }
        let text = std::fs::read_to_string(own.file()).expect("read");
        assert!(
            text.contains("group = \"x\"") && !text.contains("/b"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_table_is_left_alone() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let own = own(&dir);
        std::fs::create_dir_all(own.file().parent().expect("a folder")).expect("folder");
        for text in ["[", "projects = 1\n", "[projects]\n\"/a\" = 1\n"] {
            std::fs::write(own.file(), text).expect("write");
            let project = Of::Project(Path::new("/a"));
            assert!(own.enable(project, Some(false)).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(own.file()).expect("read"), text);
        }
    }

    #[test]
    fn a_link_leads_to_the_file_that_is_written() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let own = own(&dir);
        std::fs::create_dir_all(own.file().parent().expect("a folder")).expect("folder");
        let kept = dir.path().join("kept.toml");
        std::fs::write(&kept, "").expect("write");
        std::os::unix::fs::symlink(&kept, own.file()).expect("link");
        assert!(own.enable(Of::All, Some(false)).expect("written"));
        assert!(own.file().is_symlink());
        assert!(
            std::fs::read_to_string(&kept)
                .expect("read")
                .contains("[all]")
        );
    }
}
