//! One look at an environment: is it as recorded, is a change over, and if so, into the history with it.
//!
//! Reads and writes files, so it is for a thread that may wait.

use std::fmt::Display;
use std::io;

use super::memory::{Calm, Memory, Seen};
use super::over::{self, Movement, NotOver};
use crate::backend::locked::Locked;
use crate::files::momentary::found;
use crate::host::Host;
use crate::inventory::{AT_REST, Gate, Snapshot, at_rest, signs};
use crate::project::{Config, Project, Venv};
use crate::store::{
    LockError, Published, Recorded, RunLock, StoreError, Unfinished, catch_up, enter_seen, recover,
};
use crate::system;

/// Who holds the run lock meanwhile, for whoever waits for it.
const HOLDER: &str = "aim-backend";

/// Why what is there is not recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A change is not over, or nobody can tell yet.
    NotOver(NotOver),
    /// A change cannot be recorded.
    Failed {
        /// Why not.
        why: String,
        /// Whether it is one that workers were not told of before.
        is_news: bool,
    },
}

/// Looks at `project`, whose `gate` was read before, and which moved as `movement` says. What is there is recorded
/// then; the run that it was entered by, if it was not recorded before.
///
/// What a run of the shim changed is never entered a second time: it holds the run lock until it is recorded.
///
/// # Errors
/// [`Obstacle`]; then nothing was entered.
pub(super) fn look(
    project: &Project,
    host: &Host,
    config: &Config,
    gate: &Gate,
    movement: Movement,
    memory: &Locked<Memory>,
) -> Result<Option<Published>, Obstacle> {
    let venv = project.venv();
    if let Err(error) = Venv::open(venv.root()).and_then(|venv| venv.python()) {
        return Err(if error.is_known() {
            underway("the environment is not there")
        } else {
            Obstacle::failed(error)
        });
    }
    let mut memory = memory.lock();
    let mut seen = Seen {
        gate: gate.clone(),
        snapshot: None,
    };
    match take_in(project, host, config, movement, &mut seen, &mut memory) {
        Err(Obstacle::Failed { why, .. }) => {
            // What cannot be read while somebody works on it may be whole in a moment.
            over::quiet(movement)?;
            let is_news = memory.fail(seen);
            Err(Obstacle::Failed { why, is_news })
        }
        taken_in => taken_in,
    }
}

/// As [`look`]; what is there is `seen`, as far as it can be read.
fn take_in(
    project: &Project,
    host: &Host,
    config: &Config,
    movement: Movement,
    seen: &mut Seen,
    memory: &mut Memory,
) -> Result<Option<Published>, Obstacle> {
    let venv = project.venv();
    let sites = venv.all_site_packages()?;
    over::underway(&signs(&sites)?)?;
    // Between removing a distribution and putting it there again uv leaves no sign, and may take its time.
    let lock = found(venv.layout().uv_lock().metadata())?;
    if let Some(pid) = lock.and_then(|lock| system::who_locks(&lock))
        && at_rest(&sites) < AT_REST
    {
        return Err(underway(format!(
            "process {pid} has locked the environment"
        )));
    }
    let gate = seen.gate.clone();
    let seen = &*seen.snapshot.insert(Snapshot::scan(venv, host)?);
    let recorded = Recorded::read(project)?;
    let now = recorded.settled(seen)?;
    if !recorded.standing(&now).is_in_step() {
        over::quiet(movement)?;
        return record(project, host, config, gate, None, memory);
    }
    let generation = recorded.generation();
    let calm = memory.calm.as_ref();
    let calm =
        calm.filter(|calm| calm.generation == generation && calm.gate.is_same_place_as(&gate));
    if let Some(calm) = calm.filter(|calm| !calm.seen.diff_to(seen).is_empty()) {
        over::quiet(movement)?;
        let calm = calm.clone();
        return record(project, host, config, gate, Some(calm), memory);
    }
    memory.rest(Calm {
        generation,
        gate,
        seen: seen.clone(),
    });
    if recorded.can_be_refreshed(&now)
        && let Ok(lock) = RunLock::try_acquire(&venv.layout(), HOLDER)
    {
        recorded.refresh(project, &now, &lock);
    }
    Ok(None)
}

