//! What can go wrong, said once: exit codes, hints, and the one place that prints an error.
//!
//! Lower rooms have `thiserror` enums of their own; upper rooms turn them into an [`Error`], which is a
//! kind (the exit status), a chain of causes, and hints that a person can type. Messages are lowercase
//! fragments that read well after "error:".

use std::fmt::{self, Write as _};
use std::io::Write;

use crate::secrets::hide;
use crate::terminal::styled;

/// Each status with its meaning: the enum, and the table from which manual pages and `docs/codes.md` are made.
macro_rules! exits {
    ($( #[doc = $meaning:literal] $name:ident = $status:literal, )*) => {
        /// Exit status of a command (design, section 11). `aim-pip` leaves with pip's own instead.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Exit {
            $(
                #[doc = $meaning]
                $name = $status,
            )*
        }

        impl Exit {
            /// Every status, and what it means.
            pub const MEANINGS: &[(u8, &str)] = &[$( ($status, $meaning.trim_ascii()) ),*];
        }
    };
}

exits! {
    /// The thing asked for was done.
    Done = 0,
    /// The thing asked for failed or, with `--check`, differs.
    Failed = 1,
    /// Wrong usage.
    Usage = 2,
    /// No daemon runs.
    NoDaemon = 3,
    /// No such project, environment or run.
    NotFound = 4,
    /// The real pip was found but cannot be run (POSIX shells use the same number).
    CannotRun = 126,
    /// The real pip was not found (POSIX shells use the same number).
    NoCommand = 127,
    /// A person ended it with Ctrl-C (POSIX shells use the same number).
    Interrupted = 130,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// `text` as far as a person reads it: the message of a broken file may have all of the file in it.
pub fn brief(text: &str) -> String {
    const LONGEST: usize = 300;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A failure as a person sees it.
pub struct Error {
    exit: Exit,
    cause: anyhow::Error,
    hints: Vec<String>,
}

/// What a command gives back.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of kind `exit`, said by `message`.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self {
            exit,
            cause: anyhow::Error::msg(message.to_string()),
            hints: Vec::new(),
        }
    }

    /// The thing asked for failed.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Wrong usage.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// No such project, environment or run.
    pub fn not_found(message: impl fmt::Display) -> Self {
        Self::new(Exit::NotFound, message)
    }

    /// Adds a hint: what a person can type or do next. Hints are printed in the order they were added.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hints.push(hint.to_string());
        self
    }

    /// Says what was being done when this happened.
    #[must_use]
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.cause = self.cause.context(what.to_string());
        self
    }

    /// The same failure with another exit status.
    #[must_use]
    pub fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Whether the cause is an `E`.
    pub fn is<E: fmt::Display + fmt::Debug + Send + Sync + 'static>(&self) -> bool {
        self.cause.is::<E>()
    }

    /// The exit status.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// The hints, in order.
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The message and its causes. Errors of the system are often part of the message above them already.
    fn said(&self) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        let mut last = String::new();
        for cause in self.cause.chain().map(ToString::to_string) {
            if said.is_empty() || !last.ends_with(&cause) {
                said.push(cause.clone());
            }
            last = cause;
        }
        said
    }

    /// Whether the failure is the reader of our output going away, which deserves no words.
    pub fn is_broken_pipe(&self) -> bool {
        // Only an error of our own writing: a broken pipe deep inside another error is the daemon's end, say.
        self.cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(cause: E) -> Self {
        Self {
            exit: Exit::Failed,
            cause: cause.into(),
            hints: Vec::new(),
        }
    }
}

/// The message and its causes on one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said().join(": "))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self} (hints: {:?})", self.exit, self.hints)
    }
}

/// Adds context, an exit status or a hint to a result on its way up.
pub trait Explain<T> {
    /// Says what was being done.
    fn context(self, what: impl fmt::Display) -> Result<T>;
    /// Sets the exit status.
    fn exit(self, exit: Exit) -> Result<T>;
    /// Adds a hint.
    fn hint(self, hint: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Explain<T> for Result<T, E> {
    fn context(self, what: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(what))
    }

    fn exit(self, exit: Exit) -> Result<T> {
        self.map_err(|error| error.into().with_exit(exit))
    }

    fn hint(self, hint: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().hint(hint))
    }
}

/// Prints `error` to `stderr`: the message, its causes, an empty line, hints. `label` is the word for
/// "error", "caused by" and "hint" in the person's language. A failed write is ignored: there is nobody to tell.
pub fn report(error: &Error, labels: &Labels, stderr: &mut impl Write) {
    if error.is_broken_pipe() {
        return;
    }
    let (red, cyan) = (
        anstyle::AnsiColor::Red.on_default().bold(),
        anstyle::AnsiColor::Cyan.on_default().bold(),
    );
    let mut said = error.said().into_iter();
    let message = said.next().unwrap_or_default();
    let mut text = format!("{red}{}:{red:#} {message}\n", labels.error);
    for cause in said {
        let _ = writeln!(text, "  {}: {cause}", labels.caused_by);
    }
    if !error.hints.is_empty() {
        text.push('\n');
    }
    for hint in &error.hints {
        let _ = writeln!(text, "{cyan}{}:{cyan:#} {hint}", labels.hint);
    }
    // Whatever is said here may name a URL, a path, a package.
    let _ = stderr.write_all(styled(&hide(&text)).as_bytes());
}

/// The three words that [`report`] prints before its lines.
#[derive(Debug, Clone)]
pub struct Labels {
    /// Before the message.
    pub error: String,
    /// Before each cause.
    pub caused_by: String,
    /// Before each hint.
    pub hint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Labels {
        Labels {
            error: "error".into(),
            caused_by: "caused by".into(),
            hint: "hint".into(),
        }
    }

    fn printed(error: &Error) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        report(error, &labels(), &mut out);
        String::from_utf8(out.into_inner()).expect("utf-8")
    }

    #[test]
    fn message_causes_and_hints_have_lines_of_their_own() {
        let error = Error::from(std::io::Error::other("disk on fire"))
            .context("cannot read the run log")
            .hint("aim-venv-sync doctor");
        assert_eq!(
            printed(&error),
            "error: cannot read the run log\n  caused by: disk on fire\n\nhint: aim-venv-sync doctor\n"
        );
    }

    #[test]
    fn what_the_message_says_already_is_not_said_again() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot write a file: {source}")]
        struct Told {
            source: std::io::Error,
        }
        let source = std::io::Error::other("disk full");
        let error = Error::from(Told { source }).context("cannot record the run");
        assert_eq!(
            printed(&error),
            "error: cannot record the run\n  caused by: cannot write a file: disk full\n"
        );
        assert_eq!(
            error.to_string(),
            "cannot record the run: cannot write a file: disk full"
        );
    }

    #[test]
    fn a_reader_that_went_away_gets_no_words() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).context("x");
        assert_eq!(printed(&error), "");
    }

    #[test]
    fn the_exit_status_can_be_set_on_the_way_up() {
        let result: Result<()> = Err(std::io::Error::other("x")).exit(Exit::NotFound);
        assert_eq!(result.unwrap_err().exit(), Exit::NotFound);
    }

    proptest::proptest! {
        #[test]
        fn no_secret_is_in_a_printed_error((secret, line) in crate::secrets::testing::shaped()) {
            let error = Error::from(std::io::Error::other(line.clone()))
                .context(&line)
                .hint(format!("try {line}"));
            let text = printed(&error);
            proptest::prop_assert!(!text.contains(&secret) && text.contains("hint: try"), "{}", text);
        }
    }
}
