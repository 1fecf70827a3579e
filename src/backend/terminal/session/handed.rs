//! A session on its way to the program that takes this one's place.

use std::io;
use std::time::Duration;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::{Buffer, Order, Session};
use crate::backend::handed::Handed;
use crate::backend::terminal::drawing::Size;
use crate::backend::terminal::input::Input;
use crate::backend::terminal::output::Output;
use crate::backend::terminal::protocol::Farewell;
use crate::backend::terminal::pty::Pty;

/// How long a page may take to answer the goodbye of a daemon that moves: it is told, and comes again, all the same.
const GOODBYE: Duration = Duration::from_millis(100);

/// A session on its way to the program that takes this one's place.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::backend) struct HandedSession {
    pub(in crate::backend) id: String,
    leader: i32,
    pub(in crate::backend) master: Handed,
    size: Size,
    output: Output,
    input: Input,
    visits: u64,
    still: Duration,
    idle: Option<Duration>,
}

impl Session {
    /// The session that was handed over.
    ///
    /// # Errors
    /// When its terminal cannot be watched.
    pub(in crate::backend) fn take_up(
        handed: HandedSession,
        orders: mpsc::UnboundedReceiver<Order>,
        buffer: Buffer,
    ) -> io::Result<Self> {
        let leader = Pid::from_raw(handed.leader).ok_or(io::ErrorKind::InvalidData)?;
        let now = Instant::now();
        Ok(Self {
            id: handed.id,
            pty: Pty::take_up(handed.master.into_inner(), leader)?,
            size: handed.size,
            output: handed.output,
            input: handed.input,
            page: None,
            visits: handed.visits,
            orders,
            still_since: now.checked_sub(handed.still).unwrap_or(now),
            idle: handed.idle,
            drawing: None,
            smaller_until: None,
            alarm: Box::pin(sleep_until(now)),
            buffer,
        })
    }

    /// The page is told to come again; the shell notices nothing, and what it prints meanwhile waits in its terminal.
    pub(super) async fn hand_over(mut self) -> HandedSession {
        if let Some(page) = self.page.take() {
            self.output.answered(page.place());
            let parting = page.part(None, None, &Farewell::GoingAway);
            let _ = timeout(GOODBYE, parting).await;
        }
        if self.smaller_until.is_some() {
            self.pty.resize(self.size);
        }
        HandedSession {
            id: self.id,
            leader: self.pty.pid().cast_signed(),
            master: self.pty.into_master().into(),
            size: self.size,
            output: self.output,
            input: self.input,
            visits: self.visits,
            still: self.still_since.elapsed(),
            idle: self.idle,
        }
    }
}
