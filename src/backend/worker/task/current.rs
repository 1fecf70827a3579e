//! The worker that nodes run on, and what it is doing.
//!
//! Requests go out one by one and are answered in the same order, so what the next answer belongs to is what was sent
//! first and is not answered yet.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::messages::Node;
use super::question::{About, Question};
use super::running::Running;
use crate::backend::worker::protocol::Request;
use crate::backend::worker::start::{View, Worker};

/// How long a worker that has closed its protocol may take to end by itself.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// The worker that nodes run on.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) worker: Worker,
    pub(super) doing: Doing,
    awaited: VecDeque<Awaited>,
    /// Whether the running node is what was sent last.
    is_node_last: bool,
    /// When it is killed, if it has hung up and does not end.
    pub(super) hangup_deadline: Option<Instant>,
}

#[derive(Debug)]
pub(super) enum Doing {
    Nothing,
    Node(Running),
    Question(Question),
}

/// An answer that is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    Node,
    /// What it keeps now.
    Release,
    /// Of a [`Question`], perhaps one that nobody waits for any more.
    Question,
}

impl Current {
    /// `worker`, which has just taken over.
    pub(super) fn new(worker: Worker) -> Self {
        Self {
            worker,
            doing: Doing::Nothing,
            awaited: VecDeque::new(),
            is_node_last: false,
            hangup_deadline: None,
        }
    }

    pub(super) fn pid(&self) -> u32 {
        self.worker.process.pid()
    }

    pub(super) fn running(&self) -> Option<&Running> {
        match &self.doing {
            Doing::Node(running) => Some(running),
            Doing::Nothing | Doing::Question(_) => None,
        }
    }

    pub(super) fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.doing {
            Doing::Node(running) => Some(running),
            Doing::Nothing | Doing::Question(_) => None,
        }
    }

    pub(super) fn question(&self) -> Option<&Question> {
        match &self.doing {
            Doing::Question(question) => Some(question),
            Doing::Nothing | Doing::Node(_) => None,
        }
    }

    pub(super) fn is_asked(&self) -> bool {
        self.question().is_some()
    }

    /// Hands it `node` as the request `id`. It is doing nothing else.
    pub(super) fn run(&mut self, id: String, node: Node) {
        self.send(&node.order.request, &id, Awaited::Node);
        self.is_node_last = true;
        self.worker.process.linger();
        self.doing = Doing::Node(Running::new(id, node));
    }

    /// Takes the node that runs.
    pub(super) fn take_running(&mut self) -> Option<Running> {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Node(running) => Some(running),
            other => {
                self.doing = other;
                None
            }
        }
    }

    /// Asks whether, and how, it may stay on the environment `view`.
    pub(super) fn ask(&mut self, view: View, about: About, limit: Duration) {
        let (request, id) = match about {
            About::Modules => (Request::Modules {}, "modules"),
            About::Folders => {
                let generation = view.generation;
                (Request::Invalidate { generation }, "invalidate")
            }
        };
        self.send(&request, id, Awaited::Question);
        self.doing = Doing::Question(Question {
            view,
            about,
            deadline: Instant::now() + limit,
        });
    }

    /// Takes the question that it was asked, if somebody still waits for the answer.
    pub(super) fn take_question(&mut self) -> Option<Question> {
        match std::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Question(question) => Some(question),
            other => {
                self.doing = other;
                None
            }
        }
    }

    /// Lets it forget objects.
    pub(super) fn release(&mut self, refs: Vec<String>) {
        self.send(&Request::Release { refs }, "release", Awaited::Release);
    }

    /// Lets it close memory that it has shared.
    pub(super) fn close_shared(&mut self, descriptor: u32) {
        self.is_node_last = false;
        let request = Request::CloseFd { fd: descriptor };
        self.worker.process.send(&request.line(""));
    }

    /// What the answer that has just come belongs to; none for one that nothing was asked for.
    pub(super) fn answered(&mut self) -> Option<Awaited> {
        self.awaited.pop_front()
    }

    /// It has closed its protocol, and has a moment to end.
    pub(super) fn hung_up(&mut self) {
        self.hangup_deadline = Some(Instant::now() + HANGUP_GRACE);
    }

    /// Whether it has ended without having read the request of the node that it was to run.
    pub(super) fn has_not_begun(&self) -> bool {
        self.is_node_last && self.worker.process.left_unread()
    }

    /// When something is next to be done about it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let doing = match &self.doing {
            Doing::Nothing => None,
            Doing::Node(running) => {
                let delivery = running.delivery.deadline();
                delivery.into_iter().chain(running.next_limit()).min()
            }
            Doing::Question(question) => Some(question.deadline),
        };
        doing.into_iter().chain(self.hangup_deadline).min()
    }

    fn send(&mut self, request: &Request, id: &str, awaited: Awaited) {
        self.is_node_last = false;
        self.worker.process.send(&request.line(id));
        self.awaited.push_back(awaited);
    }
}
