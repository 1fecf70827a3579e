//! Drives one session: its client's two descriptors, its servers' processes, time, and the environment's generation.
//!
//! One loop on one thread: what can be read is read, what can be written is written, and nobody is waited for. So a
//! message goes through in one wake-up, and a side that is slow holds up no other.
//!
//! **Invariant:** when [`run`] returns, no server that it started is left, nor what those have started.

mod generation;
mod launch;
mod outgoing;
mod process;
mod root;
mod wait;

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

pub use self::generation::Environment;
pub use self::launch::Launch;
use self::outgoing::Outgoing;
use self::process::{Process, do_not_wait, is_of_the_moment};
use self::wait::{Asked, Place, happened};
use super::change::Told;
use super::session::{Effect, Number, Session};
use super::strategy::Strategy;
use super::wire::{Frame, Frames};
use crate::system::widen;

/// How long a client that has gone, or is leaving, is waited for to read what it was sent.
const FAREWELL: Duration = Duration::from_secs(1);
/// A server that does not read keeps the client waiting from here on, as it would without us.
const MOST_WAITING: usize = 4 << 20;

/// A client: what it says, and where it listens.
#[derive(Debug)]
pub struct Client {
    /// What it says.
    pub input: OwnedFd,
    /// Where it listens.
    pub output: OwnedFd,
    /// Readable when the relay is to end whatever the client says.
    pub stop: Option<OwnedFd>,
}

/// Whose relay it is: says where servers are started, and is told how it goes.
pub trait Observer {
    /// The client has begun, and named the folders that it works in: how servers are started there, and what they are
    /// to be brought along with.
    fn begin(&mut self, roots: &[PathBuf]) -> (Launch, Environment);
    /// As [`Observer::begin`], asked now and then while there is no environment: one may have been made since.
    fn appeared(&mut self, _roots: &[PathBuf]) -> Option<(Launch, Environment)> {
        None
    }
    /// A server was started.
    fn started(&mut self, number: Number, pid: u32);
    /// Something worth a line happened.
    fn told(&mut self, told: &Told);
    /// A server said something beside its messages.
    fn said(&mut self, text: &[u8]);
    /// What stood in a stream and is no message.
    fn strayed(&mut self, of_client: bool, text: &[u8]);
    /// The environment that the servers are to know has this generation.
    fn generation(&mut self, generation: u64);
}

/// Serves `client` until it has gone; gives whether it said goodbye as the protocol has it.
///
/// # Errors
/// When the client's descriptors cannot be used, or the system does not let us wait.
pub fn run(client: Client, strategy: Strategy, observer: &mut dyn Observer) -> io::Result<bool> {
    Relay::new(client, strategy, observer)?.serve()
}

struct Relay<'a> {
    input: Option<File>,
    frames: Frames,
    output: OwnedFd,
    outgoing: Outgoing,
    stop: Option<OwnedFd>,
    strategy: Strategy,
    /// None before the client has said where it works.
    launch: Option<Launch>,
    /// The folders that the client works in.
    roots: Vec<PathBuf>,
    session: Session,
    processes: Vec<Process>,
    environment: Environment,
    observer: &'a mut dyn Observer,
    /// What the observer is to be told once the messages are on their way: it may write files.
    untold: Vec<Told>,
    /// The generation that it was told last.
    told_generation: Option<u64>,
    /// When the client left, and how.
    left: Option<(Instant, bool)>,
}

impl<'a> Relay<'a> {
    fn new(client: Client, strategy: Strategy, observer: &'a mut dyn Observer) -> io::Result<Self> {
        let output = client.output;
        widen(client.input.as_fd());
        widen(output.as_fd());
        if !rustix::termios::isatty(&output) {
            do_not_wait(&output)?;
        }
        Ok(Self {
            input: Some(File::from(client.input)),
            frames: Frames::default(),
            output,
            outgoing: Outgoing::default(),
            stop: client.stop,
            strategy,
            launch: None,
            roots: Vec::new(),
            session: Session::new(strategy),
            processes: Vec::new(),
            environment: Environment::of(None),
            observer,
            untold: Vec::new(),
            told_generation: None,
            left: None,
        })
    }

