//! What a person's roll-out is judged by later: restarts of workers, those that failed, and how long nodes waited.
//!
//! It listens to what everybody may listen to ([`Events`](super::events::Events)), counts it ([`Metrics`]), and writes
//! a line each into the person's own folder. So nothing waits for it, and nothing is lost to anybody else where it
//! cannot write.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::events::Mark;
use super::metrics::Metrics;
use super::projects::Known;
use super::state::Daemon;
use super::supervise;
use crate::api::v1::{Event, EventKind, WaitFor};
use crate::project::ProjectId;
use crate::store::{WorkerRecord, WorkerRecords, WorkerWhat};

/// Writes down what happens after `since`, for as long as the daemon lives; records older than `days` may go.
pub(super) async fn keep(daemon: Arc<Daemon>, records: WorkerRecords, days: u64, since: Mark) {
    let (mut mark, mut chronicle) = (since, Chronicle::default());
    loop {
        let told = daemon.events().next(Some(mark)).await;
        mark = told.mark;
        let Some(happened) = chronicle.take_in(&told.event) else {
            continue;
        };
        let (daemon, records) = (Arc::clone(&daemon), records.clone());
        let write = move || {
            let known = daemon.projects().by_id(&happened.project).ok().flatten()?;
            count(daemon.metrics(), &known, &happened);
            let record = happened.record(known.folder, &told.event);
            records.append(&[record], days).err()
        };
        if let Ok(Some(error)) = supervise::blocking("the chronicle", write).await {
            tracing::debug!(%error, "what became of a worker cannot be written down");
        }
    }
}

fn count(metrics: &Metrics, known: &Known, happened: &Happened) {
    let of = metrics.labels(&known.id, &known.layout());
    let took = Duration::from_millis(happened.took_ms);
    match happened.what {
        WorkerWhat::Restarted => metrics.restarted(&of, took),
        WorkerWhat::Failed => metrics.restart_failed(&of),
        WorkerWhat::WaitedForWorker => metrics.waited(&of, "worker", took),
        WorkerWhat::WaitedForNode => metrics.waited(&of, "node", took),
        WorkerWhat::Other => {}
    }
}

/// What is known of what is not over.
#[derive(Debug, Default)]
struct Chronicle {
    /// What each node that waits has waited for.
    waiting: BTreeMap<(ProjectId, String), WaitFor>,
    /// At which generation each project's worker failed last, and why: it is tried again and again.
    failed: BTreeMap<ProjectId, (Option<u64>, String)>,
}

/// Something that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Happened {
    project: ProjectId,
    what: WorkerWhat,
    took_ms: u64,
    why: Option<String>,
}

impl Chronicle {
    fn take_in(&mut self, event: &Event) -> Option<Happened> {
        let project = event.project.clone()?;
        let happened = |what, why| Happened {
            project: project.clone(),
            what,
            took_ms: event.took_ms.unwrap_or_default(),
            why,
        };
        match event.kind {
            EventKind::WorkerReady => {
                self.failed.remove(&project);
                event.old_pid?;
                Some(happened(WorkerWhat::Restarted, None))
            }
            EventKind::WorkerFailed => {
                let failed = (event.generation, event.reason.clone().unwrap_or_default());
                if self.failed.get(&project) == Some(&failed) {
                    return None;
                }
                let why = failed.1.clone();
                self.failed.insert(project.clone(), failed);
                Some(happened(WorkerWhat::Failed, Some(why)))
            }
            EventKind::NodeWaiting => {
                let node = (project.clone(), event.file.clone()?);
                let waited = match event.waiting.as_ref()?.r#for {
                    WaitFor::Nothing => self.waiting.remove(&node)?,
                    // Who has waited for a worker has, whatever came before or after.
                    now => {
                        let before = self.waiting.get(&node).copied();
                        let both = before.filter(|before| *before == WaitFor::Worker);
                        self.waiting.insert(node, both.unwrap_or(now));
                        return None;
                    }
                };
                let what = match waited {
                    WaitFor::Worker => WorkerWhat::WaitedForWorker,
                    _ => WorkerWhat::WaitedForNode,
                };
                Some(happened(what, None))
            }
            _ => None,
        }
    }
}

impl Happened {
    fn record(self, project: std::path::PathBuf, event: &Event) -> WorkerRecord {
        WorkerRecord {
            schema: 1,
            at: event.time,
            project,
            what: self.what,
            generation: event.generation,
            run_id: event.run_id.clone(),
            took_ms: self.took_ms,
            why: self.why,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::Waiting;

    fn event(kind: EventKind) -> Event {
        Event {
            project: ProjectId::new("p").ok(),
            generation: Some(2),
            took_ms: Some(40),
            ..Event::now(kind)
        }
    }

    fn waits(r#for: WaitFor) -> Event {
        Event {
            file: Some("node.py".to_owned()),
            waiting: Some(Waiting {
                r#for,
                ..Waiting::default()
            }),
            ..event(EventKind::NodeWaiting)
        }
    }

    #[test]
    fn what_is_over_is_told_once() {
        let mut chronicle = Chronicle::default();
        let mut what = |event: &Event| chronicle.take_in(event).map(|happened| happened.what);
        assert_eq!(what(&event(EventKind::WorkerReady)), None, "a first start");
        let failed = Event {
            reason: Some("no module".to_owned()),
            ..event(EventKind::WorkerFailed)
        };
        assert_eq!(what(&failed), Some(WorkerWhat::Failed));
        assert_eq!(what(&failed), None, "tried again");
        let again = Event {
            generation: Some(3),
            ..failed
        };
        assert_eq!(what(&again), Some(WorkerWhat::Failed));
        let ready = Event {
            old_pid: Some(7),
            ..event(EventKind::WorkerReady)
        };
        assert_eq!(what(&ready), Some(WorkerWhat::Restarted));
        assert_eq!(what(&again), Some(WorkerWhat::Failed), "anew");
        for (first, then, expected) in [
            (WaitFor::Node, WaitFor::Node, WorkerWhat::WaitedForNode),
            (WaitFor::Node, WaitFor::Worker, WorkerWhat::WaitedForWorker),
            (WaitFor::Worker, WaitFor::Node, WorkerWhat::WaitedForWorker),
        ] {
            assert_eq!(what(&waits(first)), None);
            assert_eq!(what(&waits(then)), None);
            assert_eq!(what(&waits(WaitFor::Nothing)), Some(expected));
            assert_eq!(what(&waits(WaitFor::Nothing)), None, "over");
        }
    }
}
