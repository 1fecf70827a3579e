//! A view: made once, and found again by what it has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};
use sha2::{Digest as _, Sha256};

use super::super::installed_files;
use super::super::list::Item;
use super::super::shelf::{PART, Shelf};
use super::contents::Contents;
use super::error::ViewError;
use super::laying::{Laying, link_or_copy};
use super::place::{COMPILED, MOST, Note, Views};
use crate::files::momentary::found;
use crate::files::{Folder, Walk};
use crate::project::{EXTERNALLY_MANAGED, HOOK_LINE, VIEW_LINE, VIEW_MODULE, Venv, VenvLayout};
use crate::store::places;
use crate::store::record::Generation;

/// Changes where views are made otherwise than before.
const VERSION: u32 = 1;
/// Longer than any file of an environment that no distribution has and that its Python reads.
const LONGEST: u64 = 4 << 20;
/// Descriptors from here on are in no program's way.
const OUT_OF_THE_WAY: i32 = 100;

/// What Python does differently in a view.
const MODULE: &str = include_str!("../../../../shims/_aim_view.py");

/// A generation as an environment of its own. While this is there, or a process that inherited it, it stays.
#[derive(Debug)]
pub struct View {
    venv: Venv,
    generation: Generation,
    used: File,
}

/// A view that is to be made.
struct Making<'a> {
    venv: &'a Venv,
    contents: &'a Contents,
    shelf: Shelf,
    walk: Walk,
    sites: Vec<PathBuf>,
    /// `pyvenv.cfg`.
    settings: Vec<u8>,
    /// Files in the folders of packages that Python reads and no distribution has, as they are today.
    loose: Vec<(PathBuf, Vec<u8>)>,
}

impl View {
    /// A view of the environment `venv` with `contents`: one that was made before, or a new one. In it, pip answers
    /// `refusal` where it would install.
    ///
    /// What the generation had besides stays away ([`Contents::lost`]); files that no distribution has are today's.
    ///
    /// # Errors
    /// [`ViewError`]
    pub fn of(venv: &Venv, contents: &Contents, refusal: &str) -> Result<Self, ViewError> {
        let layout = venv.layout();
        let place = layout.views();
        let failed = || ViewError::at(&place);
        if !layout.pyvenv_cfg().is_file() {
            return Err(ViewError::NoVenv(venv.root().to_path_buf()));
        }
        let shelf = Shelf::of(&layout).map_err(failed())?;
        let shelf = shelf.ok_or(ViewError::Unknown(contents.generation))?;
        let views = Views::made(&layout).map_err(failed())?;
        let mut making = Making::of(venv, contents, shelf).map_err(failed())?;
        let name = making.name();
        let used = match views.used(&name).map_err(failed())? {
            Some(used) => used,
            None => making.make(&views, &name, refusal).map_err(failed())?,
        };
        let venv =
            Venv::open(place.join(name)).map_err(|error| failed()(io::Error::other(error)))?;
        Ok(Self {
            venv,
            generation: contents.generation,
            used,
        })
    }

    /// The environment that it is.
    pub fn venv(&self) -> &Venv {
        &self.venv
    }

    /// What a prompt calls it: `.venv g12`.
    pub fn label(&self) -> String {
        let of = VenvLayout::viewed(self.venv.root()).unwrap_or(self.venv.root());
        label(of, self.generation)
    }

    /// Lets the program that takes this process's place inherit the view: it is in use for as long as that runs.
    ///
    /// # Errors
    /// That there is no descriptor left.
    pub fn hand_on(&self) -> io::Result<()> {
        let inherited: OwnedFd = fcntl_dupfd_cloexec(self.used.as_fd(), OUT_OF_THE_WAY)?;
        fcntl_setfd(&inherited, FdFlags::empty())?;
        std::mem::forget(inherited);
        Ok(())
    }
}

impl<'a> Making<'a> {
    fn of(venv: &'a Venv, contents: &'a Contents, shelf: Shelf) -> io::Result<Self> {
        let layout = venv.layout();
        let folder = places::environment(&layout)?;
        let settings = folder.read(VenvLayout::PYVENV_CFG, LONGEST)?;
        let mut making = Self {
            venv,
            contents,
            shelf,
            walk: Walk::from(folder),
            sites: installed_files::sites(venv),
            settings,
            loose: Vec::new(),
        };
        for site in making.sites.clone() {
            making.find_loose(&site)?;
        }
        Ok(making)
    }

    /// Finds the files in `site` that Python reads when it starts, or imports, and that no distribution has.
    fn find_loose(&mut self, site: &Path) -> io::Result<()> {
        let folder = self.walk.folder(site)?;
        let mut names = folder.names()?;
        names.retain(|name| {
            let ending = Path::new(name).extension().unwrap_or_default();
            let is_read = ["pth", "start", "egg-link", "py"]
                .iter()
                .any(|one| ending == *one);
            is_read && name != HOOK_LINE
        });
        if names.is_empty() {
            return Ok(());
        }
        let today = self.shelf.newest_list(Generation(u64::MAX))?;
        let all = today.distributions.iter().chain(&self.contents.items);
        let entries: BTreeSet<_> = all.filter_map(|item| item.entry.as_ref()).collect();
        for entry in entries {
            if names.is_empty() {
                break;
            }
            if let Ok(kept) = self.shelf.folder(entry, site) {
                names.retain(|name| kept.found(name).is_err());
            }
        }
        names.sort();
        let folder = self.walk.folder(site)?;
        for name in names {
            // A link leads to where it leads today, whatever it is.
            if let Ok(text) = folder.read(&name, LONGEST) {
                self.loose.push((site.join(name), text));
            }
        }
        Ok(())
    }

