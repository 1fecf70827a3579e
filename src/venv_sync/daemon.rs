//! The only file of this room that talks to the daemon. Telling it something never fails; waiting for it can.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::ground::Ground;
use crate::api::v1::{
    Health, LONGEST_WAIT_S, ProjectInfo, RestartRequest, Watching, WorkerState, WorkerStatus,
};
use crate::api::{Address, Client, if_offered, nudge};
use crate::console::{self, Console, worker_wait};
use crate::error::{Error, Exit, Result};
use crate::host::Host;
use crate::project::{Project, ProjectId, Venv};
use crate::store::{Generation, Published};
use crate::terminal::printable;
use crate::words::t;

/// The longest that `--wait` waits; a start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// Before a worker is asked after again that is on its way, where the backend answers at once instead of waiting.
const PAUSE: Duration = Duration::from_millis(50);

/// The daemon, as far as this project is concerned.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(super) enum DaemonState {
    /// None runs.
    Absent,
    /// One runs.
    Running {
        /// The toolkit's version that it is of.
        version: Option<String>,
        /// How it is itself, where it says so.
        #[serde(skip)]
        health: Option<Box<Health>>,
        /// The project's worker; none where it does not know the project.
        worker: Option<Box<WorkerStatus>>,
        /// How it notices what other tools change here; none while nobody uses the project.
        #[serde(skip_serializing_if = "Option::is_none")]
        watching: Option<Watching>,
    },
    /// Something answers that cannot be talked to.
    Unusable {
        /// Why.
        why: String,
        /// What to do about it.
        #[serde(skip)]
        hint: Option<String>,
    },
}

impl DaemonState {
    /// The daemon in a few words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Absent => t!("venv_sync.daemon.absent"),
            Self::Running {
                version: Some(version),
                health: Some(health),
                ..
            } if health.is_ours() => t!("venv_sync.daemon.running", version = version),
            Self::Running { .. } => t!("venv_sync.daemon.running_other"),
            Self::Unusable { why, .. } => t!("venv_sync.daemon.unusable", why = why),
        }
        .into_owned()
    }

    /// The worker in a few words, the environment being at `generation`; empty without a daemon.
    pub(super) fn worker_words(&self, generation: u64) -> String {
        let Self::Running { worker, .. } = self else {
            return String::new();
        };
        let Some(worker) = worker else {
            return t!("venv_sync.daemon.not_registered").into_owned();
        };
        let has = worker.generation.unwrap_or_default();
        match worker.state {
            WorkerState::Stopped => t!("venv_sync.daemon.stopped"),
            WorkerState::Starting => t!("venv_sync.daemon.starting"),
            WorkerState::Idle | WorkerState::Busy if has < generation => {
                t!("venv_sync.daemon.behind", has = has)
            }
            WorkerState::Idle => t!("venv_sync.daemon.idle", generation = has),
            WorkerState::Busy => t!(
                "venv_sync.daemon.busy",
                generation = has,
                file = printable(worker.busy_with.as_deref().unwrap_or("?"))
            ),
            WorkerState::Failed => t!("venv_sync.daemon.failed", why = reason(worker)),
        }
        .into_owned()
    }
}

/// What is there. Never fails, and waits for nothing but one short reply.
pub(super) fn look(ground: &Ground<'_>, console: &Console) -> DaemonState {
    let client = match connect(ground, console) {
        Ok(client) => client,
        Err(error) if error.exit() == Exit::NoDaemon => return DaemonState::Absent,
        Err(error) => {
            return DaemonState::Unusable {
                why: error.to_string(),
                hint: error.hints().first().cloned(),
            };
        }
    };
    let folder = ground.project.root();
    let health = client.health().ok();
    let known = client.resolve(folder).ok();
    let known = known.filter(|info| info.path == folder);
    DaemonState::Running {
        version: client.version().version.clone(),
        health: health.map(Box::new),
        watching: known.as_ref().and_then(|info| info.watching.clone()),
        worker: known.and_then(|info| client.worker(&info.id).ok().map(Box::new)),
    }
}

fn connect(ground: &Ground<'_>, console: &Console) -> Result<Client> {
    console::connect(console, ground.host, Some(&ground.project))
}

/// Tells the daemon that the environment changed, if one runs.
pub(super) fn tell(ground: &Ground<'_>, published: &Published) {
    nudge::env_changed(
        ground.host,
        &ground.project,
        published.generation.0,
        &published.record.id.to_string(),
    );
}

/// The project as the daemon knows it, registered if need be. A backend that knows its projects by itself offers no
/// registration.
fn known_as(client: &Client, ground: &Ground<'_>) -> Result<ProjectInfo> {
    let folder = ground.project.root();
    match if_offered(client.register(folder))? {
        Some(info) => Ok(info),
        None => client.resolve(folder),
    }
}

/// Makes the project known to the daemon, if one runs, and gives its id there.
pub(super) fn register(ground: &Ground<'_>, console: &mut Console) -> Option<String> {
    let known = connect(ground, console).and_then(|client| known_as(&client, ground));
    match known {
        Ok(info) => Some(info.id.to_string()),
        Err(error) => {
            if error.exit() != Exit::NoDaemon {
                console.warn(t!("venv_sync.daemon.not_told", why = error));
            }
            None
        }
    }
}

