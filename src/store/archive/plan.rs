//! What going back would do, before anything is touched.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::coming::{Coming, ComingFiles};
use super::goal::{Goal, by_name, is_changed_again, last_to_change};
use super::installed_files::{self, InstalledFiles, ListedFile, is_list, sum_of_file};
use super::list::{Item, List};
use super::shelf::{Manifest, Shelf, split};
use crate::files::Walk;
use crate::inventory::{Broken, Change, Diff, Distribution, Names, Requirements, Snapshot};
use crate::project::Project;
use crate::store::past::Past;
use crate::store::places;
use crate::store::record::{Generation, RunNumber};
use crate::store::run_log::RunLog;

/// What going back would change, and what stands against it.
#[derive(Debug, Default)]
pub struct Plan {
    /// What would change, from what is installed now.
    pub changes: Diff,
    /// What later runs changed again, by name, with the last of them; where all goes back, nothing is.
    pub later: Vec<(String, Option<RunNumber>)>,
    /// What has to come back and whose files are not kept, or not as RECORD says.
    pub lost: Vec<Change>,
    /// What has to go and has no list of its files.
    pub stuck: Vec<Change>,
    /// Files, from the environment's folder, that were changed since they were installed, or that nobody installed,
    /// and that would be lost.
    pub edited: Vec<String>,
    /// Requirements of what stays that would not hold any more.
    pub breaks: Vec<Broken>,
    /// Paths to put back, by the entry that has them.
    pub(super) put: BTreeMap<String, Vec<String>>,
    /// When those of them were written that say when their distribution was installed, in nanoseconds: of two that have
    /// one file, the later one has it, at the next time that one goes back, too.
    pub(super) written: BTreeMap<String, i64>,
    pub(super) remove: Vec<String>,
}

/// What is known of the environment while a plan is made.
struct Planner {
    shelf: Option<Shelf>,
    walk: Walk,
    now: List,
    plan: Plan,
    /// What has to go, with the files that it lists and when that list was written.
    going: Vec<(InstalledFiles, SystemTime)>,
    /// What comes, by path.
    coming: ComingFiles,
}

impl Plan {
    /// What it would be to reach `goal`, of the history `log`, from what is installed `now` and recorded as
    /// `generation`.
    ///
    /// # Errors
    /// What is of the moment.
    pub fn of(
        project: &Project,
        log: &RunLog,
        goal: &Goal,
        (now, generation): (&Snapshot, Generation),
    ) -> io::Result<Self> {
        let venv = project.venv();
        let layout = venv.layout();
        let shelf = Shelf::of(&layout)?;
        let known = shelf.as_ref().map(|shelf| shelf.newest_list(generation));
        let known = known.transpose()?.unwrap_or_default();
        let mut walk = Walk::from(places::environment(&layout)?);
        let sites = installed_files::sites(venv);
        let mut planner = Planner {
            now: List::of(now, generation, (&mut walk, &sites), &known),
            shelf,
            walk,
            plan: Self::default(),
            going: Vec::new(),
            coming: ComingFiles::default(),
        };
        match goal {
            Goal::Before(run) => {
                let before = planner.list(run.generation_before)?;
                let after = planner.list(run.generation_after)?;
                for (name, changes) in by_name(&run.changes) {
                    let is = planner.is(&name);
                    let left = after.as_ref().map(|list| list.called(&name));
                    if is_changed_again(&is, &changes, left) {
                        let last = last_to_change(log, &name);
                        planner.plan.later.push((name.clone(), last));
                    }
                    let versions = changes.iter().filter_map(|change| change.from.as_deref());
                    let was = planner.was(&name, versions, before.as_ref())?;
                    planner.turn(is, was)?;
                }
            }
            Goal::Past(past) => {
                let then = planner.list(past.generation)?;
                for name in planner.names_of(past, now, then.as_ref()) {
                    let is = planner.is(&name);
                    let version = past.versions.get(&name).map(String::as_str);
                    let was = planner.was(&name, version.into_iter(), then.as_ref())?;
                    planner.turn(is, was)?;
                }
            }
        }
        planner.settle()?;
        let mut plan = planner.plan;
        plan.breaks = would_break(project, now, &plan.changes)?;
        Ok(plan)
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.lost.is_empty() && self.stuck.is_empty()
    }

    /// Whether a file would go that lies at `path` from the environment's folder, and nothing comes in its place.
    pub fn removes(&self, path: &Path) -> bool {
        self.remove.iter().any(|gone| Path::new(gone) == path)
    }
}

