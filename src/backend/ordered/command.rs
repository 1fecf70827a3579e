//! The one task that looks after a command: it begins its supervisor or finds it, and begins it again when it ended.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::log;
use super::process::{Process, how};
use super::wish::Wanted;
use crate::backend::descriptors;
use crate::backend::supervise::{self, Pauses};
use crate::exec;
use crate::host::Host;
use crate::project::{Project, ProjectId};
use crate::supervise::{Supervised, is_stopped, supervised_in};

/// The program that supervises.
const PROGRAM: &str = "aim-worker";
/// How often it is looked whether the supervisor runs, and how long its log is.
const LOOK: Duration = Duration::from_secs(1);
/// What a command may take to end that does not say.
const GRACE: Duration = Duration::from_secs(10);
/// What the supervisor needs itself.
const OWN_GRACE: Duration = Duration::from_secs(1);

/// A command, by its project and its name.
pub(super) type Key = (ProjectId, String);

/// Until when a task looks after its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Until it ends, or for ever where it is wanted.
    Ended,
    /// Until now: it is to end.
    Unwanted,
    /// Until now: the next daemon looks after it.
    LetGo,
}

/// A command, and what is wanted of it.
pub(super) struct Command {
    host: Arc<Host>,
    id: ProjectId,
    name: String,
    project: Project,
    /// None where it is only to go on.
    wanted: Option<Wanted>,
    until: watch::Receiver<Until>,
    /// Whether it was said that somebody else has the name.
    has_said: bool,
}

impl Command {
    pub(super) fn new(
        host: &Arc<Host>,
        (id, name): &Key,
        project: &Project,
        wanted: Option<Wanted>,
        until: watch::Receiver<Until>,
    ) -> Self {
        Self {
            host: Arc::clone(host),
            id: id.clone(),
            name: name.clone(),
            project: project.clone(),
            wanted,
            until,
            has_said: false,
        }
    }

    /// Looks after it.
    pub(super) async fn run(mut self) {
        let mut pauses = Pauses::default();
        loop {
            let (living, is_stopped) = self.living().await;
            if *self.until.borrow() == Until::LetGo {
                return;
            }
            let process = match living {
                Some(note) if note.is_ordered_by(self.project.root()) => {
                    let is_same = self
                        .wanted
                        .as_ref()
                        .is_none_or(|wanted| note.order() == Some(&*wanted.digest));
                    let process = Process::of(&note);
                    if !is_same {
                        if let Some(process) = process {
                            process.end(self.grace()).await;
                        }
                        continue;
                    }
                    process
                }
                Some(note) => {
                    if self.wanted.is_none() || self.is_over() {
                        return;
                    }
                    self.say_taken(&note);
                    self.look_later().await;
                    continue;
                }
                None if self.is_over() => return,
                None if is_stopped => {
                    self.look_later().await;
                    continue;
                }
                None => self.start().await,
            };
            if let Some(process) = process
                && self.attend(process).await
            {
                return;
            }
            if self.wanted.is_none() {
                return;
            }
            tokio::select! {
                () = pauses.next() => {}
                _ = self.until.changed() => {}
            }
        }
    }

    /// Returns when it is time to look again, or something else is wanted.
    async fn look_later(&mut self) {
        tokio::select! {
            () = sleep(LOOK) => {}
            _ = self.until.changed() => {}
        }
    }

    /// Whether it is not to be begun any more.
    fn is_over(&self) -> bool {
        self.wanted.is_none() || *self.until.borrow() != Until::Ended
    }

    /// Looks after `process` until it ends; whether that was all.
    async fn attend(&mut self, process: Process) -> bool {
        tracing::info!(project = %self.id, name = self.name, pid = process.pid(), "a supervised command runs");
        loop {
            match *self.until.borrow() {
                Until::Ended => {}
                Until::LetGo => return true,
                Until::Unwanted => break,
            }
            if let Some(ended) = process.ended() {
                let how = how(ended);
                tracing::warn!(project = %self.id, name = self.name, how, "a supervised command has ended");
                process.end_rest(self.grace()).await;
                return false;
            }
            let (project, name) = (self.project.clone(), self.name.clone());
            let looked = supervise::blocking("a log", move || {
                let _ = log::bound(&project, &name);
                is_stopped(&project, &name)
            });
            if looked.await.is_ok_and(|is_stopped| is_stopped) {
                process.end(self.grace()).await;
                tracing::info!(project = %self.id, name = self.name, "a supervised command was stopped");
                return false;
            }
            self.look_later().await;
        }
        process.end(self.grace()).await;
        tracing::info!(project = %self.id, name = self.name, "a supervised command was ended");
        true
    }

    fn grace(&self) -> Duration {
        let order = self.wanted.as_ref().map(|wanted| &wanted.order);
        let said = order.and_then(|order| order.grace.as_ref()?.parse().ok());
        let grace = said.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        grace.unwrap_or(GRACE) + OWN_GRACE
    }

    /// Who has its name now, and whether somebody has stopped it.
    async fn living(&self) -> (Option<Supervised>, bool) {
        let (project, name) = (self.project.clone(), self.name.clone());
        let find = move || {
            let mut all = supervised_in(&project).into_iter();
            // One that has ended and was not waited for yet is none.
            let living = all
                .find(|one| one.name == name)
                .filter(|one| Process::of(one).is_some_and(|process| process.ended().is_none()));
            (living, is_stopped(&project, &name))
        };
        supervise::blocking("a note", find)
            .await
            .unwrap_or_default()
    }

    fn say_taken(&mut self, note: &Supervised) {
        if !self.has_said {
            self.has_said = true;
            tracing::warn!(
                project = %self.id,
                name = self.name,
                pid = note.pid,
                "somebody supervises a command of that name by hand; it is left alone"
            );
        }
    }

    /// Begins its supervisor.
    async fn start(&self) -> Option<Process> {
        let wanted = self.wanted.clone()?;
        let (host, project) = (Arc::clone(&self.host), self.project.clone());
        let started = supervise::blocking("a supervised command", move || {
            let mut command = command(&host, &project, &wanted);
            let child = command.spawn()?;
            Ok::<_, std::io::Error>(Process::of_pid(child.id()))
        });
        match started.await {
            Ok(Ok(process)) => process,
            Ok(Err(error)) => {
                tracing::warn!(project = %self.id, name = self.name, %error, "a supervised command cannot be started");
                None
            }
            Err(_) => None,
        }
    }
}

fn command(host: &Host, project: &Project, wanted: &Wanted) -> std::process::Command {
    let Wanted { order, digest } = wanted;
    let log = log::open(project, &order.name).and_then(|log| Ok((log.try_clone()?, log)));
    let (out, err) = match log {
        Ok((out, err)) => (Stdio::from(out), Stdio::from(err)),
        Err(error) => {
            tracing::warn!(name = order.name, %error, "what a supervised command says is not kept");
            (Stdio::null(), Stdio::null())
        }
    };
    // The one beside this program, else the one on PATH.
    let program = host.beside(PROGRAM).unwrap_or_else(|| PROGRAM.into());
    #[expect(clippy::disallowed_methods, reason = "every supervisor begins here")]
    let mut command = std::process::Command::new(program);
    command
        .arg("supervise")
        .arg("--project")
        .arg(project.root())
        .args(["--name", &order.name, "--order", digest])
        .args(order.options())
        .arg("--")
        .args(&order.command)
        .env_clear()
        .envs(host.vars())
        .current_dir(project.root())
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
    exec::detach(&mut command);
    if let Some(limit) = descriptors::given() {
        exec::limit_descriptors(&mut command, limit);
    }
    command
}
