//! Children in the foreground, whose starter attends to something beside them.
//!
//! Nothing of theirs is captured: they have the terminal, pipes and files of this process as they are, its process
//! group and its session. So what a person types reaches them as if nobody stood in between, and job control works;
//! what is sent to this process alone is passed on (`signals`).

use std::io;
use std::os::fd::BorrowedFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Pid;

use super::signals::{self, Signals};
use super::status::ChildStatus;
use super::sys;
use crate::system;

/// Children that have this process's terminal, and end with it.
pub struct Foreground {
    signals: Signals,
    children: Vec<Child>,
}

/// What happened while [`Foreground::wait`] waited.
#[derive(Debug)]
pub struct Woken {
    /// The children that ended.
    pub ended: Vec<(u32, ChildStatus)>,
    /// A signal that asks for the end. Children got it, too, or will.
    pub end: Option<i32>,
}

impl Foreground {
    /// From here on, until [`leave`](super::leave), SIGINT, SIGTERM and the like do not end this process: they are the
    /// children's.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin() -> io::Result<Self> {
        Ok(Self {
            signals: Signals::listen()?,
            children: Vec::new(),
        })
    }

    /// Starts `command`, and gives the number of its process. When this process is killed, so is that.
    ///
    /// # Errors
    /// Why it cannot be started.
    pub fn start(&mut self, command: &mut Command) -> io::Result<u32> {
        let child = command.spawn()?;
        Signals::child_started();
        let pid = child.id();
        self.children.push(child);
        Ok(pid)
    }

    /// Makes a program that [`Foreground::start`] will start find what this process found, and end with it. What else
    /// is to be done between fork and exec comes after.
    pub fn prepare(command: &mut Command) {
        sys::pass_on(command);
        system::end_with_parent(command);
    }

    /// Sends `signal` to the child `pid`.
    pub fn send(&self, pid: u32, signal: i32) {
        let child = self.children.iter().find(|child| child.id() == pid);
        signals::send(child.map(Pid::from_child).as_slice(), signal);
    }

    /// Waits until a child ends, somebody asks for the end, one of `descriptors` is readable, or it is `until`.
    ///
    /// # Errors
    /// That of waiting for a child.
    pub fn wait(
        &mut self,
        descriptors: &[BorrowedFd<'_>],
        until: Option<Instant>,
    ) -> io::Result<Woken> {
        let until = until.into_iter().chain(self.signals.deadline()).min();
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let left = left.map(|left| Timespec::try_from(left).unwrap_or_default());
        let bell = [self.signals.bell()];
        let all = bell.iter().chain(descriptors).copied();
        let mut all: Vec<_> = all
            .map(|one| PollFd::from_borrowed_fd(one, PollFlags::IN))
            .collect();
        match poll(&mut all, left.as_ref()) {
            Err(Errno::INTR) | Ok(_) => {}
            // Nobody can wait for anything just now.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
        let pids: Vec<Pid> = self.children.iter().map(Pid::from_child).collect();
        let mut woken = Woken {
            ended: Vec::new(),
            end: self.signals.answer(&pids).end,
        };
        // After the signals: an end that comes from here on rings the bell again.
        let mut running = Vec::new();
        for mut child in self.children.drain(..) {
            match child.try_wait()? {
                Some(status) => woken.ended.push((child.id(), status.into())),
                None => running.push(child),
            }
        }
        self.children = running;
        Ok(woken)
    }
}