    fn serve(&mut self) -> io::Result<bool> {
        loop {
            let now = Instant::now();
            self.session.at(now);
            self.look(now);
            self.perform(now);
            if let Some((since, is_goodbye)) = self.left {
                let is_said = self.outgoing.is_empty() || now.duration_since(since) > FAREWELL;
                if is_said && self.processes.is_empty() {
                    self.tell();
                    return Ok(is_goodbye);
                }
            }
            self.session.rest();
            self.tell();
            self.wait(now)?;
        }
    }

    /// Waits until something happens, and takes it in.
    fn wait(&mut self, now: Instant) -> io::Result<()> {
        let limit = self.deadline(now);
        let limit = limit.map(|at| at.saturating_duration_since(now));
        let happened = happened(&self.places(), limit)?;
        let now = Instant::now();
        for place in happened {
            self.take_in(place, now);
            self.perform(now);
        }
        Ok(())
    }

    fn places(&self) -> Vec<Asked<'_>> {
        // What stops comes first, then what is to be written.
        let mut all: Vec<Asked<'_>> = Vec::with_capacity(8);
        all.extend(
            self.stop
                .as_ref()
                .map(|fd| (Place::Stop, fd.as_fd(), PollFlags::IN)),
        );
        if !self.outgoing.is_empty() {
            all.push((Place::Output, self.output.as_fd(), PollFlags::OUT));
        }
        let is_full = self
            .processes
            .iter()
            .any(|one| one.outgoing.len() > MOST_WAITING);
        if !is_full && self.left.is_none() {
            all.extend(
                self.input
                    .as_ref()
                    .map(|fd| (Place::Input, fd.as_fd(), PollFlags::IN)),
            );
        }
        all.extend(
            self.environment
                .descriptor()
                .map(|fd| (Place::Environment, fd, PollFlags::IN)),
        );
        let is_deaf = self.outgoing.len() > MOST_WAITING;
        for process in &self.processes {
            let number = process.number;
            let [output, errors, end] = process.heard_at();
            let output = output.filter(|_| !is_deaf);
            all.extend(output.map(|fd| (Place::ServerOutput(number), fd, PollFlags::IN)));
            all.extend(errors.map(|fd| (Place::ServerErrors(number), fd, PollFlags::IN)));
            all.extend(end.map(|fd| (Place::ServerEnd, fd, PollFlags::IN)));
            all.extend(
                process
                    .written_at()
                    .map(|fd| (Place::ServerInput(number), fd, PollFlags::OUT)),
            );
        }
        all
    }

    fn deadline(&self, now: Instant) -> Option<Instant> {
        let looks = self
            .processes
            .iter()
            .filter_map(|process| process.next_look(now));
        let farewell = self
            .left
            .map(|(since, _)| since + FAREWELL + Duration::from_millis(1));
        looks
            .chain(self.session.deadline())
            .chain(self.next_look())
            .chain(farewell.filter(|_| self.processes.is_empty()))
            .min()
    }

    /// When to look at the environment without being told; not before the client has said where it works.
    fn next_look(&self) -> Option<Instant> {
        self.launch.as_ref()?;
        self.environment.next_look()
    }

    fn take_in(&mut self, place: Place, now: Instant) {
        match place {
            Place::Stop => {
                self.stop = None;
                self.session.client_gone();
            }
            Place::Input => self.read_client(now),
            Place::Output => self.write_client(),
            Place::Environment => self.look_at_environment(now),
            Place::ServerInput(number) => {
                if let Some(process) = self.process(number) {
                    process.write();
                }
            }
            Place::ServerOutput(number) => self.read_server(number, now),
            Place::ServerErrors(number) => {
                if let Some(process) = self.process(number) {
                    let text = process.read_errors();
                    self.observer.said(&text);
                }
            }
            // The loop looks at every process.
            Place::ServerEnd => {}
        }
    }

    fn read_client(&mut self, now: Instant) {
        let Some(input) = &mut self.input else {
            return;
        };
        match self.frames.read_from(input) {
            Ok(read) if read > 0 => {}
            Err(error) if is_of_the_moment(&error) => return,
            Ok(_) | Err(_) => {
                self.input = None;
                if self.frames.is_within_message() {
                    let rest = self.frames.rest();
                    self.observer.strayed(true, &rest);
                }
                if self.left.is_none() {
                    self.session.client_gone();
                }
                return;
            }
        }
        while let Some(frame) = self.frames.frame() {
            match frame {
                Frame::Body(body) => {
                    if self.launch.is_none() {
                        self.begin(&body);
                    }
                    self.session.client_said(body, now);
                }
                Frame::Text(text) => self.observer.strayed(true, &text),
            }
            self.perform(now);
        }
    }

    /// The client has said its first word.
    fn begin(&mut self, body: &[u8]) {
        self.roots = root::all_of(body);
        let (launch, environment) = self.observer.begin(&self.roots);
        self.follow(launch, environment);
    }

    fn follow(&mut self, launch: Launch, mut environment: Environment) {
        environment.serve(&launch.command, self.strategy);
        self.launch = Some(launch);
        self.environment = environment;
        self.told_generation = None;
    }

    /// An environment may have come to where there was none: what knows it is another server.
    fn search(&mut self, now: Instant) {
        self.environment.searched(now);
        if let Some((launch, environment)) = self.observer.appeared(&self.roots) {
            self.follow(launch, environment);
            self.session.changed(self.environment.arrival(), now);
        }
    }

    fn read_server(&mut self, number: Number, now: Instant) {
        let Some(process) = self.process(number) else {
            return;
        };
        for frame in process.read(now) {
            match frame {
                Frame::Body(body) => self.session.server_said(number, body, now),
                Frame::Text(text) => {
                    if let Some(process) = self.process(number) {
                        process.remember(&text);
                        process.remember(b"\n");
                    }
                    self.observer.strayed(false, &text);
                }
            }
            self.perform(now);
        }
    }

    fn look_at_environment(&mut self, now: Instant) {
        if let Some(change) = self.environment.look(now) {
            self.session.changed(change, now);
        }
    }

    /// Looks at what tells nobody: processes, and an environment that is not watched, or not there yet.
    fn look(&mut self, now: Instant) {
        if self.next_look().is_some_and(|at| at <= now) {
            if self.environment.is_there() {
                self.look_at_environment(now);
            } else {
                self.search(now);
            }
        }
        let mut ended = Vec::new();
        self.processes.retain_mut(|process| {
            let words = process.look(now);
            let is_gone = words.is_some();
            ended.extend(words.map(|words| (process.number, words)));
            !is_gone
        });
        for (number, words) in ended {
            self.session.server_ended(number, &words, now);
        }
    }

    fn perform(&mut self, now: Instant) {
        while let Some(effect) = self.session.effect() {
            match effect {
                Effect::ToClient(body) => {
                    self.outgoing.push(body);
                    self.write_client();
                }
                Effect::ToServer(number, body) => {
                    if let Some(process) = self.process(number) {
                        process.send(body);
                    }
                }
                Effect::Start(number) => self.start(number, now),
                Effect::End(number) => {
                    if let Some(process) = self.process(number) {
                        process.close(now);
                    }
                }
                Effect::Tell(told) => self.untold.push(told),
                Effect::Leave(is_goodbye) => {
                    self.left.get_or_insert((now, is_goodbye));
                }
            }
        }
    }

    fn start(&mut self, number: Number, now: Instant) {
        let Some(launch) = &self.launch else {
            return;
        };
        match Process::start(number, launch) {
            Ok(process) => {
                self.tell();
                self.observer.started(number, process.pid());
                self.processes.push(process);
            }
            Err(error) => {
                let program = launch.command.first().cloned().unwrap_or_default();
                let words = format!("{}: {error}", program.display());
                self.session.server_ended(number, &words, now);
            }
        }
    }

    /// Tells the observer what it has not been told yet.
    fn tell(&mut self) {
        let generation = self.launch.as_ref().map(|_| self.environment.generation());
        if let Some(generation) = generation
            && self.told_generation != Some(generation)
        {
            self.told_generation = Some(generation);
            self.observer.generation(generation);
        }
        for told in self.untold.drain(..) {
            self.observer.told(&told);
        }
    }

    fn write_client(&mut self) {
        if self.outgoing.write_to(&self.output).is_err() {
            self.outgoing.clear();
            if self.left.is_none() {
                self.session.client_gone();
            }
        }
    }

    fn process(&mut self, number: Number) -> Option<&mut Process> {
        let mut all = self.processes.iter_mut();
        all.find(|process| process.number == number)
    }
}
