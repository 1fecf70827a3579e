//! From an environment to a worker: by way of a spare, an interpreter that waits with the worker's code loaded.
//!
//! A bare start takes some twenty milliseconds, becoming active one. So each project in use has a spare. It cannot hold
//! a stale view of the environment, since it has not looked at it yet.
//!
//! **Invariant:** a spare of another interpreter than the environment has now is never used.
//! **Invariant:** the generation is read before the worker looks at the environment, never after.

use std::ffi::OsString;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::time::timeout;

use super::background::Background;
use super::freshness::{Freshness, Interpreter, View};
use super::settings::JobSettings;
use super::unrecorded::Unrecorded;
use crate::backend::worker::process::{LastLines, Process, ProcessEvent, WorkerLog, ending};
use crate::backend::worker::protocol::{Envelope, Failure, Keys, Request, answer_to};
use crate::host::Host;
use crate::project::{Config, Project, node_variables};
use crate::system;

/// All that is needed to start a project's processes.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) project: Project,
    pub(crate) host: Host,
    pub(crate) settings: JobSettings,
    /// Where what they print on the way goes.
    pub(crate) log: WorkerLog,
    /// Changes of the environment that no generation tells of.
    pub(crate) unrecorded: Arc<Unrecorded>,
}

/// An interpreter that waits to become a worker.
#[derive(Debug)]
pub(crate) struct Standby {
    pub(crate) process: Process,
    python: String,
    interpreter: Interpreter,
    variables: Variables,
}

type Variables = Vec<(OsString, OsString)>;

/// A process that takes nodes.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) process: Process,
    pub(crate) view: View,
    pub(crate) python: String,
    pub(crate) started_at: DateTime<Utc>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// A start that came to nothing.
#[derive(Debug)]
pub(crate) struct StartFailure {
    /// Why, on one line.
    pub(crate) why: String,
    /// What it was for.
    pub(crate) view: View,
}

impl StartFailure {
    /// A start that went wrong in a way that nobody thought of.
    pub(crate) fn unknown(view: View) -> Self {
        Self {
            why: "the start was broken off".to_owned(),
            view,
        }
    }
}

/// A spare that is there or will be.
#[derive(Debug)]
pub(crate) enum Spare {
    Ready(Box<Standby>),
    Preparing(Background<Result<Standby, Misstart>>),
}

/// What went wrong with one process.
#[derive(Debug, Default)]
pub(crate) struct Misstart {
    why: String,
    /// Whether it ended without an answer, as a spare may that was killed while it waited.
    has_died: bool,
}

impl Misstart {
    fn new(why: impl std::fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            ..Self::default()
        }
    }
}

impl Plan {
    /// The settings in force now.
    pub(crate) fn config(&self) -> Config {
        Config::load(&self.host, Some(&self.project.layout()))
    }

    /// The project's folder as workers are told it.
    pub(crate) fn project_root(&self) -> String {
        self.project.root().to_string_lossy().into_owned()
    }

    fn variables(&self, config: &Config) -> Variables {
        node_variables(&self.host, config, self.project.venv())
    }

