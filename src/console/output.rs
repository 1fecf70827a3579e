//! Where a command's words go: data to standard output, talk to standard error.

use std::fmt::Display;
use std::io::Write;
use std::time::Duration;

use anstream::adapter::strip_str;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde::Serialize;

use super::args::{ColorWhen, CommonArgs};
use super::pager::{HeldBack, Pager};
use super::style;
use super::waiting::{self, Manner, WaitingLine};
use super::width;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::json;
use crate::secrets;
use crate::terminal;
use crate::words::t;

/// The two outputs of a command, and how the person wants them.
pub struct Console {
    // Dropped in this order: talk that waits for the pager comes after it.
    out: Output,
    err: Output,
    width: Option<usize>,
    can_be_answered: bool,
    can_redraw: bool,
    wishes: CommonArgs,
}

struct Output {
    to: Box<dyn Write>,
    is_terminal: bool,
    is_colored: bool,
}

impl Console {
    /// The process's own outputs. Also settles the colours of what is printed without a console: errors.
    pub fn new(host: &Host, common: &CommonArgs) -> Self {
        match common.color {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        let mut console = Self::onto(
            host,
            common,
            Box::new(std::io::stdout()),
            Box::new(std::io::stderr()),
        );
        if console.is_terminal() {
            console.width = width::of_data();
        }
        if let Some(manner) = console.manner() {
            waiting::tell_of_histories(manner);
        }
        console
    }

    /// Other outputs, for tests and for output that is kept.
    pub fn onto(
        host: &Host,
        common: &CommonArgs,
        out: Box<dyn Write>,
        err: Box<dyn Write>,
    ) -> Self {
        let output = |to, is_terminal| Output {
            to,
            is_terminal,
            is_colored: colored(host, common.color, is_terminal),
        };
        Self {
            out: output(out, host.terminals().stdout),
            err: output(err, host.terminals().stderr),
            width: None,
            can_be_answered: host.terminals().stdin && host.terminals().stderr,
            can_redraw: host.terminals().stderr && host.var("TERM") != Some("dumb"),
            wishes: common.clone(),
        }
    }

    /// Hands data on to the person's pager, where it goes to a terminal and is not JSON.
    pub fn page(&mut self, host: &Host) {
        if self.is_terminal()
            && !self.is_json()
            && let Some(pager) = Pager::start(host)
        {
            self.out.to = Box::new(pager);
            let talk = std::mem::replace(&mut self.err.to, Box::new(std::io::sink()));
            self.err.to = Box::new(HeldBack::from(talk));
        }
    }

    /// One line of data. Escape sequences in it are styles, and are left out where colours are off.
    pub fn line(&mut self, text: impl Display) -> Result<()> {
        self.text(format!("{text}\n"))
    }

    /// Data with its own line ends; escape sequences as in [`Console::line`].
    pub fn text(&mut self, text: impl Display) -> Result<()> {
        self.out.put(&text.to_string())
    }

    /// The person's answer to `question`, one line, `n` for Ctrl-D; none where nobody can be asked.
    ///
    /// # Errors
    /// That the terminal cannot be read.
    pub fn ask(&mut self, question: &str) -> Result<Option<String>> {
        if !self.can_be_answered || self.wishes.json || self.wishes.quiet {
            return Ok(None);
        }
        let _ = self.err.write(format!("{question} ").as_bytes());
        let mut answer = String::new();
        if std::io::stdin().read_line(&mut answer)? == 0 {
            answer.push('n');
        }
        Ok(Some(answer))
    }

    /// Goes on only if the person wants it; `option` spares the question.
    ///
    /// # Errors
    /// That they do not; `Exit::Usage` where nobody can be asked.
    pub fn confirm(&mut self, question: &str, option: &str) -> Result<()> {
        match self.ask(question)? {
            Some(answer) if matches!(answer.trim(), "y" | "Y" | "yes" | "ㅛ") => Ok(()),
            Some(_) => Err(Error::failed(t!("console.nothing_changed"))),
            None => Err(Error::usage(t!("console.cannot_ask"))
                .hint(t!("console.hint_yes", option = option))),
        }
    }

    /// Replaces the last `lines` lines of talk, for a list that is drawn again and again; does nothing with `--quiet`.
    /// Only for a terminal ([`Console::talk_size`]); no line that is to be replaced may be wider than it.
    pub fn redraw(&mut self, lines: usize, text: &str) {
        if self.wishes.quiet {
            return;
        }
        let styled = if self.err.is_colored {
            text.to_owned()
        } else {
            strip_str(text).to_string()
        };
        let back = match lines {
            0 => String::new(),
            lines => format!("\x1b[{lines}A\r\x1b[J"),
        };
        // In one piece, so that nothing is seen half drawn.
        let _ = self.err.write(format!("{back}{styled}").as_bytes());
    }

    /// Columns and rows, at this moment, of the terminal that talk goes to; `None` where it goes elsewhere.
    pub fn talk_size(&self) -> Option<(usize, usize)> {
        if !self.err.is_terminal {
            return None;
        }
        width::of_talk()
    }

    /// Whether talk goes to a terminal.
    pub fn talks_to_terminal(&self) -> bool {
        self.err.is_terminal
    }

    /// Whether talk may be drawn anew in its place: on a terminal that can, unless it is unwanted.
    pub fn can_redraw(&self) -> bool {
        self.can_redraw && !self.wishes.quiet
    }

    /// Whether it is said what is waited for: on a terminal, unless it is unwanted.
    pub fn tells_waits(&self) -> bool {
        self.manner().is_some()
    }

    fn manner(&self) -> Option<Manner> {
        let is_colored = self.err.is_colored;
        let redrawn = self.can_redraw.then_some(Manner::Redrawn { is_colored });
        let is_wanted = self.talks_to_terminal() && !self.wishes.quiet;
        is_wanted.then_some(redrawn.unwrap_or(Manner::Once))
    }

    /// Says what is waited for until the result is dropped, where that [is said](Self::tells_waits): `what` is asked
    /// again and again, given the time so far. Nothing else may be printed meanwhile.
    pub fn waiting(
        &self,
        what: impl FnMut(&str) -> Option<String> + Send + 'static,
    ) -> WaitingLine {
        match self.manner() {
            Some(manner) => WaitingLine::begin(manner, what),
            None => WaitingLine::default(),
        }
    }

    /// Bytes of data, untouched.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write(bytes)
    }