/// Enters what differs from the record; where nothing does, what was installed again since `calm`.
fn record(
    project: &Project,
    host: &Host,
    config: &Config,
    gate: Gate,
    calm: Option<Calm>,
    memory: &mut Memory,
) -> Result<Option<Published>, Obstacle> {
    let layout = project.venv().layout();
    let lock = RunLock::try_acquire(&layout, HOLDER).map_err(|error| match error {
        LockError::Busy(holder) => underway(format!("{} runs", holder.command)),
        LockError::Unusable { .. } => Obstacle::failed(error),
    })?;
    let recovered = recover(project, host, config, &lock)?;
    if let Some(run) = Unfinished::last(&layout)? {
        return Err(underway(format!("{} runs without a lock", run.run.action)));
    }
    let now = Snapshot::scan(project.venv(), host)?;
    let argv = [HOLDER.to_owned()];
    let cwd = project.root().to_path_buf();
    let mut caught_up = catch_up(project, config, &lock, &now, &argv, cwd.clone())?;
    if let Some(calm) = calm.filter(|_| caught_up.is_none() && recovered.is_none()) {
        let recorded = Recorded::read(project)?;
        if recorded.generation() == calm.generation {
            let seen = (&calm.seen, &now);
            caught_up = Some(enter_seen(project, config, &lock, seen, &argv, cwd)?);
        }
    }
    let entered = caught_up.or(recovered);
    // What comes next is compared with what was there when this was entered, here or by somebody else meanwhile.
    let generation = match &entered {
        Some(run) => run.generation,
        None => Recorded::read(project)?.generation(),
    };
    memory.rest(Calm {
        generation,
        gate,
        seen: now,
    });
    Ok(entered)
}

impl Obstacle {
    fn failed(error: impl Display) -> Self {
        Self::Failed {
            why: error.to_string(),
            is_news: false,
        }
    }
}

impl From<NotOver> for Obstacle {
    fn from(not_over: NotOver) -> Self {
        Self::NotOver(not_over)
    }
}

