//! The other runs that go on while one does: those without a lock, and one that holds it and stands still.

use crate::project::Project;
use crate::store::{Company, RunId, RunLock, StartedRun, Unfinished};
use crate::system::{self, Work};

/// Who goes on beside a run from its beginning, and what each has done by then.
pub(super) struct BesideOthers(Vec<(RunId, Option<Work>)>);

impl BesideOthers {
    /// Those beside `run`, which begins now, with the run lock `held` or without.
    pub(super) fn begin(project: &Project, run: &StartedRun, held: Option<&RunLock>) -> Self {
        Self(look(project, run, held))
    }

    /// Whether nobody is there.
    pub(super) fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that the run has at its end, and whether somebody has been at work meanwhile.
    pub(super) fn end(
        &self,
        project: &Project,
        run: &StartedRun,
        held: Option<&RunLock>,
    ) -> Company {
        let now = look(project, run, held);
        let stood_still =
            |other: &(RunId, Option<Work>)| other.1.is_some() && self.0.contains(other);
        // One that was cut off meanwhile is among those that have a note.
        let has_left_something = |note: &Unfinished| {
            if note.run.id == run.id {
                return note.is_shared;
            }
            now.iter().all(|(id, _)| *id != note.run.id)
        };
        let notes = Unfinished::all(&project.venv().layout()).unwrap_or_default();
        Company {
            is_at_work: notes.iter().any(has_left_something) || !now.iter().all(stood_still),
            others: now.into_iter().map(|(id, _)| id).collect(),
        }
    }
}

fn look(project: &Project, run: &StartedRun, held: Option<&RunLock>) -> Vec<(RunId, Option<Work>)> {
    let without = [run.pid, std::process::id()];
    Unfinished::beside(&project.venv().layout(), &run.id, held)
        .into_iter()
        .map(|other| (other.run.id, system::work_of(other.run.pid, &without)))
        .collect()
}
