//! The watch with real folders and a job that never starts a process.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{FolderWatcher, Watch};
use crate::api::v1::{WatchMode, Watching, WorkerStatus};
use crate::backend::worker::{Job, JobSettings};
use crate::host::Host;
use crate::project::{Project, ProjectId};
use crate::store::{EnvMeta, RunLog};

/// Long enough for a busy machine; a test that waits this long fails.
const LIMIT: Duration = Duration::from_secs(20);

struct Site {
    dir: tempfile::TempDir,
    project: Project,
    watcher: Arc<FolderWatcher>,
    job: Job,
    watch: Watch,
}

impl Site {
    fn watched_by(watcher: FolderWatcher) -> Self {
        Self::with_settings(watcher, "")
    }

    fn with_settings(watcher: FolderWatcher, settings: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved").join("project");
        let project = make(&root);
        std::fs::write(project.layout().settings(), settings).expect("write");
        let host = Host::fake(["aim-backend"])
            .with_var("XDG_CONFIG_HOME", dir.path())
            .with_var("XDG_STATE_HOME", dir.path());
        let id = ProjectId::new("project").expect("an id");
        let folders = JobSettings::new(dir.path().join("run"), dir.path().join("logs"));
        let job = Job::start(project.clone(), id.clone(), &host, folders);
        let watcher = Arc::new(watcher);
        let watch = Watch::start(project.clone(), id, host, Arc::clone(&watcher), job.clone());
        Self {
            dir,
            project,
            watcher,
            job,
            watch,
        }
    }

    fn site_packages(&self) -> PathBuf {
        self.project.venv().site_packages().remove(0)
    }

    /// Writes a file of site-packages in place, which moves no folder.
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.site_packages().join(name), text).expect("write");
    }

    fn install(&self, name: &str) {
        install(&self.site_packages(), name);
    }

    /// Waits until the job knows of `generation`.
    async fn until(&self, generation: u64) {
        let mut states = self.job.watch();
        let is_so = |status: &WorkerStatus| status.env_generation >= generation;
        let waited = tokio::time::timeout(LIMIT, states.wait_for(is_so)).await;
        waited.expect("in time").expect("a job");
    }

    async fn caught_up(&self) {
        let caught_up = tokio::time::timeout(LIMIT, self.watch.catch_up());
        caught_up.await.expect("in time");
    }

    fn generation(&self) -> u64 {
        EnvMeta::read(&self.project.layout()).0.generation().0
    }

    fn runs(&self) -> usize {
        RunLog::read(&self.project.layout()).runs.len()
    }

    async fn end(self) {
        let Self {
            dir,
            watcher,
            watch,
            job,
            ..
        } = self;
        watch.end().await;
        assert_eq!(watcher.watched(), 0, "nothing is watched any more");
        job.shut_down().await;
        drop(dir);
    }
}

fn make(root: &Path) -> Project {
    let venv = root.join(".venv");
    for folder in ["lib/python3.12/site-packages", "bin"] {
        std::fs::create_dir_all(venv.join(folder)).expect("folders");
    }
    std::fs::write(venv.join("bin/python"), "").expect("write");
    std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
    Project::at(root).expect("a project")
}

fn install(site: &Path, name: &str) {
    let folder = site.join(format!("{name}-1.0.dist-info"));
    std::fs::create_dir_all(&folder).expect("folder");
    std::fs::write(folder.join("INSTALLER"), "uv").expect("write");
    let metadata = format!("Name: {name}\nVersion: 1.0\n");
    std::fs::write(folder.join("METADATA"), metadata).expect("write");
    let record = format!("{name}.py,,\n{name}-1.0.dist-info/INSTALLER,,\n");
    std::fs::write(folder.join("RECORD"), record).expect("write");
}

#[tokio::test]
async fn a_change_is_noticed_without_anybody_asking() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    let mode = site.watch.watching();
    assert_eq!((mode.mode, mode.why), (WatchMode::Events, None));
    assert!(site.watch.is_current());
    site.install("six");
    assert!(!site.watch.is_current());
    site.until(1).await;
    std::fs::remove_dir_all(site.site_packages().join("six-1.0.dist-info")).expect("removed");
    site.until(2).await;
    assert_eq!(site.runs(), 3, "the first look, six, and its end");
    site.end().await;
}

#[tokio::test]
async fn what_a_killed_pip_left_and_a_wheel_unpacked_by_hand_hold_nobody_up() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    let folder = site.site_packages();
    std::fs::create_dir(folder.join("~ix")).expect("folder");
    site.install("six");
    std::fs::write(folder.join("six-1.0.dist-info/RECORD"), "six.py,,\n").expect("write");
    site.caught_up().await;
    let why = site
        .watch
        .watching()
        .why
        .expect("it waits, and says for what");
    assert!(
        why.contains("waits while the environment is being changed"),
        "{why}"
    );
    site.until(1).await;
    site.caught_up().await;
    assert_eq!(site.watch.watching().why, None);
    site.end().await;
}