    /// Bytes of talk, untouched; quiet or not, since they are somebody else's words.
    pub fn raw_note(&mut self, bytes: &[u8]) -> Result<()> {
        self.err.write(bytes)
    }

    /// Text of others as data, an old log say: untouched, but that a terminal is shown nothing that it would obey.
    pub fn foreign(&mut self, text: &[u8]) -> Result<()> {
        self.out.foreign(text)
    }

    /// As [`Console::foreign`], as talk; quiet or not, since they are somebody else's words.
    pub fn foreign_note(&mut self, text: &[u8]) -> Result<()> {
        self.err.foreign(text)
    }

    /// One JSON value, indented, as the whole data of a command.
    pub fn json(&mut self, value: &impl Serialize) -> Result<()> {
        self.json_text(&serde_json::to_string_pretty(value)?)
    }

    /// JSON text as the whole data of a command.
    pub fn json_text(&mut self, text: &str) -> Result<()> {
        if self.out.is_terminal {
            self.raw(format!("{}\n", json::safe_on_terminal(text)).as_bytes())
        } else {
            self.raw(format!("{text}\n").as_bytes())
        }
    }

    /// One JSON value on one line, for data that comes bit by bit.
    pub fn json_line(&mut self, value: &impl Serialize) -> Result<()> {
        self.json_text(&serde_json::to_string(value)?)
    }

    /// A line of talk, which may name what others said, without secrets; nothing with `--quiet`.
    pub fn note(&mut self, text: impl Display) {
        if !self.wishes.quiet {
            // Talk that nobody can hear is no reason to stop.
            let text = text.to_string();
            let _ = self.err.put(&format!("{}\n", secrets::hide(&text)));
        }
    }

    /// A faint line of talk that begins with the word for "note"; nothing with `--quiet`.
    pub fn aside(&mut self, text: impl Display) {
        let line = format!("{}: {text}", t!("console.note"));
        self.note(style::paint(style::FAINT, line));
    }

    /// A line of talk for `--verbose`.
    pub fn detail(&mut self, text: impl Display) {
        if self.wishes.verbose {
            self.note(text);
        }
    }

    /// A line of talk that begins with the word for "warning"; nothing with `--quiet`.
    pub fn warn(&mut self, text: impl Display) {
        let label = style::paint(style::ODD.bold(), format!("{}:", t!("console.warning")));
        self.note(format!("{label} {text}"));
    }

    /// A line of talk that begins with the word for "hint"; nothing with `--quiet`.
    pub fn hint(&mut self, text: impl Display) {
        let label = style::paint(style::NAME.bold(), format!("{}:", t!("error.hint")));
        self.note(format!("{label} {text}"));
    }

    /// Lets `length` pass, for commands that wait for something new; shorter when the reader of the data goes away.
    ///
    /// # Errors
    /// A broken pipe, by which the command ends quietly, when the reader went away.
    pub fn pause(length: Duration) -> Result<()> {
        let stdout = std::io::stdout();
        let mut watched = [PollFd::new(&stdout, PollFlags::empty())];
        let limit = Timespec::try_from(length).ok();
        match poll(&mut watched, limit.as_ref()) {
            Ok(0) | Err(Errno::INTR) => Ok(()),
            // Some systems cannot watch every kind of file. Then this only waits.
            _ if !watched[0]
                .revents()
                .intersects(PollFlags::ERR | PollFlags::HUP) =>
            {
                std::thread::sleep(length);
                Ok(())
            }
            _ => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()),
        }
    }

    /// Whether data is to be JSON.
    pub fn is_json(&self) -> bool {
        self.wishes.json
    }

    /// Whether talk is unwanted.
    pub fn is_quiet(&self) -> bool {
        self.wishes.quiet
    }

    /// Whether more detail is wanted.
    pub fn is_verbose(&self) -> bool {
        self.wishes.verbose
    }

    /// Whether data goes to a terminal.
    pub fn is_terminal(&self) -> bool {
        self.out.is_terminal
    }

    /// Columns of the terminal that data goes to; `None` where it goes elsewhere and nothing need be cut.
    pub fn width(&self) -> Option<usize> {
        self.width
    }
}

