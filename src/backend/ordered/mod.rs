//! What projects order (`[supervise.NAME]` in `.aim.toml`) and their people allowed: the daemon has it run.
//!
//! Start reading at [`Ordered::tend`]: `wish` says what is wanted of each project that is followed, `command` is the
//! one task behind each of the commands, `process` the supervisor that it looks after, `log` what that says. The
//! supervisor is an `aim-worker supervise` as anybody types it, in a session of its own; it and its command outlive a
//! daemon that moves to another program or is killed, and the next one knows them by the note in the environment.
//!
//! **Invariant:** nothing is run that the person has not allowed exactly so (`store::Allowed`).
//! **Invariant:** the note is the memory: no daemon hands anything over to the next.

mod command;
mod log;
mod process;
mod wish;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::sleep;

use self::command::{Command, Key, Until};
use self::wish::{Wanted, Wish, wanted_of};
use super::locked::Locked;
use super::projects::Known;
use super::supervise::{self, Panicked};
use crate::files::Stamp;
use crate::host::Host;
use crate::project::{Project, ProjectId, UserLayout};
use crate::supervise::{Supervised, supervised_in};

/// How often it is looked whether somebody orders something else, while anything is run.
const LOOK: Duration = Duration::from_secs(1);

/// All commands that are run.
pub(super) struct Ordered {
    host: Arc<Host>,
    state: Locked<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<Key, Running>,
    /// Nothing is begun any more.
    is_closed: bool,
    /// What was said of each project, so that it is said once.
    said: BTreeMap<ProjectId, String>,
    /// What the files that decide were like at the last look.
    seen: Vec<Option<Stamp>>,
    /// Those files.
    files: BTreeSet<PathBuf>,
}

/// A command's task.
struct Running {
    project: Project,
    /// By what its order is known; none where it only goes on until it ends.
    digest: Option<String>,
    until: watch::Sender<Until>,
    task: JoinHandle<Result<(), Panicked>>,
}

impl Ordered {
    /// None yet; commands get their variables from `host`'s.
    pub(super) fn new(host: Host) -> Self {
        Self {
            host: Arc::new(host),
            state: Locked::default(),
        }
    }

    /// Whether anything is run.
    pub(super) fn is_any(&self) -> bool {
        let state = self.state.lock();
        state.running.values().any(|one| !one.task.is_finished())
    }

    /// Has run what these projects want, and ends what nobody wants any more.
    pub(super) async fn tend(&self, followed: &[(Known, Project)]) {
        let projects: Vec<(ProjectId, Project)> = followed
            .iter()
            .map(|(known, project)| (known.id.clone(), project.clone()))
            .collect();
        let host = Arc::clone(&self.host);
        let looked = supervise::blocking("orders", move || {
            let wishes: Vec<_> = projects
                .into_iter()
                .map(|(id, project)| {
                    let wish = wanted_of(&host, &project);
                    let living = match wish {
                        Wish::Nothing { is_news: None } if !has_notes(&project) => Vec::new(),
                        _ => supervised_in(&project),
                    };
                    (id, project, wish, living)
                })
                .collect();
            wishes
        });
        let Ok(wishes) = looked.await else {
            return;
        };
        let mut state = self.state.lock();
        if state.is_closed {
            return;
        }
        state.running.retain(|_, one| !one.task.is_finished());
        let mut kept = BTreeSet::new();
        state.files.clear();
        for (id, project, wish, living) in wishes {
            if !matches!(wish, Wish::Nothing { is_news: None }) {
                state.files.extend(self.files_of(&project));
            }
            state.say(&id, wish.news());
            kept.extend(self.tend_one(&mut state, &id, &project, wish, living));
        }
        for (key, one) in &state.running {
            if !kept.contains(key) {
                one.until.send_replace(Until::Unwanted);
            }
        }
        state.seen = stamps(&state.files);
    }

