//! The change of the environment that the failure of a node or a program comes of, as far as its last line and the
//! history tell.
//!
//! A module that is missing, or is not as its user expects it, is most often one that the last runs changed or took
//! away, perhaps for the sake of another. What was never there is to be installed.

use std::borrow::Cow;

use chrono::Utc;

use super::output::Console;
use super::{shell, time};
use crate::host::Host;
use crate::inventory::{Change, Snapshot, canonical, provider};
use crate::project::Project;
use crate::secrets;
use crate::store::{Run, RunLog};
use crate::terminal::printable;
use crate::words::t;

/// Runs that are looked at, newest first.
const LAST: usize = 20;

/// Modules whose distributions have other names, of which a person would install a wrong one.
const KNOWN: [(&str, &str); 14] = [
    ("Crypto", "pycryptodome"),
    ("OpenSSL", "pyopenssl"),
    ("PIL", "pillow"),
    ("attr", "attrs"),
    ("bs4", "beautifulsoup4"),
    ("cv2", "opencv-python"),
    ("dateutil", "python-dateutil"),
    ("docx", "python-docx"),
    ("dotenv", "python-dotenv"),
    ("jwt", "pyjwt"),
    ("serial", "pyserial"),
    ("skimage", "scikit-image"),
    ("sklearn", "scikit-learn"),
    ("yaml", "pyyaml"),
];

/// Modules that Python itself has, or had: nothing of their name is to be installed.
const PYTHONS: [&str; 14] = [
    "asynchat",
    "asyncore",
    "cgi",
    "crypt",
    "curses",
    "dbm",
    "distutils",
    "imp",
    "lzma",
    "pipes",
    "smtpd",
    "sqlite3",
    "telnetlib",
    "tkinter",
];

/// Says what a failure in the environment of `project` comes of, if that can be told of its `traceback`'s last line.
pub fn tell(console: &mut Console, host: &Host, project: &Project, traceback: &str) {
    let Some(failure) = Failure::read(traceback) else {
        return;
    };
    let log = RunLog::read_newest(&project.layout(), LAST);
    let name = failure.distribution(host, project);
    let changed = log.runs.iter().take(LAST).find_map(|run| {
        let change = run
            .changes()
            .find(|change| canonical(&change.name) == name)?;
        Some((run, change))
    });
    match changed {
        // It came, and nothing before it was otherwise.
        Some((_, Change { from: None, .. })) => {}
        Some((run, change)) => console.aside(words(run, change)),
        None if failure.is_missing => {
            if let Some(name) = to_install(&failure.module, project) {
                console.hint(t!("console.cause.install", name = printable(&name)));
            }
        }
        None => {}
    }
}

/// What the last line of a traceback tells.
#[derive(Debug, PartialEq, Eq)]
struct Failure {
    /// The module, without its parts.
    module: String,
    /// It was not found, as opposed to being another one than expected.
    is_missing: bool,
}

impl Failure {
    fn read(traceback: &str) -> Option<Self> {
        let last = traceback.lines().rev().find(|line| !line.is_empty())?;
        let (kind, words) = last.split_once(": ")?;
        // The sentences are Python's own: `import.c`, `moduleobject.c`.
        let begins: &[&str] = match kind {
            "ModuleNotFoundError" => &["No module named '"],
            "ImportError" => &["cannot import name "],
            "AttributeError" => &["module '"],
            _ => return None,
        };
        let rest = begins.iter().find_map(|begin| words.strip_prefix(begin))?;
        let rest = match kind {
            "ImportError" => rest.split_once(" from '")?.1,
            _ => rest,
        };
        let module = rest.split(['.', '\'']).next()?;
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        (!module.is_empty() && module.chars().all(is_name)).then(|| Self {
            module: module.to_owned(),
            is_missing: kind == "ModuleNotFoundError",
        })
    }

    /// The canonical name of the distribution that the module is of, by what is installed, else by its own name.
    fn distribution(&self, host: &Host, project: &Project) -> String {
        let venv = project.venv();
        let installed = Snapshot::scan(venv, host).ok();
        let found = installed.and_then(|now| provider(venv, &now, &self.module).ok().flatten());
        canonical(found.as_deref().unwrap_or_else(|| usual(&self.module)))
    }
}

/// The name under which a module is usually installed.
fn usual(module: &str) -> &str {
    let known = KNOWN.iter().find(|(known, _)| *known == module);
    known.map_or(module, |(_, name)| name)
}

/// What brings a module that was never there; none for what nobody can install: Python's own, and the project's.
fn to_install(module: &str, project: &Project) -> Option<String> {
    let own = [module.to_owned(), format!("{module}.py")];
    let is_own = own.iter().any(|name| project.root().join(name).exists());
    let is_pythons = module.starts_with('_') || PYTHONS.contains(&module);
    (!is_own && !is_pythons).then(|| usual(module).to_owned())
}

fn words(run: &Run, change: &Change) -> String {
    let name = change.shown_name();
    let from = change.from.as_deref().unwrap_or_default();
    let number = run.name();
    let ago = time::ago(run.at(), Utc::now());
    let command = command(run);
    let what = match &change.to {
        Some(to) => t!(
            "console.cause.changed",
            name = printable(&name),
            from = printable(from),
            to = printable(to)
        ),
        None => t!(
            "console.cause.removed",
            name = printable(&name),
            from = printable(from)
        ),
    };
    t!(
        "console.cause.by",
        what = what,
        run = number,
        ago = ago,
        command = printable(&command),
        number = number.trim_start_matches('#')
    )
    .into_owned()
}

/// What was typed, as far as the history has it: `pip install 'numpy<2'`.
fn command(run: &Run) -> String {
    let tool = run.record().map_or("pip", |record| record.tool.as_str());
    let words = secrets::words(run.packages());
    let words = words.iter().map(|word| Cow::from(shell::word(word)));
    let mut all = vec![Cow::from(tool), Cow::from(run.action())];
    all.extend(words);
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_names_a_module() {
        fn check(last: &str, expected: Option<(&str, bool)>) {
            let traceback =
                format!("Traceback (most recent call last):\n  File \"a.py\"\n{last}\n");
            let found = Failure::read(&traceback);
            let found = found
                .as_ref()
                .map(|one| (one.module.as_str(), one.is_missing));
            assert_eq!(found, expected, "{last}");
        }
        check(
            "ModuleNotFoundError: No module named 'six'",
            Some(("six", true)),
        );
        check(
            "ModuleNotFoundError: No module named 'a.b.c'",
            Some(("a", true)),
        );
        check(
            "ImportError: cannot import name 'x' from 'numpy.core' (/site-packages/numpy/core/__init__.py)",
            Some(("numpy", false)),
        );
        check(
            "AttributeError: module 'numpy' has no attribute 'int'",
            Some(("numpy", false)),
        );
        for other in [
            "AttributeError: 'list' object has no attribute 'x'",
            "ImportError: DLL load failed",
            "ValueError: module 'numpy'",
            "ModuleNotFoundError: No module named '../x'",
            "",
        ] {
            check(other, None);
        }
    }
}
