//! One look at an environment: is it as recorded, is a change over, and if so, into the history with it.
//!
//! Reads and writes files, so it is for a thread that may wait.

use std::io;

use super::over::{self, Movement, NotOver};
use super::signs;
use crate::backend::locked::Locked;
use crate::host::Host;
use crate::inventory::{Gate, Snapshot};
use crate::project::{Config, Project, Venv};
use crate::store::{
    Generation, LockError, Published, Recorded, RunLock, StoreError, Unfinished, catch_up,
    enter_seen, recover,
};

/// Who holds the run lock meanwhile, for whoever waits for it.
const HOLDER: &str = "aim-backend";

/// Why what is there is not recorded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// A change is not over, or nobody can tell yet.
    NotOver(NotOver),
    /// A change cannot be recorded: why.
    Failed(String),
}

/// Looks at `project`, which moved as `movement` says. What is there is recorded then; the run that it was entered by,
/// if it was not recorded before.
///
/// What a run of the shim changed is never entered a second time: it holds the run lock until it is recorded.
///
/// # Errors
/// [`Obstacle`]; then nothing was entered.
pub(super) fn look(
    project: &Project,
    host: &Host,
    config: &Config,
    movement: Movement,
    last: &Locked<Option<Calm>>,
) -> Result<Option<Published>, Obstacle> {
    let venv = project.venv();
    if Venv::open(venv.root()).is_err() || venv.python().is_err() {
        return Err(underway("the environment is not there"));
    }
    // What cannot be read while somebody works on it may be whole in a moment.
    let in_vain = |why: String| match over::quiet(movement) {
        Ok(()) => Obstacle::Failed(why),
        Err(not_over) => Obstacle::NotOver(not_over),
    };
    let unread = |error: io::Error| in_vain(error.to_string());
    let failed = |error: StoreError| in_vain(error.to_string());
    let sites = venv.all_site_packages().map_err(unread)?;
    over::underway(&signs::signs(&sites).map_err(unread)?).map_err(Obstacle::NotOver)?;
    let seen = Snapshot::scan(venv, host).map_err(unread)?;
    let recorded = Recorded::read(project).map_err(failed)?;
    let now = recorded.settled(&seen).map_err(failed)?;
    if recorded.standing(&now).is_in_step() {
        let gate = Gate::of(venv, host);
        let generation = recorded.generation();
        let before = last
            .lock()
            .take()
            .filter(|calm| calm.generation == generation && calm.gate.is_same_place_as(&gate));
        if let Some(calm) = before
            && !calm.seen.diff_to(&seen).is_empty()
        {
            *last.lock() = Some(calm.clone());
            over::quiet(movement).map_err(Obstacle::NotOver)?;
            return record(project, host, config, Some(calm), last);
        }
        *last.lock() = Some(Calm {
            generation,
            gate,
            seen: seen.clone(),
        });
        if recorded.can_be_refreshed(&now)
            && let Ok(lock) = RunLock::try_acquire(&venv.layout(), HOLDER)
        {
            recorded.refresh(project, &now, &lock);
        }
        return Ok(None);
    }
    over::quiet(movement).map_err(Obstacle::NotOver)?;
    record(project, host, config, None, last)
}

/// An environment that was as recorded when it was looked at.
#[derive(Debug, Clone)]
pub(super) struct Calm {
    generation: Generation,
    gate: Gate,
    seen: Snapshot,
}

/// Enters what differs from the record; where nothing does, what was installed again since `calm`.
fn record(
    project: &Project,
    host: &Host,
    config: &Config,
    calm: Option<Calm>,
    last: &Locked<Option<Calm>>,
) -> Result<Option<Published>, Obstacle> {
    let layout = project.venv().layout();
    let lock = RunLock::try_acquire(&layout, HOLDER).map_err(|error| match error {
        LockError::Busy(holder) => underway(format!("{} runs", holder.command)),
        LockError::Unusable { .. } => Obstacle::Failed(error.to_string()),
    })?;
    let failed = |error: StoreError| Obstacle::Failed(error.to_string());
    let recovered = recover(project, host, config, &lock).map_err(failed)?;
    if let Some(run) = Unfinished::last(&layout).map_err(failed)? {
        return Err(underway(format!("{} runs without a lock", run.run.action)));
    }
    let gate = Gate::of(project.venv(), host);
    let now = Snapshot::scan(project.venv(), host)
        .map_err(|error| Obstacle::Failed(error.to_string()))?;
    let argv = [HOLDER.to_owned()];
    let cwd = project.root().to_path_buf();
    let caught_up = catch_up(project, config, &lock, &now, &argv, cwd.clone());
    let mut caught_up = caught_up.map_err(failed)?;
    if let Some(calm) = calm.filter(|_| caught_up.is_none() && recovered.is_none()) {
        let recorded = Recorded::read(project).map_err(failed)?;
        if recorded.generation() == calm.generation {
            let seen = (&calm.seen, &now);
            let entered = enter_seen(project, config, &lock, seen, &argv, cwd).map_err(failed)?;
            caught_up = Some(entered);
        }
    }
    let entered = caught_up.or(recovered);
    // What comes next is compared with what was there when this was entered.
    *last.lock() = entered.as_ref().map(|run| Calm {
        generation: run.generation,
        gate,
        seen: now,
    });
    Ok(entered)
}

fn underway(why: impl Into<String>) -> Obstacle {
    Obstacle::NotOver(NotOver::Underway(why.into()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::store::{RunLog, StartedRun, Tool};

    struct Site {
        dir: tempfile::TempDir,
        project: Project,
        last: Locked<Option<Calm>>,
    }

    impl Site {
        fn new() -> Self {
            let dir = tempfile::tempdir().expect("temporary folder");
            let project = make(dir.path());
            let last = Locked::default();
            Self { dir, project, last }
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
            match look(
                &self.project,
                &Host::default(),
                &Config::default(),
                movement,
                &self.last,
            ) {
                Ok(None) => "as recorded".to_owned(),
                Ok(Some(published)) => {
                    format!("{} by {:?}", published.generation, published.record.tool)
                }
                Err(Obstacle::NotOver(NotOver::Recent(left))) => {
                    format!("{} ms left", left.as_millis())
                }
                Err(Obstacle::NotOver(NotOver::Underway(why))) => format!("underway: {why}"),
                Err(Obstacle::Failed(why)) => format!("failed: {why}"),
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
        *site.last.lock() = None;
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
            ..started()
        };
        let id = run.id;
        Unfinished::begin(&layout, run, Snapshot::default(), false).expect("begun");
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
        }
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
}
