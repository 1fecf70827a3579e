//! Enters into the history what other tools changed.

use std::path::PathBuf;

use chrono::Utc;

use super::error::StoreError;
use super::lock::RunLock;
use super::publish::publish;
use super::record::{FinishedRun, Published};
use super::recover::complete_last;
use super::state::Recorded;
use crate::inventory::Snapshot;
use crate::project::{Config, Project};

/// Compares `now` with what is recorded, and enters a difference as a run `sync` of the tool that made it; where a run
/// that says just this came as far as its record, that run is completed. Also writes an `env_meta.json` that is
/// missing, broken, or lost its generation. None when all is in step.
///
/// To be called before a run begins, so that its own change is told apart from earlier ones; whoever holds the run lock
/// knows that nobody is in the middle of a change. `argv` and `cwd` are of the call that noticed.
///
/// # Errors
/// [`StoreError`], as [`publish`].
pub fn catch_up(
    project: &Project,
    config: &Config,
    held: &RunLock,
    now: &Snapshot,
    argv: &[String],
    cwd: PathBuf,
) -> Result<Option<Published>, StoreError> {
    let recorded = Recorded::read(project)?;
    let now = &*recorded.settled(now)?;
    if recorded.standing(now).is_in_step() {
        recorded.refresh(project, now, held);
        return Ok(None);
    }
    let recorded = recorded.snapshot().cloned().unwrap_or_default();
    if let Some(completed) = complete_last(project, &recorded, now)? {
        return Ok(Some(completed));
    }
    enter_seen(project, config, held, (&recorded, now), argv, cwd).map(Some)
}

/// Enters what somebody saw another tool do, from `before` to `now`, as a run `sync` of that tool.
///
/// Both are of one place, so what was written anew there was installed again, though it may hold the same as before.
///
/// # Errors
/// [`StoreError`], as [`publish`].
pub fn enter_seen(
    project: &Project,
    config: &Config,
    _held: &RunLock,
    (before, now): (&Snapshot, &Snapshot),
    argv: &[String],
    cwd: PathBuf,
) -> Result<Published, StoreError> {
    let run = FinishedRun::seen(project.venv(), (before, now), Utc::now(), (argv, cwd))
        .map_err(StoreError::unscanned(project.venv()))?;
    publish(project, config, run, before, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::store::testing::{install, project};
    use crate::store::{EnvMeta, Generation, RunLog, Tool};

    fn caught_up(project: &Project) -> Option<Published> {
        let lock = RunLock::try_acquire(&project.venv().layout(), "test").expect("free");
        let now = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        catch_up(
            project,
            &Config::default(),
            &lock,
            &now,
            &["sync".into()],
            "/".into(),
        )
        .expect("caught up")
    }

    fn is_in_step(project: &Project) -> bool {
        let now = Snapshot::scan(project.venv(), &Host::default()).expect("readable");
        let recorded = Recorded::read(project).expect("read");
        recorded.standing(&now).is_in_step()
    }

    fn installed_by(project: &Project, name: &str, tool: &str) {
        install(project, name, "1.0");
        let site = project.venv().site_packages().remove(0);
        std::fs::write(
            site.join(format!("{name}-1.0.dist-info/INSTALLER")),
            format!("{tool}\n"),
        )
        .expect("write");
    }

    #[test]
    fn what_other_tools_did_is_entered_once_and_under_their_name() {
        let (_dir, project) = project();
        installed_by(&project, "pip", "pip");
        let first = caught_up(&project).expect("nothing was recorded");
        assert!(is_in_step(&project));
        assert_eq!(
            (first.record.tool, first.generation),
            (Tool::Pip, Generation(1))
        );
        assert!(caught_up(&project).is_none());
        installed_by(&project, "six", "uv");
        assert!(!is_in_step(&project));
        assert_eq!(caught_up(&project).expect("uv").record.tool, Tool::Uv);
        installed_by(&project, "a", "uv");
        installed_by(&project, "b", "Poetry 1.8.2");
        assert_eq!(
            caught_up(&project).expect("two tools").record.tool,
            Tool::Unknown
        );
        let site = project.venv().site_packages().remove(0);
        std::fs::remove_dir_all(site.join("six-1.0.dist-info")).expect("remove");
        let last = caught_up(&project).expect("removed");
        assert_eq!(
            (last.record.tool, last.generation),
            (Tool::Unknown, Generation(4))
        );
        assert_eq!(last.record.changes.removed[0].name, "six");
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 4);
    }

    /// AIM-Forge's file, which names `packages` and nothing of ours.
    fn aim_forge_writes(project: &Project, packages: &str) {
        let text = format!(
            r#"{{"updated_at":"2025-10-04T08:30:28+00:00","packages":[{packages}],"last_action":null}}"#
        );
        std::fs::write(project.layout().env_meta(), text).expect("write");
    }

    const PIP: &str = r#"{"name":"pip","version":"1.0"}"#;

    #[test]
    fn a_generation_that_aim_forge_lost_is_written_again_without_a_run() {
        let (_dir, project) = project();
        installed_by(&project, "pip", "pip");
        caught_up(&project);
        aim_forge_writes(&project, PIP);
        assert!(is_in_step(&project), "unchanged as far as it knows");
        let recorded = Recorded::read(&project).expect("read");
        assert_eq!(recorded.generation(), Generation(1));
        assert!(caught_up(&project).is_none());
        let (meta, _) = EnvMeta::read(&project.layout());
        assert_eq!((meta.generation(), meta.schema), (Generation(1), 1));
        assert_eq!(
            meta.updated_at.as_deref(),
            Some("2025-10-04T08:30:28+00:00")
        );
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 1);
    }

    #[test]
    fn what_was_installed_before_aim_forge_wrote_its_file_is_a_change() {
        let (_dir, project) = project();
        installed_by(&project, "pip", "pip");
        caught_up(&project);
        installed_by(&project, "six", "pip");
        aim_forge_writes(
            &project,
            &format!(r#"{PIP},{{"name":"six","version":"1.0"}}"#),
        );
        assert!(!is_in_step(&project));
        let entered = caught_up(&project).expect("six");
        assert_eq!(entered.generation, Generation(2));
        assert_eq!(entered.record.changes.added[0].name, "six");
    }

    #[test]
    fn a_record_that_a_power_cut_kept_from_env_meta_is_completed() {
        let (_dir, project) = project();
        installed_by(&project, "pip", "pip");
        caught_up(&project);
        let files = [
            project.layout().env_meta(),
            project.venv().layout().aim().join("snapshot.json"),
        ];
        let before = files
            .each_ref()
            .map(|file| std::fs::read(file).expect("read"));
        installed_by(&project, "six", "uv");
        let entered = caught_up(&project).expect("six");
        for (file, text) in files.iter().zip(&before) {
            std::fs::write(file, text).expect("write");
        }
        let completed = caught_up(&project).expect("six");
        assert_eq!(completed.record, entered.record);
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 2);
        assert!(is_in_step(&project));

        // More happened than the record says.
        for (file, text) in files.iter().zip(&before) {
            std::fs::write(file, text).expect("write");
        }
        installed_by(&project, "seven", "uv");
        assert_eq!(caught_up(&project).expect("both").generation, Generation(3));
        assert_eq!(RunLog::read(&project.layout()).runs.len(), 3);
    }
}