impl Planner {
    /// What `generation` had, if that is still known.
    fn list(&self, generation: Generation) -> io::Result<Option<List>> {
        let list = self.shelf.as_ref().map(|shelf| shelf.list(generation));
        list.transpose().map(Option::flatten)
    }

    /// What there is of `name`.
    fn is(&self, name: &str) -> Vec<Item> {
        self.now.called(name).cloned().collect()
    }

    /// Every name that there was then or is there now. Where no list tells what lay in the environment itself, what is
    /// `now` where it was does not count.
    fn names_of(&self, past: &Past, now: &Snapshot, then: Option<&List>) -> BTreeSet<String> {
        let listed = |list: &List| -> Vec<String> {
            let items = list.distributions.iter();
            items.map(|item| item.name.clone()).collect()
        };
        let mut names: BTreeSet<String> = listed(&self.now).into_iter().collect();
        if let Some(then) = then {
            names.extend(listed(then));
            return names;
        }
        let stays = |name: &str, version: &str| {
            let mut all = now.distributions();
            all.any(|one| one.canonical_name() == name && one.version == version)
        };
        let gone = past.versions.iter();
        let gone = gone.filter(|(name, version)| !stays(name, version));
        names.extend(gone.map(|(name, _)| name.clone()));
        names
    }

    /// What there was of `name`: as `then` lists it, else of these `versions`.
    fn was<'v>(
        &self,
        name: &str,
        versions: impl Iterator<Item = &'v str>,
        then: Option<&List>,
    ) -> io::Result<Vec<Item>> {
        let listed: Vec<Item> = then
            .map(|list| list.called(name).cloned().collect())
            .unwrap_or_default();
        if !listed.is_empty() {
            return Ok(listed);
        }
        let versions = versions.map(|version| (name, version));
        match &self.shelf {
            Some(kept) => kept.newest_of(versions),
            None => Ok(versions
                .map(|(name, version)| Item::unknown(name, version))
                .collect()),
        }
    }

    /// Plans to turn what `is` there of one name into what `was` there.
    fn turn(&mut self, mut is: Vec<Item>, mut was: Vec<Item>) -> io::Result<()> {
        // Of several it counts which was installed last: that one's files are there.
        let is_alone = is.len() <= 1 && was.len() <= 1;
        was.retain(|wanted| {
            let same = is.iter().position(|item| match &wanted.entry {
                Some(_) => {
                    let is_same = item.folder == wanted.folder && item.entry == wanted.entry;
                    is_same && (is_alone || item.stamp == wanted.stamp)
                }
                None => item.version == wanted.version,
            });
            same.map(|at| is.remove(at)).is_none()
        });
        let change = Change {
            name: is
                .iter()
                .chain(&was)
                .map(|item| item.name.clone())
                .next()
                .unwrap_or_default(),
            from: is.first().map(|item| item.version.clone()),
            to: was.first().map(|item| item.version.clone()),
        };
        let mut coming = Vec::new();
        for item in &was {
            let Some((entry, manifest)) = self.kept(item)? else {
                self.plan.lost.push(change);
                return Ok(());
            };
            coming.push((entry, manifest, item.stamp));
        }
        let mut going = Vec::new();
        for item in &is {
            let Some(installed) = self.installed(item)? else {
                self.plan.stuck.push(change);
                return Ok(());
            };
            going.push(installed);
        }
        self.going.extend(going);
        for (entry, manifest, since) in coming {
            for file in manifest.files {
                let coming = Coming {
                    entry: entry.clone(),
                    file,
                    since,
                };
                self.coming.add(coming);
            }
        }
        let changes = &mut self.plan.changes;
        match (&change.from, &change.to) {
            (None, None) => {}
            (None, _) => changes.added.push(change),
            (_, None) => changes.removed.push(change),
            _ => changes.changed.push(change),
        }
        self.now.distributions.retain(|item| !is.contains(item));
        Ok(())
    }

    /// The files that are kept of `item`, if each is as its RECORD says.
    fn kept(&self, item: &Item) -> io::Result<Option<(String, Manifest)>> {
        let (Some(archive), Some(entry)) = (&self.shelf, &item.entry) else {
            return Ok(None);
        };
        let Some(manifest) = archive.manifest(entry)? else {
            return Ok(None);
        };
        let mut files = archive.files(entry)?;
        let is_whole = manifest.files.iter().all(|file| file.is_whole(&mut files));
        Ok(is_whole.then(|| (entry.clone(), manifest)))
    }

    /// The files that `item`, which is installed, lists.
    fn installed(&mut self, item: &Item) -> io::Result<Option<(InstalledFiles, SystemTime)>> {
        let metadata = Path::new(&item.folder);
        let site = metadata.parent().map(PathBuf::from).unwrap_or_default();
        let Some(files) = installed_files::read(&mut self.walk, &site, metadata)? else {
            return Ok(None);
        };
        let since = std::time::Duration::from_nanos(
            item.stamp
                .and_then(|(written, _)| u64::try_from(written).ok())
                .unwrap_or_default(),
        );
        Ok(Some((files, SystemTime::UNIX_EPOCH + since)))
    }

    /// What goes and what comes, file by file: what another distribution has, too, stays, and is that one's again.
    fn settle(&mut self) -> io::Result<()> {
        let mut going: BTreeSet<String> = BTreeSet::new();
        for (installed, _) in &self.going {
            going.extend(installed.files.iter().map(|file| file.path.clone()));
        }
        let nothing_moves = going.is_empty() && self.coming.is_empty();
        for item in std::mem::take(&mut self.now.distributions) {
            let (Some(archive), Some(entry)) = (&self.shelf, &item.entry) else {
                continue;
            };
            let manifest = if nothing_moves {
                None
            } else {
                archive.manifest(entry)?
            };
            for file in manifest.unwrap_or_default().files {
                let comes = self.coming.has(&file.path);
                if !comes && !going.contains(&file.path) {
                    continue;
                }
                if file.is_whole(&mut archive.files(entry)?) {
                    self.coming.add(Coming {
                        entry: entry.clone(),
                        file,
                        since: item.stamp,
                    });
                } else if !comes {
                    going.remove(&file.path);
                }
            }
        }
        self.find_edited(&going);
        for (path, coming) in self.coming.all() {
            let paths = self.plan.put.entry(coming.entry.clone()).or_default();
            paths.push(path.clone());
            if let Some((written, _)) = coming.since.filter(|_| is_list(path)) {
                self.plan.written.insert(path.clone(), written);
            }
        }
        going.retain(|path| !self.coming.has(path));
        self.plan.remove = going.into_iter().collect();
        Ok(())
    }

    /// What would be lost for good: an installer writes its list last, so only what is newer has to be looked into.
    fn find_edited(&mut self, going: &BTreeSet<String>) {
        let mut edited = BTreeSet::new();
        let mut seen = HashSet::new();
        for (installed, written) in &self.going {
            for file in installed.files.iter().filter(|file| !file.is_compiled()) {
                if seen.insert(&file.path) && is_edited(&mut self.walk, file, Some(*written)) {
                    edited.insert(file.path.clone());
                }
            }
        }
        for (path, Coming { file, .. }) in self.coming.all() {
            let wanted = ListedFile {
                path: path.clone(),
                sha256: file.sha256.clone(),
            };
            if !going.contains(path) && is_edited(&mut self.walk, &wanted, None) {
                edited.insert(path.clone());
            }
        }
        self.plan.edited = edited.into_iter().collect();
    }
}

