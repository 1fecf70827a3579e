//! The daemon's one watcher of folders, by the system's own means (the `notify` crate: inotify, `FSEvents`).
//!
//! One for all projects: the system gives a person few watchers, and editors want theirs. A project rents places on it
//! and gives a bell, which rings when something was made, removed or renamed there; many movements ring it once.
//!
//! **Invariant:** the watcher's own thread takes the lock of the routes only, so that it can never wait for somebody
//! who waits for it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::places::Places;
use crate::backend::locked::Locked;
use crate::backend::supervise;
use crate::inventory::is_startup_file;
use crate::system::most_watches;

/// The one watcher of folders.
pub(in crate::backend) struct FolderWatcher {
    system: Locked<SystemWatcher>,
    routes: Arc<Locked<Routes>>,
    /// Folders that may be watched in all, before one is for a [`Share::Spare`].
    spare: usize,
}

/// How many of the system's watches a project may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// As many as there are: it is used.
    Whole,
    /// As long as three of four are left for those that are used, and for the person's editors.
    Spare,
}

/// What a project is told whose share is used up.
const NONE_TO_SPARE: &str =
    "few inotify watches are left for projects that nobody uses (fs.inotify.max_user_watches)";

impl Default for FolderWatcher {
    fn default() -> Self {
        Self {
            system: Locked::default(),
            routes: Arc::default(),
            spare: most_watches().map_or(usize::MAX, |most| most / 4),
        }
    }
}

/// Who is to be woken, by folder.
type Routes = HashMap<PathBuf, Vec<Arc<Bell>>>;

/// Rung when something moved.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Notify,
    /// A watched folder was removed, and its watch with it. Comparing inodes would not show that: the next folder may
    /// get the same inode.
    has_lost: AtomicBool,
}

impl Bell {
    /// Returns when something has moved since this was last called.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    /// Whether a watched folder went since this was last asked.
    pub(super) fn take_lost(&self) -> bool {
        self.has_lost.swap(false, Ordering::Relaxed)
    }
}

#[derive(Default)]
enum SystemWatcher {
    #[default]
    Closed,
    Open(RecommendedWatcher),
    /// What a system without watches left gives.
    #[cfg(test)]
    Blind,
}

impl FolderWatcher {
    /// Watches `places` for `bell`, which watched `before` until now, and has this `share`.
    ///
    /// # Errors
    /// In words, when the system refuses, or the share is used up; then none of the places is watched for `bell`.
    pub(super) fn turn(
        &self,
        before: &Places,
        places: &Places,
        bell: &Arc<Bell>,
        share: Share,
    ) -> Result<(), String> {
        let mut system = self.system.lock();
        for path in before.missing_from(places) {
            self.leave(&mut system, path, bell);
        }
        let more = places.missing_from(before).count();
        if more > 0 && share == Share::Spare && self.routes.lock().len() + more > self.spare {
            for path in places.paths() {
                self.leave(&mut system, path, bell);
            }
            return Err(NONE_TO_SPARE.to_owned());
        }
        for path in places.missing_from(before) {
            if let Err(why) = self.look_at(&mut system, path, bell) {
                for path in places.paths() {
                    self.leave(&mut system, path, bell);
                }
                return Err(why);
            }
        }
        Ok(())
    }

    /// Watches nothing for `bell` any more, which watched `before`.
    pub(super) fn leave_all(&self, before: &Places, bell: &Arc<Bell>) {
        let mut system = self.system.lock();
        for path in before.paths() {
            self.leave(&mut system, path, bell);
        }
    }

    fn look_at(
        &self,
        system: &mut SystemWatcher,
        path: &Path,
        bell: &Arc<Bell>,
    ) -> Result<(), String> {
        let watcher = system.open(&self.routes)?;
        {
            let mut routes = self.routes.lock();
            let bells = routes.entry(path.to_path_buf()).or_default();
            bells.retain(|other| !Arc::ptr_eq(other, bell));
            bells.push(Arc::clone(bell));
        }
        match watcher.watch(path, RecursiveMode::NonRecursive) {
            // It has gone meanwhile, which shows in the folder above it.
            Err(error) if matches!(error.kind, ErrorKind::PathNotFound) => Ok(()),
            Err(error) => Err(in_words(&error)),
            Ok(()) => Ok(()),
        }
    }

    fn leave(&self, system: &mut SystemWatcher, path: &Path, bell: &Arc<Bell>) {
        let is_last = {
            let mut routes = self.routes.lock();
            let Some(bells) = routes.get_mut(path) else {
                return;
            };
            bells.retain(|other| !Arc::ptr_eq(other, bell));
            let is_last = bells.is_empty();
            if is_last {
                routes.remove(path);
            }
            is_last
        };
        // Watches of removed folders are gone already.
        if is_last && let SystemWatcher::Open(watcher) = system {
            let _ = watcher.unwatch(path);
        }
    }

    /// A watcher that can watch nothing.
    #[cfg(test)]
    pub(super) fn blind() -> Self {
        Self {
            system: Locked::new(SystemWatcher::Blind),
            ..Self::default()
        }
    }

    /// A watcher that has none to spare for projects that nobody uses.
    #[cfg(test)]
    pub(super) fn scarce() -> Self {
        Self {
            spare: 0,
            ..Self::default()
        }
    }

    /// How many folders are watched.
    #[cfg(test)]
    pub(super) fn watched(&self) -> usize {
        self.routes.lock().len()
    }
}

