//! The worker that nodes run on, and what it is doing.
//!
//! Requests go out one by one and are answered in the same order, so what the next answer belongs to is what was sent
//! first and is not answered yet. It is known by its id, which only the worker knows.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::messages::Node;
use super::question::{About, Question};
use super::running::Running;
use crate::backend::worker::protocol::{Event, Keys, Request, answer_to, event_of};
use crate::backend::worker::start::{View, Worker};

/// How long a worker that has closed its protocol may take to end by itself.
const HANGUP_GRACE: Duration = Duration::from_secs(1);

/// How many workers may decline a node because files change all the time; then it runs on the next one.
const PATIENCE: u32 = 3;

/// The worker that nodes run on.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) worker: Worker,
    pub(super) doing: Doing,
    /// What is still to be answered, each by its key.
    awaited: VecDeque<(Awaited, String)>,
    keys: Keys,
    /// Whether something was in its protocol that was nobody's answer.
    pub(super) has_noise: bool,
    /// Whether it runs nodes though a new process would have other modules: the policy is to wait.
    pub(super) is_kept_spent: bool,
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

/// What a line of a worker's is.
#[derive(Debug)]
pub(super) enum Line {
    Answer(Awaited, String),
    /// Something about what is not answered yet.
    Event(Event),
    /// What a node wrote there.
    Noise,
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
            keys: Keys::default(),
            has_noise: false,
            is_kept_spent: false,
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

    /// Hands it `node`, whose answer is to have the id `id`. It is doing nothing else.
    pub(super) fn run(&mut self, id: String, mut node: Node) {
        if let Request::ExecNode { anyway, .. } = &mut node.order.request {
            *anyway = self.is_kept_spent || node.declined >= PATIENCE;
        }
        node.order.turn.set(true);
        self.send(&node.order.request, Awaited::Node);
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
        let request = match about {
            About::Changed => Request::Changed {},
            About::Folders => Request::Invalidate {
                generation: view.generation,
            },
        };
        self.send(&request, Awaited::Question);
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
        self.send(&Request::Release { refs }, Awaited::Release);
    }

    /// Lets it close memory that it has shared.
    pub(super) fn close_shared(&mut self, descriptor: u32) {
        self.is_node_last = false;
        let request = Request::CloseFd { fd: descriptor };
        self.worker.process.send(&request.line(""));
    }

    /// What a line is that has just come. The answer to a node has the id that was given to [`Self::run`].
    pub(super) fn said(&mut self, mut line: Vec<u8>) -> Line {
        let id = self.running().map_or("", |running| &running.id);
        let mut keys = self.awaited.iter().map(|(_, key)| key).enumerate();
        if let Some((at, answer)) =
            keys.find_map(|(at, key)| Some((at, answer_to(&mut line, key, id)?)))
            && let Some((awaited, _)) = self.awaited.drain(..=at).next_back()
        {
            return Line::Answer(awaited, answer);
        }
        let event = self.awaited.back();
        event
            .and_then(|(_, key)| event_of(&line, key))
            .map_or(Line::Noise, Line::Event)
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

    fn send(&mut self, request: &Request, awaited: Awaited) {
        self.is_node_last = false;
        let key = self.keys.next();
        self.worker.process.send(&request.line(&key));
        self.awaited.push_back((awaited, key));
    }
}