    /// Starts an interpreter and waits until it can become a worker.
    pub(crate) async fn standby(self: Arc<Self>) -> Result<Standby, Misstart> {
        let interpreter = Interpreter::of(self.project.venv());
        let python = self.project.venv().python().map_err(Misstart::new)?;
        let script = self
            .settings
            .script_folder
            .script()
            .map_err(Misstart::new)?;
        let variables = self.variables(&self.config());
        let pairs = variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()));
        self.settings.descriptors.make_room().await;
        let mut process = Process::spawn(&python, &script, self.project.root(), pairs)
            .await
            .map_err(|error| Misstart::new(format_args!("{}: {error}", python.display())))?;
        let mut printed = LastLines::shown_in(&self.log);
        let limit = self.settings.start_limit;
        let line = answer(&mut process, &mut printed, limit, None).await?;
        let envelope = serde_json::from_slice::<Envelope>(&line).unwrap_or_default();
        match envelope.event.as_deref() {
            Some("spare") => Ok(Standby {
                process,
                python: envelope.python.unwrap_or_default(),
                interpreter,
                variables,
            }),
            _ => Err(Misstart::new("the new process does not speak as a worker")),
        }
    }

    /// A worker on the environment as it is now: made of `spare` if that serves, else of a new process.
    pub(crate) async fn worker(
        self: Arc<Self>,
        spare: Option<Spare>,
        mut freshness: Freshness,
    ) -> Result<Worker, StartFailure> {
        let started = Instant::now();
        let mut result = Err(Misstart {
            has_died: true,
            ..Misstart::default()
        });
        let standby = match spare {
            Some(Spare::Ready(standby)) => Some(*standby),
            Some(Spare::Preparing(standby)) => standby.await.and_then(Result::ok),
            None => None,
        };
        let config = self.config();
        let standby = standby.filter(|spare| {
            spare.interpreter == Interpreter::of(self.project.venv())
                && spare.variables == self.variables(&config)
        });
        if let Some(standby) = standby {
            result = self.activate(standby, &config, &mut freshness).await;
        }
        if result.as_ref().is_err_and(|why| why.has_died) {
            result = match Arc::clone(&self).standby().await {
                Ok(standby) => self.activate(standby, &config, &mut freshness).await,
                Err(why) => Err(why),
            };
        }
        match result {
            Ok(worker) => Ok(Worker {
                took: started.elapsed(),
                ..worker
            }),
            Err(Misstart { why, .. }) => Err(StartFailure {
                why,
                view: freshness.known(),
            }),
        }
    }

    async fn activate(
        &self,
        standby: Standby,
        config: &Config,
        freshness: &mut Freshness,
    ) -> Result<Worker, Misstart> {
        let Standby {
            mut process,
            python,
            ..
        } = standby;
        let view = freshness.look();
        let request = Request::Activate {
            generation: view.generation,
            project_root: self.project_root(),
            shm: system::SHARES_DESCRIPTORS,
            object_limit: config.worker_object_limit_mib.value << 20,
        };
        let key = Keys::default().next();
        process.send(&request.line(&key));
        let mut printed = LastLines::shown_in(&self.log);
        let limit = self.settings.start_limit;
        let line = answer(&mut process, &mut printed, limit, Some(&key)).await?;
        for (_, bytes) in process.drain() {
            printed.push(&bytes);
        }
        let envelope: Envelope = serde_json::from_slice(&line).unwrap_or_default();
        if !envelope.ok || envelope.event.as_deref() != Some("ready") {
            let failure: Failure = serde_json::from_slice(&line).unwrap_or_default();
            printed.push(failure.traceback.as_bytes());
            return Err(Misstart::new(failure.error));
        }
        Ok(Worker {
            process,
            view,
            python,
            started_at: Utc::now(),
            took: Duration::ZERO,
        })
    }
}

/// The next line of the protocol, or the answer to the request `key`. What is printed meanwhile goes to `printed`.
async fn answer(
    process: &mut Process,
    printed: &mut LastLines,
    limit: Duration,
    key: Option<&str>,
) -> Result<Vec<u8>, Misstart> {
    let line = async {
        loop {
            match process.event(true).await {
                ProcessEvent::Line(mut line) => match key {
                    None => return Ok(line),
                    // A startup file of the environment may write something, too.
                    Some(key) => {
                        if let Some(line) = answer_to(&mut line, key, "") {
                            return Ok(line.into_bytes());
                        }
                    }
                },
                ProcessEvent::Output(_, bytes) => printed.push(&bytes),
                // Its end comes next and says more.
                ProcessEvent::Hangup => {}
                ProcessEvent::Exited(status) => return Err(status),
            }
        }
    };
    match timeout(limit, line).await {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(status)) => {
            process.kill();
            for (_, bytes) in process.drain() {
                printed.push(&bytes);
            }
            Err(Misstart {
                has_died: true,
                ..Misstart::new(death(status, printed))
            })
        }
        Err(_) => Err(Misstart::new(format_args!(
            "the new process gave no answer in {} s",
            limit.as_secs_f64()
        ))),
    }
}

fn death(status: ExitStatus, printed: &LastLines) -> String {
    let how = format!("the new process {}", ending(status));
    match printed.last_line() {
        Some(line) => format!("{how}: {line}"),
        None => how,
    }
}