impl SystemWatcher {
    fn open(&mut self, routes: &Arc<Locked<Routes>>) -> Result<&mut RecommendedWatcher, String> {
        if let Self::Closed = self {
            let routes = Arc::clone(routes);
            let watcher = notify::recommended_watcher(move |event| {
                // A panic would end the watcher's own thread, and with it every watch.
                if supervise::guarded("watcher", || ring(&routes, &event)).is_err() {
                    let _ = supervise::guarded("watcher", || ring_all(&routes));
                }
            })
            .map_err(|error| in_words(&error))?;
            *self = Self::Open(watcher);
        }
        let Self::Open(watcher) = self else {
            return Err("no watches left".to_owned());
        };
        Ok(watcher)
    }
}

/// Wakes those whom `event` concerns; all of them when the system lost count.
fn ring(routes: &Locked<Routes>, event: &notify::Result<Event>) {
    let Ok(event) = event else {
        return ring_all(routes);
    };
    if event.need_rescan() {
        return ring_all(routes);
    }
    if !is_movement(event.kind) && !writes_startup_file(event) {
        return;
    }
    let routes = routes.lock();
    for path in &event.paths {
        let has_lost = is_loss(event.kind);
        for bell in routes.get(path).into_iter().flatten() {
            bell.has_lost.fetch_or(has_lost, Ordering::Relaxed);
            bell.rung.notify_one();
        }
        let folder = path.parent().and_then(|folder| routes.get(folder));
        for bell in folder.into_iter().flatten() {
            bell.rung.notify_one();
        }
    }
}

fn ring_all(routes: &Locked<Routes>) {
    for bell in routes.lock().values().flatten() {
        bell.rung.notify_one();
    }
}

/// Whether something came, went, or got another name. What is written into a file is not: installers do not edit in
/// place, and programs may keep their logs here.
fn is_movement(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(_) => false,
        EventKind::Modify(kind) => matches!(kind, ModifyKind::Name(_) | ModifyKind::Any),
        _ => true,
    }
}

/// Whether a startup file (`.pth`, `pyvenv.cfg`, …) was written in place, as editors and `setup.py develop` do it.
fn writes_startup_file(event: &Event) -> bool {
    let is_write = matches!(
        event.kind,
        EventKind::Modify(ModifyKind::Data(_))
            | EventKind::Access(AccessKind::Close(AccessMode::Write))
    );
    let is_startup = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(is_startup_file)
    };
    is_write && event.paths.iter().any(is_startup)
}

/// Whether the folder at an event's path is no longer the one that was there.
fn is_loss(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
    )
}

/// What a person can do something about.
fn in_words(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "no inotify watches left (fs.inotify.max_user_watches)".to_owned()
        }
        ErrorKind::Io(error) if error.raw_os_error() == Some(libc::EMFILE) => {
            "no inotify instances or open files left (fs.inotify.max_user_instances)".to_owned()
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, MetadataKind, RemoveKind, RenameMode};

    use super::*;

    #[test]
    fn only_what_comes_goes_or_is_renamed_rings() {
        for (kind, expected) in [
            (EventKind::Create(CreateKind::Folder), true),
            (EventKind::Remove(RemoveKind::File), true),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), true),
            (EventKind::Any, true),
            (EventKind::Access(AccessKind::Read), false),
            (EventKind::Modify(ModifyKind::Data(DataChange::Any)), false),
            (
                EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)),
                false,
            ),
        ] {
            assert_eq!(is_movement(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn a_startup_file_that_is_written_in_place_rings() {
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        for (name, kind, expected) in [
            ("easy-install.pth", written, true),
            ("pyvenv.cfg", written, true),
            ("sitecustomize.py", written, true),
            (
                "easy-install.pth",
                EventKind::Access(AccessKind::Read),
                false,
            ),
            ("log.txt", written, false),
        ] {
            let event = Event::new(kind).add_path(Path::new("/s").join(name));
            assert_eq!(writes_startup_file(&event), expected, "{event:?}");
        }
    }

    async fn has_rung(bell: &Arc<Bell>) -> bool {
        tokio::select! {
            biased;
            () = bell.rung() => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_bell_rings_for_its_own_folders_and_for_lost_events() {
        let routes = Locked::new(Routes::new());
        let (one, other) = (Arc::<Bell>::default(), Arc::<Bell>::default());
        for (path, bell) in [("/a", &one), ("/b", &other)] {
            routes.lock().insert(path.into(), vec![Arc::clone(bell)]);
        }
        let made =
            |path: &str| Ok(Event::new(EventKind::Create(CreateKind::File)).add_path(path.into()));
        ring(&routes, &made("/a/new"));
        ring(&routes, &made("/a/newer"));
        assert!(has_rung(&one).await);
        assert!(!has_rung(&one).await, "many movements, one ring");
        assert!(!has_rung(&other).await);
        ring(&routes, &made("/a/deeper/down"));
        assert!(!has_rung(&one).await);
        ring(&routes, &made("/b"));
        assert!(has_rung(&other).await);
        assert!(!one.take_lost() && !other.take_lost());
        let gone = Event::new(EventKind::Remove(RemoveKind::Folder)).add_path("/a".into());
        ring(&routes, &Ok(gone));
        assert!(has_rung(&one).await && one.take_lost() && !one.take_lost());
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        ring(&routes, &Ok(lost));
        assert!(has_rung(&one).await && has_rung(&other).await);
    }
}