/// Takes the project of the environment at `root` out of the daemon's registry, if one runs that knows it; says whether
/// it did.
pub(super) fn forget(host: &Host, root: &Path) -> bool {
    let project = Venv::open(root).ok().map(Project::of_venv);
    let forgotten = || -> Result<()> {
        let client = Client::connect(host, project.as_ref())?;
        let folder = project
            .as_ref()
            .map_or_else(|| root.parent(), |one| Some(one.root()));
        let folder = folder.unwrap_or(root);
        let all = client.projects()?;
        let known = all.into_iter().find(|one| one.path == folder);
        let known = known.ok_or_else(|| Error::not_found(folder.display().to_string()))?;
        client.forget(&known.id)
    };
    forgotten().is_ok()
}

/// Waits until the project's worker is ready at `generation`, starting it if need be.
///
/// # Errors
/// `Exit::NoDaemon` without one; why the worker did not start; or that it took too long.
pub(super) fn wait(
    ground: &Ground<'_>,
    generation: Generation,
    console: &Console,
) -> Result<WorkerStatus> {
    let client = connect(ground, console)?;
    let id = known_as(&client, ground)?.id;
    let line = worker_wait::asked(console, &client, Address::from(&id));
    let _line = line.until_interrupted();
    let deadline = Instant::now() + PATIENCE;
    let started = if_offered(client.start(&id)).or_else(|error| {
        let failed = client.worker(&id).ok().filter(has_failed);
        failed.map(Some).ok_or(error)
    })?;
    let starts_by_itself = started.is_none();
    let mut worker = match started {
        Some(worker) => worker,
        None => started_otherwise(&client, &id, generation)?,
    };
    loop {
        // A backend that offers no start starts a worker with its first node, and that one on the newest environment.
        let is_none = starts_by_itself && worker.state == WorkerState::Stopped;
        if worker.is_ready_at(generation.0) || is_none {
            return Ok(worker);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        let ended = matches!(worker.state, WorkerState::Failed | WorkerState::Stopped);
        if ended || left.is_zero() {
            return Err(not_ready(&worker, generation));
        }
        let asked = Instant::now();
        worker = client.worker_at(&id, generation.0, left)?;
        if !worker.is_ready_at(generation.0) && asked.elapsed() < PAUSE {
            std::thread::sleep(PAUSE);
        }
    }
}

/// The worker where the backend offers no start: a worker that does not run is brought by a restart.
fn started_otherwise(
    client: &Client,
    id: &ProjectId,
    generation: Generation,
) -> Result<WorkerStatus> {
    let worker = client.worker_at(id, generation.0, Duration::ZERO)?;
    if !matches!(worker.state, WorkerState::Failed | WorkerState::Stopped) {
        return Ok(worker);
    }
    let restart = RestartRequest {
        wait_s: Some(PATIENCE.as_secs_f64().min(LONGEST_WAIT_S)),
        reason: Some("aim-venv-sync sync --wait".to_owned()),
        ..RestartRequest::default()
    };
    client
        .restart(id, &restart)
        .map(|restarted| restarted.worker)
}

/// Whether the worker's last start failed.
pub(super) fn has_failed(worker: &WorkerStatus) -> bool {
    worker.state == WorkerState::Failed
}

/// That `worker` is ready, or that none has to be, in words.
pub(super) fn ready(worker: &WorkerStatus) -> String {
    if worker.state == WorkerState::Stopped {
        return t!("venv_sync.daemon.none_runs").into_owned();
    }
    t!(
        "venv_sync.daemon.ready",
        generation = worker.generation.unwrap_or_default(),
        pid = worker.pid.unwrap_or_default()
    )
    .into_owned()
}

fn not_ready(worker: &WorkerStatus, generation: Generation) -> Error {
    let message = match worker.state {
        WorkerState::Failed => t!("venv_sync.daemon.refresh_failed", why = reason(worker)),
        WorkerState::Stopped => t!("venv_sync.daemon.was_stopped"),
        _ => t!("venv_sync.daemon.too_slow", generation = generation),
    };
    Error::failed(message).hint(t!("venv_sync.daemon.hint_logs"))
}

/// Why the last start failed, without the sentence that the daemon puts before it.
fn reason(worker: &WorkerStatus) -> String {
    let why = worker.last_error.as_deref().unwrap_or("?");
    let why = why.strip_prefix("환경 갱신 실패:").unwrap_or(why);
    printable(why.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{self, Language};

    fn worker(state: WorkerState, generation: Option<u64>) -> WorkerStatus {
        WorkerStatus {
            state,
            generation,
            last_error: Some("환경 갱신 실패: python is gone".into()),
            ..WorkerStatus::unused(ProjectId::new("p").expect("an id"))
        }
    }

    fn check(worker: WorkerStatus, expected: &str) {
        let daemon = DaemonState::Running {
            version: None,
            health: None,
            worker: Some(Box::new(worker)),
            watching: None,
        };
        assert_eq!(daemon.worker_words(5), expected);
    }

    #[test]
    fn workers_in_words() {
        check(worker(WorkerState::Idle, Some(5)), "ready at generation 5");
        check(
            worker(WorkerState::Idle, Some(4)),
            "at generation 4; changes over at the next node",
        );
        check(
            worker(WorkerState::Stopped, None),
            "stopped; the next node starts it",
        );
        check(
            worker(WorkerState::Failed, None),
            "environment refresh failed: python is gone",
        );
        assert_eq!(DaemonState::Absent.worker_words(5), "");
    }

    #[test]
    fn a_failed_start_is_told_in_the_persons_language() {
        words::choose(Language::Korean);
        let error = not_ready(&worker(WorkerState::Failed, None), Generation(5));
        assert_eq!(error.to_string(), "환경 갱신 실패: python is gone");
        assert_eq!(error.exit(), Exit::Failed);
    }
}