/// Whether there is a file other than `file` says; where it was `written` before a time, nobody has to look.
fn is_edited(walk: &mut Walk, file: &ListedFile, written: Option<SystemTime>) -> bool {
    let (above, name) = split(&file.path);
    let Ok(folder) = walk.folder(above) else {
        return false;
    };
    let Ok(found) = folder.found(name) else {
        return false;
    };
    if !found.is_file || written.is_some_and(|written| found.modified <= written) {
        return false;
    }
    let sum = folder
        .open_file(name)
        .and_then(|(file, _)| sum_of_file(file))
        .ok();
    file.sha256.is_some() && sum != file.sha256
}

/// What stays and would miss something after `changes`, and does not now.
fn would_break(project: &Project, now: &Snapshot, changes: &Diff) -> io::Result<Vec<Broken>> {
    let part = Names {
        startup: false,
        ..changes.names()
    };
    let coming = changes.changes().filter_map(|change| {
        let version = change.to.as_ref()?;
        Some(Distribution::new(&change.name, version))
    });
    let then = now.with(&part, &coming.collect());
    let requirements = Requirements::read(project.venv(), now)?;
    let already = requirements.broken(now);
    let mut would = requirements.broken(&then);
    would.retain(|one| {
        !already
            .iter()
            .any(|had| had.name == one.name && had.needs == one.needs)
    });
    Ok(would)
}