impl From<StoreError> for Obstacle {
    fn from(error: StoreError) -> Self {
        Self::failed(error)
    }
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

fn underway(why: impl Into<String>) -> Obstacle {
    Obstacle::NotOver(NotOver::Underway(why.into()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::store::{Generation, RunLog, StartedRun, Tool};

    struct Site {
        dir: tempfile::TempDir,
        project: Project,
        memory: Locked<Memory>,
    }

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            let project = make(dir.path());
            let memory = Locked::default();
            Self {
                dir,
                project,
                memory,
            }
        }

        fn install(&self, folder: &str, record: &str) {
            let site = self.project.venv().site_packages().remove(0);
            std::fs::create_dir_all(site.join(folder)).expect("folder");
            std::fs::write(site.join(folder).join("INSTALLER"), "uv\n").expect("write");
            let metadata = "Name: one\nVersion: 1.0\n";
            std::fs::write(site.join(folder).join("METADATA"), metadata).expect("write");
            std::fs::write(site.join(folder).join("RECORD"), record).expect("write");
        }

        fn install_six(&self) {
            self.install(
                "six-1.0.dist-info",
                "six.py,,\nsix-1.0.dist-info/INSTALLER,,\n",
            );
        }

        fn look_after(&self, quiet_ms: u64) -> String {
            let since = Duration::from_millis(quiet_ms);
            let movement = Movement {
                since_first: since,
                since_last: since,
            };
            let host = Host::default();
            let gate = Gate::of(self.project.venv(), &host);
            match look(
                &self.project,
                &host,
                &Config::default(),
                &gate,
                movement,
                &self.memory,
            ) {
                Ok(None) => "as recorded".to_owned(),
                Ok(Some(published)) => {
                    format!("{} by {:?}", published.generation, published.record.tool)
                }
                Err(Obstacle::NotOver(NotOver::Recent(left))) => {
                    format!("{} ms left", left.as_millis())
                }
                Err(Obstacle::NotOver(NotOver::Underway(why))) => format!("underway: {why}"),
                Err(Obstacle::Failed { is_news: true, .. }) => "failed, and is news".to_owned(),
                Err(Obstacle::Failed { why, .. }) => format!("failed: {why}"),
            }
        }
    }

    fn make(root: &Path) -> Project {
        let venv = root.join(".venv");
        for folder in ["lib/python3.12/site-packages", "bin"] {
            std::fs::create_dir_all(venv.join(folder)).expect("folders");
        }
        std::fs::write(venv.join("pyvenv.cfg"), "").expect("write");
        std::fs::write(venv.join("bin/python"), "").expect("write");
        Project::at(root).expect("a project")
    }

    #[test]
    fn a_change_is_entered_once_when_it_is_over() {
        let site = Site::new();
        assert_eq!(site.look_after(1_000), format!("0 by {:?}", Tool::Unknown));
        assert_eq!(site.look_after(0), "as recorded");
        site.install_six();
        assert_eq!(site.look_after(50), "100 ms left");
        assert_eq!(site.look_after(150), format!("1 by {:?}", Tool::Uv));
        assert_eq!(site.look_after(150), "as recorded");
        site.install("b-1.dist-info", "b.py,,\nb-1.dist-info/RECORD,,\n");
        assert_eq!(
            site.look_after(9_999),
            "underway: b-1.dist-info is incomplete"
        );
        assert_eq!(RunLog::read(&site.project.layout()).runs.len(), 2);
    }

    #[test]
    fn what_is_seen_to_be_installed_again_is_a_change_though_it_is_the_same() {
        let site = Site::new();
        site.install_six();
        assert_eq!(site.look_after(1_000), format!("1 by {:?}", Tool::Uv));
        let again = || {
            let folder = site.project.venv().site_packages().remove(0);
            std::fs::remove_dir_all(folder.join("six-1.0.dist-info")).expect("removed");
            site.install_six();
        };
        again();
        assert_eq!(site.look_after(1_000), format!("2 by {:?}", Tool::Uv));
        assert_eq!(site.look_after(1_000), "as recorded");
        // Nobody saw it: what is there is what is recorded.
        *site.memory.lock() = Memory::default();
        again();
        assert_eq!(site.look_after(1_000), "as recorded");
    }

    #[test]
    fn whoever_holds_the_lock_records_it_himself() {
        let site = Site::new();
        site.look_after(1_000);
        site.install_six();
        let layout = site.project.venv().layout();
        let lock = RunLock::try_acquire(&layout, "pip install six").expect("free");
        assert_eq!(site.look_after(1_000), "underway: pip install six runs");
        drop(lock);
        let run = StartedRun {
            pid: std::os::unix::process::parent_id(),
            callers: Vec::new(),
            undoes: None,
            waited_ms: 0,
            ..started()
        };
        let id = run.id;
        Unfinished::begin(&layout, run, (Snapshot::default(), None), false).expect("begun");
        assert_eq!(
            site.look_after(1_000),
            "underway: install runs without a lock"
        );
        Unfinished::end(&layout, &id);
        assert_eq!(site.look_after(1_000), format!("1 by {:?}", Tool::Uv));
    }

    fn started() -> StartedRun {
        StartedRun {
            id: crate::store::RunId::new(),
            action: "install".to_owned(),
            packages: Vec::new(),
            argv: Vec::new(),
            cwd: "/".into(),
            tool: Tool::Pip,
            started_at: chrono::Utc::now(),
            pid: 0,
            callers: Vec::new(),
            undoes: None,
            waited_ms: 0,
        }
    }

    #[test]
    fn what_cannot_be_recorded_is_news_once_and_only_where_packages_changed() {
        let site = Site::new();
        site.look_after(1_000);
        assert_eq!(site.look_after(1_000), "as recorded");
        let packages = site.project.venv().site_packages().remove(0);
        let logs = site.project.layout().logs();
        std::fs::remove_dir_all(&logs).expect("removed");
        std::fs::write(&logs, "not a folder").expect("write");
        let is_told = |expected: bool| {
            let said = site.look_after(1_000);
            assert!(said.starts_with("failed"), "{said}");
            assert_eq!(said == "failed, and is news", expected, "{said}");
        };
        site.install_six();
        is_told(true);
        is_told(false);
        std::fs::create_dir(packages.join("__pycache__")).expect("folder");
        is_told(false);
        std::fs::remove_dir_all(packages.join("six-1.0.dist-info")).expect("removed");
        site.install_six();
        is_told(true);
        // Made again: what the worker has open is gone.
        let old = site.dir.path().join("old");
        std::fs::rename(site.project.venv().root(), old).expect("renamed");
        make(site.dir.path());
        site.install_six();
        is_told(true);
        is_told(false);
        std::fs::remove_file(&logs).expect("removed");
        assert!(site.look_after(1_000).contains("by Uv"));
    }

    #[test]
    fn an_environment_that_is_gone_is_no_change() {
        let site = Site::new();
        site.install_six();
        assert_eq!(site.look_after(1_000), format!("1 by {:?}", Tool::Uv));
        std::fs::remove_dir_all(site.project.venv().root()).expect("removed");
        assert_eq!(
            site.look_after(9_999),
            "underway: the environment is not there"
        );
        make(site.dir.path());
        assert_eq!(site.look_after(1_000), format!("2 by {:?}", Tool::Unknown));
        let log = RunLog::read(&site.project.layout());
        assert_eq!(log.runs.len(), 2);
        let (meta, _) = crate::store::EnvMeta::read(&site.project.layout());
        assert_eq!(meta.generation(), Generation(2));
    }

    #[test]
    fn a_locked_environment_is_somebodys_while_something_moves() {
        let site = Site::new();
        site.install_six();
        let path = site.project.venv().layout().uv_lock();
        let lock = std::fs::File::create(path).expect("made");
        lock.lock().expect("locked");
        if system::who_locks(&lock.metadata().expect("there")).is_none() {
            #[expect(clippy::print_stdout, reason = "a skipped test says why")]
            {
                println!("skipped: the system does not tell who has a lock");
            }
            return;
        }
        let why = format!(
            "underway: process {} has locked the environment",
            std::process::id()
        );
        assert_eq!(site.look_after(10_000), why);
        lock.unlock().expect("unlocked");
        assert_eq!(site.look_after(10_000), "1 by Uv");
    }
}