    /// Has run what `project` wants, where `living` are supervised now. Gives the commands that are to go on.
    fn tend_one(
        &self,
        state: &mut State,
        id: &ProjectId,
        project: &Project,
        wish: Wish,
        living: Vec<Supervised>,
    ) -> BTreeSet<Key> {
        let mut kept = BTreeSet::new();
        let ordered = living
            .into_iter()
            .filter(|one| one.is_ordered_by(project.root()))
            .map(|one| (id.clone(), one.name));
        let wanted = match wish {
            Wish::These(wanted) => wanted,
            // What was allowed before goes on, and is not begun again.
            Wish::AsBefore { .. } => {
                let same = state
                    .running
                    .iter()
                    .filter(|((of, _), one)| of == id && one.project == *project);
                kept.extend(same.map(|(key, _)| key.clone()));
                for key in ordered {
                    if kept.insert(key.clone()) {
                        self.begin(state, key, project, None, Until::Ended);
                    }
                }
                return kept;
            }
            Wish::Nothing { .. } => Vec::new(),
        };
        for wanted in wanted {
            let key = (id.clone(), wanted.order.name.clone());
            kept.insert(key.clone());
            let is_run = state.running.get(&key).is_some_and(|one| {
                let is_same =
                    one.digest.as_ref() == Some(&wanted.digest) && one.project == *project;
                is_same && *one.until.borrow() == Until::Ended
            });
            if !is_run {
                self.begin(state, key, project, Some(wanted), Until::Ended);
            }
        }
        // What a daemon before this one had run.
        for key in ordered {
            if !kept.contains(&key) && !state.running.contains_key(&key) {
                self.begin(state, key, project, None, Until::Unwanted);
            }
        }
        kept
    }

    /// Begins the task of a command, after the one that had its name.
    fn begin(
        &self,
        state: &mut State,
        key: Key,
        project: &Project,
        wanted: Option<Wanted>,
        until: Until,
    ) {
        let before = state.running.remove(&key).map(|one| {
            // In the same environment the next one knows by the note whether it goes on.
            let is_same = one.project == *project;
            let until = if is_same {
                Until::LetGo
            } else {
                Until::Unwanted
            };
            one.until.send_replace(until);
            one.task
        });
        let (sender, receiver) = watch::channel(until);
        let digest = wanted.as_ref().map(|wanted| wanted.digest.clone());
        let command = Command::new(&self.host, &key, project, wanted, receiver);
        let task = supervise::spawn("a supervised command", async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            command.run().await;
        });
        let running = Running {
            project: project.clone(),
            digest,
            until: sender,
            task,
        };
        state.running.insert(key, running);
    }

    /// What decides about the commands of `project`.
    fn files_of(&self, project: &Project) -> Vec<PathBuf> {
        let mut files = vec![
            project.layout().settings(),
            project.venv().layout().pyvenv_cfg(),
        ];
        if let Some(user) = UserLayout::of(&self.host) {
            files.extend([
                user.settings(),
                user.project_settings(),
                user.allowed_links(),
            ]);
        }
        files
    }

    /// Returns when one of the files has changed that decide what is run; never while nothing is ordered.
    pub(super) async fn moved(&self) {
        loop {
            sleep(LOOK).await;
            let (files, seen) = {
                let state = self.state.lock();
                (state.files.clone(), state.seen.clone())
            };
            if files.is_empty() {
                return std::future::pending().await;
            }
            let now = supervise::blocking("orders", move || stamps(&files)).await;
            if now.is_ok_and(|now| now != seen) {
                return;
            }
        }
    }

    /// Asks all of them to end, and returns when they have.
    pub(super) async fn end_all(&self) {
        self.close(Until::Unwanted).await;
    }

    /// Leaves all of them to the next daemon.
    pub(super) async fn let_go(&self) {
        self.close(Until::LetGo).await;
    }

    async fn close(&self, until: Until) {
        let running = {
            let mut state = self.state.lock();
            state.is_closed = true;
            std::mem::take(&mut state.running)
        };
        let mut ending = JoinSet::new();
        for one in running.into_values() {
            one.until.send_replace(until);
            supervise::spawn_on(&mut ending, "the end of a command", async move {
                let _ = one.task.await;
            });
        }
        ending.join_all().await;
    }
}

impl State {
    /// Tells in the log what was not told before.
    fn say(&mut self, id: &ProjectId, news: Option<&str>) {
        if let Some(news) = news
            && self.said.get(id).map(String::as_str) != Some(news)
        {
            tracing::warn!(project = %id, "{news}");
        }
        match news {
            Some(news) => self.said.insert(id.clone(), news.to_owned()),
            None => self.said.remove(id),
        };
    }
}

/// Whether anything was ever supervised there.
fn has_notes(project: &Project) -> bool {
    project.venv().layout().supervised().is_dir()
}

fn stamps(files: &BTreeSet<PathBuf>) -> Vec<Option<Stamp>> {
    files.iter().map(|path| Stamp::of(path)).collect()
}