impl Output {
    fn foreign(&mut self, text: &[u8]) -> Result<()> {
        if self.is_terminal {
            let text = String::from_utf8_lossy(text);
            self.write(terminal::styled(&text).as_bytes())
        } else {
            self.write(text)
        }
    }

    /// Our own sentences, with what others said in them.
    fn put(&mut self, text: &str) -> Result<()> {
        let text = if self.is_terminal {
            terminal::styled(text)
        } else {
            text.into()
        };
        if self.is_colored {
            self.write(text.as_bytes())
        } else {
            self.write(strip_str(&text).to_string().as_bytes())
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.to.write_all(bytes)?;
        Ok(self.to.flush()?)
    }
}

/// Whether one output is coloured: the option first, then `NO_COLOR` (no-color.org), `CLICOLOR_FORCE` and `CLICOLOR`
/// (bixense.com/clicolors), then whether it is a terminal that can.
fn colored(host: &Host, when: ColorWhen, terminal: bool) -> bool {
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if host.var("NO_COLOR").is_some() => false,
        ColorWhen::Auto if host.var("CLICOLOR_FORCE").is_some_and(|force| force != "0") => true,
        ColorWhen::Auto => {
            terminal && host.var("CLICOLOR") != Some("0") && host.var("TERM") != Some("dumb")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_follow_the_option_then_the_variables_then_the_terminal() {
        fn check(when: ColorWhen, vars: &[(&str, &str)], terminal: bool, expected: bool) {
            let host = vars.iter().fold(Host::fake(["x"]), |host, (name, value)| {
                host.with_var(*name, *value)
            });
            assert_eq!(
                colored(&host, when, terminal),
                expected,
                "{when:?} {vars:?}"
            );
        }
        check(ColorWhen::Auto, &[], true, true);
        check(ColorWhen::Auto, &[], false, false);
        check(ColorWhen::Auto, &[("NO_COLOR", "1")], true, false);
        check(ColorWhen::Auto, &[("NO_COLOR", "")], true, true);
        check(ColorWhen::Auto, &[("CLICOLOR_FORCE", "1")], false, true);
        check(
            ColorWhen::Auto,
            &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")],
            false,
            false,
        );
        check(ColorWhen::Auto, &[("TERM", "dumb")], true, false);
        check(ColorWhen::Always, &[("NO_COLOR", "1")], false, true);
        check(ColorWhen::Never, &[("CLICOLOR_FORCE", "1")], true, false);
    }

    #[test]
    fn quiet_keeps_data_and_drops_talk() {
        let (mut console, out, err) = super::testing::console(&CommonArgs {
            quiet: true,
            ..CommonArgs::default()
        });
        console
            .line(style::paint(style::BAD, "data"))
            .expect("written");
        console.note("talk");
        console.warn("more talk");
        assert_eq!((out.text().as_str(), err.text().as_str()), ("data\n", ""));
    }

    #[test]
    fn a_list_is_drawn_again_in_its_place() {
        let (mut console, out, err) = super::testing::console(&CommonArgs::default());
        console.redraw(0, "one\ntwo\n");
        console.redraw(2, &style::paint(style::BAD, "three\n"));
        assert_eq!(err.text(), "one\ntwo\n\x1b[2A\r\x1b[Jthree\n");
        assert_eq!((out.text().as_str(), console.talk_size()), ("", None));
        let quiet = CommonArgs {
            quiet: true,
            ..CommonArgs::default()
        };
        let (mut console, _, err) = super::testing::console(&quiet);
        console.redraw(1, "one\n");
        assert_eq!(err.text(), "");
    }

    #[test]
    fn json_ends_with_a_line_end() {
        let (mut console, out, _) = super::testing::console(&CommonArgs::default());
        console.json(&[1]).expect("written");
        console.json_line(&[1]).expect("written");
        assert_eq!(out.text(), "[\n  1\n]\n[1]\n");
    }
}

/// A console whose outputs can be read back.
#[cfg(test)]
pub(crate) mod testing {
    use std::cell::RefCell;
    use std::io::Write;
    use std::rc::Rc;

    use super::{CommonArgs, Console};
    use crate::host::Host;

    /// What was written so far.
    #[derive(Clone, Default)]
    pub(crate) struct Written(Rc<RefCell<Vec<u8>>>);

    impl Written {
        pub(crate) fn text(&self) -> String {
            String::from_utf8_lossy(&self.0.borrow()).into_owned()
        }
    }

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.borrow_mut().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// A console on no terminal, its output and its talk.
    pub(crate) fn console(common: &CommonArgs) -> (Console, Written, Written) {
        let (out, err) = (Written::default(), Written::default());
        let host = Host::fake(["x"]);
        let console = Console::onto(&host, common, Box::new(out.clone()), Box::new(err.clone()));
        (console, out, err)
    }
}
