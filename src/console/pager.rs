//! Long output, in the person's pager.

use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;

use crate::env_vars;
use crate::host::Host;

/// What leaves at once when all fits on the screen, shows colours, and leaves the text where it was.
const USUAL: &str = "less";
/// The same for a `less` that the person named without saying how.
const LESS: &str = "FRX";

/// A pager that is being written to. When it is dropped, its text has ended, and the person has seen enough.
pub(super) struct Pager {
    child: Child,
    text: Option<ChildStdin>,
}

impl Pager {
    /// The person's pager: `$AIM_PAGER`, else `$PAGER`, else `less` if it is there. None where they want none (an
    /// empty variable, `cat`), where the terminal can do nothing, or where it does not start.
    pub(super) fn start(host: &Host) -> Option<Self> {
        let named = [env_vars::PAGER, "PAGER"];
        let named = named.into_iter().find_map(|name| host.var(name));
        let command = named
            .map_or_else(|| which::which(USUAL).ok().map(|_| USUAL), Some)?
            .trim();
        if ["", "cat"].contains(&command) || host.var("TERM") == Some("dumb") {
            return None;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the pager is the person's own command line"
        )]
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::piped());
        if host.var("LESS").is_none() {
            shell.env("LESS", LESS);
        }
        // What is shown is UTF-8 whatever the locale says; a container has often none.
        if host.var("LESSCHARSET").is_none() {
            shell.env("LESSCHARSET", "utf-8");
        }
        let mut child = shell.spawn().ok()?;
        // Ctrl-C is the pager's: this program waits for it.
        let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default());
        let text = child.stdin.take();
        Some(Self { child, text })
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.text {
            Some(text) => text.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Pager {
    fn drop(&mut self) {
        self.text = None;
        let _ = self.child.wait();
    }
}

/// Talk that waits until the pager has left the terminal: when this is dropped.
pub(super) struct HeldBack {
    talk: Vec<u8>,
    to: Box<dyn Write>,
}

impl HeldBack {
    pub(super) fn from(to: Box<dyn Write>) -> Self {
        let talk = Vec::new();
        Self { talk, to }
    }
}

impl Write for HeldBack {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.talk.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for HeldBack {
    fn drop(&mut self) {
        let _ = self.to.write_all(&self.talk);
    }
}
