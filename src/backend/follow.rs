//! Follows every project that is known and has the toolkit in its environment: each gets the daemon's note, and its
//! changes are recorded though nobody uses it.
//!
//! One project after another, so that hundreds cost a start of the daemon nothing but a little work beside it. What
//! changed while no daemon ran is entered then. What is followed ends where the project is forgotten, its environment
//! goes, or the toolkit is taken out of it; and so does what the project has run (`ordered`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::projects::Known;
use super::state::Daemon;
use super::supervise;
use crate::hook;
use crate::project::Project;

/// How often it is looked which projects there are: an environment that is made anew has no note, and other programs
/// write the registry, too.
const EVERY: Duration = Duration::from_secs(30);

/// Follows them for as long as the daemon lives.
pub(super) async fn follow(daemon: Arc<Daemon>) {
    loop {
        let _ = supervise::caught("following", follow_known(&daemon)).await;
        let changed = async {
            tokio::select! {
                () = daemon.known_changed() => {}
                () = daemon.ordered().moved() => {}
            }
        };
        let _ = tokio::time::timeout(EVERY, changed).await;
    }
}

async fn follow_known(daemon: &Arc<Daemon>) {
    let looking = Arc::clone(daemon);
    let found = supervise::blocking("notes", move || to_follow(&looking)).await;
    let Ok(Some(found)) = found else {
        return;
    };
    let kept: BTreeSet<_> = found.iter().map(|(known, _)| known.id.clone()).collect();
    daemon.jobs().follow_only(&kept).await;
    daemon.ordered().tend(&found).await;
    for (known, project) in found {
        if let Some(watch) = daemon.jobs().follow(&known.id, project) {
            watch.has_looked().await;
        }
    }
}

/// The projects that have this daemon's note and the hook. None where nobody knows which projects there are.
fn to_follow(daemon: &Daemon) -> Option<Vec<(Known, Project)>> {
    let known = daemon.projects().all().ok()?;
    let found = known.into_iter().filter_map(|known| {
        let project = known.project()?;
        let is_ours = daemon.notes().leave_where_known(&project);
        // Where nobody can tell now, nothing ends.
        let has_hook = || hook::is_installed(project.venv()).unwrap_or(true);
        (is_ours && has_hook()).then_some((known, project))
    });
    Some(found.collect())
}