    /// `g12-0123456789`: what has the same name has the same content.
    fn name(&self) -> String {
        let mut hasher = Sha256::new();
        let mut add = |part: &[u8]| {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        };
        add(&VERSION.to_le_bytes());
        add(MODULE.as_bytes());
        add(self.venv.root().as_os_str().as_bytes());
        add(&self.settings);
        for (path, text) in &self.loose {
            add(path.as_os_str().as_bytes());
            add(text);
        }
        for item in self.in_order() {
            add(item.folder.as_bytes());
            add(item.entry.as_deref().unwrap_or_default().as_bytes());
        }
        let mut name = format!("g{}-", self.contents.generation);
        for byte in hasher.finalize().iter().take(5) {
            let _ = write!(name, "{byte:02x}");
        }
        name
    }

    /// What the view has, in the order in which it was installed.
    fn in_order(&self) -> Vec<&Item> {
        let mut items: Vec<_> = self.contents.items.iter().collect();
        items.sort_by(|one, other| (one.stamp, &one.entry).cmp(&(other.stamp, &other.entry)));
        items
    }

    /// Makes the view `name`, whole or not at all.
    fn make(&mut self, views: &Views, name: &str, refusal: &str) -> io::Result<File> {
        let part = name.to_owned() + PART;
        views.folder.remove_all(&part)?;
        views.folder.make_folder(&part)?;
        let to = self.venv.layout().views().join(name);
        let done = self.fill(views, &part, &to, refusal).and_then(|()| {
            views.folder.rename(&part, &views.folder, name)?;
            let used = views.used(name)?.ok_or(io::ErrorKind::NotFound)?;
            views.keep_newest(MOST)?;
            Ok(used)
        });
        if done.is_err() {
            let _ = views.folder.remove_all(&part);
        }
        done
    }

    /// Fills the folder `part`, which will be at `to`.
    fn fill(&mut self, views: &Views, part: &str, to: &Path, refusal: &str) -> io::Result<()> {
        let layout = self.venv.layout();
        let view = views.folder.folder(part)?;
        view.write_unsynced(VenvLayout::PYVENV_CFG, &self.settings())?;
        let lib64 = VenvLayout::LIBS[1];
        if let Ok(target) = self.walk.folder(Path::new(""))?.read_link(lib64) {
            view.make_link(lib64, target)?;
        }
        let entries = self.in_order();
        let entries: Vec<String> = entries
            .iter()
            .filter_map(|item| item.entry.clone())
            .collect();
        let mut from = vec![layout.root().to_path_buf()];
        from.extend(layout.root().canonicalize());
        let mut laying = Laying {
            shelf: &self.shelf,
            archive: &layout.archive(),
            entries: &entries,
            sites: &self.sites,
            from: &from,
            to,
            view: Walk::from(views.folder.folder(part)?),
            other: views.newest()?.map(Walk::from),
        };
        laying.lay()?;
        views.folder.make_folder(COMPILED)?;
        let mut walk = laying.view;
        self.link_interpreters(walk.make_folder(Path::new(VenvLayout::BIN))?)?;
        let module = MODULE.replace("\"@REFUSAL@\"", &serde_json::to_string(refusal)?);
        let managed = format!("[externally-managed]\nError={refusal}\n");
        let line = format!("import {}\n", VIEW_MODULE.trim_end_matches(".py"));
        for site in &self.sites {
            let library = walk.make_folder(site.parent().unwrap_or(site))?;
            library.write_unsynced(EXTERNALLY_MANAGED, managed.as_bytes())?;
            let site = walk.make_folder(site)?;
            site.write_unsynced(VIEW_LINE, line.as_bytes())?;
            site.write_unsynced(VIEW_MODULE, module.as_bytes())?;
        }
        for (path, text) in &self.loose {
            if let (Some(site), Some(name)) = (path.parent(), path.file_name()) {
                walk.make_folder(site)?.write_unsynced(name, text)?;
            }
        }
        let note = Note {
            schema: Note::SCHEMA,
            generation: self.contents.generation,
            entries: entries.into_iter().collect(),
        };
        note.write(&view)
    }

    /// Links the interpreters, and whatever else in `bin` is a link of its maker's.
    fn link_interpreters(&mut self, to: &Folder) -> io::Result<()> {
        let Some(bin) = found(self.walk.folder(Path::new(VenvLayout::BIN)))? else {
            return Ok(());
        };
        for name in bin.names()? {
            let kind = bin.found(&name)?;
            let is_python = name.as_encoded_bytes().starts_with(b"py");
            if to.found(&name).is_err() && (kind.is_link || (kind.is_file && is_python)) {
                link_or_copy(bin, &name, to)?;
            }
        }
        Ok(())
    }

    /// `pyvenv.cfg` with the name of the view.
    fn settings(&self) -> Vec<u8> {
        let text = String::from_utf8_lossy(&self.settings);
        let is_prompt = |line: &&str| {
            line.split('=')
                .next()
                .is_some_and(|key| key.trim() == "prompt")
        };
        let lines = text.lines().filter(|line| !is_prompt(line));
        let mut text: String = lines.flat_map(|line| [line, "\n"]).collect();
        let _ = writeln!(
            text,
            "prompt = {}",
            label(self.venv.root(), self.contents.generation)
        );
        text.into_bytes()
    }
}

fn label(venv: &Path, generation: Generation) -> String {
    let name = venv.file_name().unwrap_or_default().to_string_lossy();
    format!("{name} g{generation}")
}
