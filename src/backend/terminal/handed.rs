//! Sessions on their way to the program that takes this one's place: the shells notice nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::session::{HandedSession, Order, Session};
use super::{Open, PATIENCE, Terminals};
use crate::backend::handed::Handed;
use crate::project::ProjectId;

/// A session on its way to the program that takes this one's place, as others see it.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::backend) struct HandedTerminal {
    project: ProjectId,
    folder: PathBuf,
    shell: PathBuf,
    started_at: DateTime<Utc>,
    generation: u64,
    session: HandedSession,
}

impl HandedTerminal {
    /// What has to stay open on the way.
    pub(in crate::backend) fn descriptor(&self) -> &Handed {
        &self.session.master
    }
}

impl Terminals {
    /// Hands every session over to the program that takes this one's place, and takes no more. One that does not come
    /// along in time is lost with its terminal.
    pub(in crate::backend) async fn hand_over(&self) -> Vec<HandedTerminal> {
        let open: Vec<Open> = {
            let mut sessions = self.0.sessions.lock();
            sessions.is_closed = true;
            sessions.open.values().cloned().collect()
        };
        let asked = open.into_iter().filter_map(|open| {
            let (to, session) = oneshot::channel();
            open.orders.send(Order::HandOver(to)).ok()?;
            Some((open, session))
        });
        let asked: Vec<_> = asked.collect();
        let mut handed = Vec::new();
        for (open, session) in asked {
            if let Ok(Ok(session)) = timeout(PATIENCE, session).await {
                handed.push(HandedTerminal {
                    project: open.project,
                    folder: open.folder,
                    shell: open.shell,
                    started_at: open.started_at,
                    generation: open.generation,
                    session,
                });
            }
        }
        handed
    }

    /// Has the sessions live on that were handed over. To be called before pages can come to them.
    pub(in crate::backend) fn take_up(&self, handed: Vec<HandedTerminal>) -> io::Result<()> {
        if handed.is_empty() {
            return Ok(());
        }
        let runtime = self.runtime()?;
        let _here = runtime.enter();
        let mut sessions = self.0.sessions.lock();
        for terminal in handed {
            let id = terminal.session.id.clone();
            let (orders, given) = mpsc::unbounded_channel();
            let buffer = Arc::clone(&self.0.buffer);
            let session = match Session::take_up(terminal.session, given, buffer) {
                Ok(session) => session,
                Err(error) => {
                    tracing::error!(session = id, %error, "a terminal cannot be taken over");
                    continue;
                }
            };
            let open = Open {
                project: terminal.project,
                folder: terminal.folder,
                shell: terminal.shell,
                started_at: terminal.started_at,
                generation: terminal.generation,
                orders,
            };
            self.begin(&mut sessions, id, open, session);
        }
        Ok(())
    }
}