#[tokio::test]
async fn a_distribution_that_is_completed_without_a_movement_is_waited_for() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    let folder = site.site_packages().join("six-1.0.dist-info");
    std::fs::create_dir(&folder).expect("folder");
    // Somebody is at work: that is not waited for, and not recorded.
    site.caught_up().await;
    assert_eq!((site.generation(), site.watch.is_current()), (0, false));
    site.install("six");
    site.until(1).await;
    site.end().await;
}

#[tokio::test]
async fn what_asks_next_sees_a_change_where_nobody_tells_of_any() {
    let site = Site::watched_by(FolderWatcher::blind());
    site.caught_up().await;
    let mode = site.watch.watching();
    assert_eq!(
        (mode.mode, mode.why.as_deref()),
        (WatchMode::Polling, Some("no watches left"))
    );
    site.install("six");
    site.caught_up().await;
    assert_eq!((site.generation(), site.watch.is_current()), (1, true));
    site.end().await;
}

#[tokio::test]
async fn a_project_that_nobody_uses_is_looked_at_once_where_nobody_tells_of_changes() {
    let site = Site::watched_by(FolderWatcher::blind());
    site.watch.has_looked().await;
    assert_eq!(site.runs(), 1, "what was there before");
    assert!(!site.watch.is_current(), "who uses it first has to look");
    site.install("six");
    site.caught_up().await;
    assert_eq!((site.generation(), site.watch.is_current()), (1, true));
    site.end().await;
}

#[tokio::test]
async fn a_project_that_is_used_has_watches_where_others_have_none() {
    let site = Site::watched_by(FolderWatcher::scarce());
    site.watch.has_looked().await;
    let Watching { mode, why, .. } = site.watch.watching();
    let why = why.unwrap_or_default();
    assert_eq!(mode, WatchMode::Polling, "{why}");
    assert!(why.contains("fs.inotify.max_user_watches"), "{why}");
    assert_eq!(site.watcher.watched(), 0);
    site.caught_up().await;
    let Watching { mode, why, .. } = site.watch.watching();
    assert_eq!((mode, why), (WatchMode::Events, None));
    site.install("six");
    site.until(1).await;
    site.end().await;
}

#[tokio::test]
async fn a_startup_file_that_is_written_in_place_is_seen_by_who_asks_next() {
    let site = Site::watched_by(FolderWatcher::blind());
    site.write("a.pth", "# one\n");
    site.caught_up().await;
    let generation = site.generation();
    for text in ["# another\n", "# a third\n"] {
        let before = site.generation();
        site.write("a.pth", text);
        site.caught_up().await;
        assert_eq!(
            (site.generation(), site.watch.is_current()),
            (before + 1, true)
        );
    }
    assert_eq!(site.generation(), generation + 2);
    site.end().await;
}

#[tokio::test]
async fn an_environment_that_is_made_again_is_watched_again() {
    let site = Site::watched_by(FolderWatcher::default());
    site.install("six");
    site.caught_up().await;
    assert_eq!(site.generation(), 1);
    std::fs::remove_dir_all(site.project.venv().root()).expect("removed");
    site.caught_up().await;
    assert_eq!(site.generation(), 1, "gone is not a change");
    make(site.project.root());
    site.until(2).await;
    install(&site.site_packages(), "other");
    site.until(3).await;
    site.end().await;
}

#[tokio::test]
async fn a_burst_is_one_change() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    for number in 0..20 {
        site.install(&format!("d{number}"));
    }
    site.caught_up().await;
    assert_eq!((site.generation(), site.runs()), (1, 2));
    site.end().await;
}

#[tokio::test]
async fn a_project_that_is_switched_off_is_left_alone_until_it_is_on() {
    let site = Site::with_settings(FolderWatcher::default(), "enabled = false\n");
    site.install("six");
    site.caught_up().await;
    assert_eq!(site.watch.watching().mode, WatchMode::Off);
    assert_eq!((site.runs(), site.watcher.watched()), (0, 0));
    std::fs::write(site.project.layout().settings(), "").expect("write");
    site.caught_up().await;
    assert_eq!(site.watch.watching().mode, WatchMode::Events);
    assert_eq!(site.generation(), 1);
    site.end().await;
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_said() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    let logs = site.project.layout().logs();
    std::fs::remove_dir_all(&logs).expect("removed");
    std::fs::write(&logs, "not a folder").expect("write");
    site.install("six");
    site.caught_up().await;
    let why = site.watch.watching().why.unwrap_or_default();
    assert!(why.starts_with("cannot record a change: "), "{why}");
    std::fs::remove_file(&logs).expect("removed");
    site.caught_up().await;
    assert_eq!((site.generation(), site.watch.watching().why), (1, None));
    site.end().await;
}

#[tokio::test]
async fn a_panic_does_not_end_the_watch() {
    let site = Site::watched_by(FolderWatcher::default());
    site.caught_up().await;
    site.watch
        .ask
        .send(super::Ask::Panic)
        .await
        .expect("a task");
    site.caught_up().await;
    site.install("six");
    site.until(1).await;
    assert_eq!(site.generation(), 1);
    site.end().await;
}
