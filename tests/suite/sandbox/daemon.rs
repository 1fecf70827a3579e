//! A daemon that ends with its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// A running `aim-backend serve`.
pub(crate) struct Daemon {
    child: Child,
    lines: Vec<String>,
    log: Option<JoinHandle<String>>,
}

impl Daemon {
    /// Starts `command` and waits for the line that says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::start_with_lines(command, 1)
    }

    /// Starts `command` and waits for `count` lines.
    pub(crate) fn start_with_lines(command: &mut Command, count: usize) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("aim-backend starts");
        let mut stderr = child.stderr.take().expect("piped");
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut daemon = Self {
            child,
            lines: Vec::new(),
            log: Some(log),
        };
        for _ in 0..count {
            let mut line = String::new();
            if stdout.read_line(&mut line).expect("readable") == 0 {
                let log = daemon.end();
                panic!("the daemon ended before it said where it listens:\n{log}");
            }
            daemon.lines.push(line.trim_end().to_owned());
        }
        daemon
    }

    /// What it said at start.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it, as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }

    /// Waits until it has ended by itself, and gives its exit status and log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("waited for").code();
        (status, self.end())
    }

    /// Asks it to end, waits, and gives its exit status and log.
    pub(crate) fn terminate(mut self) -> (Option<i32>, String) {
        let log = self.end();
        let status = self.child.wait().expect("waited for").code();
        (status, log)
    }

    fn end(&mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
        self.log
            .take()
            .and_then(|log| log.join().ok())
            .unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let log = self.end();
        if std::thread::panicking() && !log.is_empty() {
            eprintln!("--- the daemon's log\n{log}");
        }
    }
}
