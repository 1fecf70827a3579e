//! Takes what is installed into the archive.

use std::io;
use std::path::Path;

use super::installed_files::{self, InstalledFiles, sum_of, sum_of_file};
use super::list::{Item, List};
use super::prune::prune;
use super::shelf::{FILES, KeptFile, MANIFEST, Manifest, PART, Shelf, split};
use super::views::prune_views;
use crate::files::{Folder, Walk};
use crate::inventory::Snapshot;
use crate::project::{Config, Project};
use crate::store::lock::RunLock;
use crate::store::places;
use crate::store::record::Generation;

/// What is copied at most of one distribution, where its files cannot be linked.
const MOST_COPIED: u64 = 64 << 20;

/// Keeps the files of what is installed `now`, at `generation`, and lets go of what is over the limits.
///
/// What has no RECORD, or is too large where it would have to be copied, is kept by name and version alone.
///
/// # Errors
/// What the system says. It is no reason to fail for whoever changed the environment: what is not kept cannot be put
/// back, and says so then.
pub(in crate::store) fn keep(
    project: &Project,
    config: &Config,
    now: &Snapshot,
    generation: Generation,
) -> io::Result<()> {
    let venv = project.venv();
    let layout = venv.layout();
    if config.archive_generations.value == 0 {
        prune_views(venv, false)?;
        return match Shelf::of(&layout)? {
            Some(_) => places::aim(&layout)?
                .remove_all(crate::project::VenvLayout::ARCHIVE)
                .map(drop),
            None => Ok(()),
        };
    }
    let shelf = Shelf::made(&layout)?;
    let known = shelf.newest_list(generation)?;
    let mut walk = Walk::from(places::environment(&layout)?);
    let sites = installed_files::sites(venv);
    let mut list = List::of(now, generation, (&mut walk, &sites), &known);
    for item in &mut list.distributions {
        if item.entry.is_none() && item.stamp.is_some() {
            take_in(&shelf, &mut walk, item)?;
        }
    }
    if known != list {
        shelf.write_list(&list)?;
    }
    prune(&shelf, &layout, config, generation)
}

/// As [`keep`], for what is recorded already: where an earlier toolkit, or nobody, has kept anything. `_held` says that
/// nobody is in the middle of a change.
pub fn keep_all(
    project: &Project,
    config: &Config,
    _held: &RunLock,
    now: &Snapshot,
    generation: Generation,
) {
    let shelf = Shelf::of(&project.venv().layout());
    let is_kept = |shelf: &Shelf| shelf.list(generation).is_ok_and(|list| list.is_some());
    if !shelf.is_ok_and(|shelf| shelf.as_ref().is_some_and(is_kept)) {
        let _ = keep(project, config, now, generation);
    }
}

/// Gives `item` an entry with its files, unless they can only be copied and are too many.
fn take_in(shelf: &Shelf, walk: &mut Walk, item: &mut Item) -> io::Result<()> {
    let metadata = Path::new(&item.folder);
    let site = metadata.parent().unwrap_or(Path::new(""));
    let Some(installed) = installed_files::read(walk, site, metadata)? else {
        return Ok(());
    };
    let entry = entry_name(item, &installed.sum);
    let known = shelf.manifest(&entry)?;
    let made = || make_entry(shelf, walk, &entry, &installed);
    if let Some(manifest) = known.map_or_else(made, |manifest| Ok(Some(manifest)))? {
        item.bytes = manifest.bytes();
        item.entry = Some(entry);
    }
    Ok(())
}

/// Makes the new `entry`, whole or not at all.
fn make_entry(
    shelf: &Shelf,
    walk: &mut Walk,
    entry: &str,
    installed: &InstalledFiles,
) -> io::Result<Option<Manifest>> {
    let part = entry.to_owned() + PART;
    shelf.0.remove_all(&part)?;
    let made = fill(&shelf.0.make_folder(&part)?, walk, installed);
    if let Ok(Some(_)) = made {
        shelf.0.remove_all(entry)?;
        shelf.0.rename(&part, &shelf.0, entry)?;
    } else {
        let _ = shelf.0.remove_all(&part);
    }
    made
}

/// Fills the new `entry` with the `installed` files, as far as they are there; none where they would have to be copied
/// and are too large.
fn fill(
    entry: &Folder,
    walk: &mut Walk,
    installed: &InstalledFiles,
) -> io::Result<Option<Manifest>> {
    let mut kept = Walk::from(entry.make_folder(FILES)?);
    let mut manifest = Manifest {
        schema: Manifest::SCHEMA,
        files: Vec::new(),
    };
    let mut copied = 0;
    for file in installed.files.iter().filter(|file| !file.is_compiled()) {
        let (above, name) = split(&file.path);
        // What is listed and not there was removed by hand, or never installed.
        let Ok(folder) = walk.folder(above) else {
            continue;
        };
        let Ok(found) = folder.found(name) else {
            continue;
        };
        if !found.is_file && !found.is_link {
            continue;
        }
        let there = kept.make_folder(above)?;
        if copied > 0 || folder.link(name, there, name).is_err() {
            copied += found.length.max(1);
            if copied > MOST_COPIED {
                return Ok(None);
            }
            folder.copy(name, there, name)?;
        }
        let link = found.is_link.then(|| folder.read_link(name)).transpose()?;
        let sha256 = match (&file.sha256, &link) {
            (None, None) => Some(sum_of_file(folder.open_file(name)?.0)?),
            (sum, _) => sum.clone(),
        };
        manifest.files.push(KeptFile {
            path: file.path.clone(),
            sha256,
            link: link.map(|link| link.to_string_lossy().into_owned()),
            bytes: found.length,
        });
    }
    entry.write_unsynced(MANIFEST, &serde_json::to_vec(&manifest)?)?;
    Ok(Some(manifest))
}

/// `six-1.16.0-0123456789abcdef`: of METADATA's words, which may be any, only what a name can have.
fn entry_name(item: &Item, sum: &str) -> String {
    const LONGEST: usize = 80;
    let plain = |text: &str| -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._+!-".contains(c);
        let plain = text.chars().map(|c| if is_plain(c) { c } else { '_' });
        plain.take(LONGEST).collect()
    };
    let hash: String = sum_of(sum.as_bytes()).chars().take(16).collect();
    format!("{}-{}-{hash}", plain(&item.name), plain(&item.version))
}
