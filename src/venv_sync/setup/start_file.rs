//! The file that a person's shell reads when it starts, and our lines in it.
//!
//! It is the person's own, and often a link into a folder that they keep under version control: it is followed, and
//! nothing but our lines is touched, between two marks.

use std::io;
use std::path::{Path, PathBuf};

use super::super::cli::ShellName;
use super::part::{Part, State};
use crate::error::{Error, Explain as _, Result};
use crate::files::{Folder, atomic, read};
use crate::host::Host;
use crate::shells;
use crate::words::t;

const BEGINS: &str = "# >>> aim-toolkit (`aim-venv-sync setup --remove` takes this out) >>>";
const ENDS: &str = "# <<< aim-toolkit <<<";

/// What says that a person put the line there by hand.
const BY_HAND: &str = "aim-venv-sync shell ";

/// Longer than any start file.
const LONGEST: u64 = 4 << 20;

/// A start file, of one kind of shell.
#[derive(Debug)]
pub(super) struct StartFile {
    pub(super) path: PathBuf,
    shell: ShellName,
}

impl StartFile {
    /// That of the shell that the person uses.
    ///
    /// # Errors
    /// Where there is no home, or the shell is one that is not guided.
    pub(super) fn of_the_person(host: &Host) -> Result<Self> {
        let program = shells::program(host);
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        let shell = match &*name {
            "bash" | "rbash" => ShellName::Bash,
            "zsh" => ShellName::Zsh,
            "fish" => ShellName::Fish,
            _ => {
                return Err(Error::failed(t!(
                    "venv_sync.setup.other_shell",
                    shell = name
                )));
            }
        };
        Self::of(host, shell).ok_or_else(|| Error::failed(t!("venv_sync.setup.no_home")))
    }

    /// Those of each kind of shell.
    pub(super) fn all(host: &Host) -> Vec<Self> {
        [ShellName::Bash, ShellName::Zsh, ShellName::Fish]
            .into_iter()
            .filter_map(|shell| Self::of(host, shell))
            .collect()
    }

    fn of(host: &Host, shell: ShellName) -> Option<Self> {
        let home = host.path_var("HOME")?;
        let path = match shell {
            ShellName::Bash => home.join(".bashrc"),
            ShellName::Zsh => host.path_var("ZDOTDIR").unwrap_or(home).join(".zshrc"),
            ShellName::Fish => {
                let config = host.path_var("XDG_CONFIG_HOME");
                let config = config.unwrap_or_else(|| home.join(".config"));
                config.join("fish/conf.d/aim-toolkit.fish")
            }
        };
        path.is_absolute().then_some(Self { path, shell })
    }

    /// What there is to do.
    pub(super) fn look(&self) -> Part {
        let part = match self.text() {
            Ok(text) if text.contains(BY_HAND) => Part::new(State::Was),
            Ok(_) => Part::new(State::Open),
            Err(error) => Part::new(State::Failed).because(error.to_string()),
        };
        part.at(&self.path)
    }

    /// Whether our lines are there.
    pub(super) fn is_marked(&self) -> bool {
        self.text().is_ok_and(|text| without(&text).is_some())
    }

    /// Adds our lines at the end.
    ///
    /// # Errors
    /// What the system says, and what to type instead.
    pub(super) fn add(&self) -> Result<()> {
        self.change(|text| {
            let end = if text.is_empty() || text.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            format!("{text}{end}{BEGINS}\n{}\n{ENDS}\n", self.line())
        })
        .hint(t!(
            "venv_sync.setup.hint_by_hand",
            path = self.path.display(),
            line = self.line()
        ))
    }

    /// Takes our lines out; a file in which nothing else is goes, too.
    ///
    /// # Errors
    /// What the system says, and what to do instead.
    pub(super) fn take_out(&self) -> Result<()> {
        self.change(|text| without(text).unwrap_or_else(|| text.to_owned()))
            .hint(t!(
                "venv_sync.setup.hint_take_out",
                path = self.path.display()
            ))
    }

    /// What the shell is to do; nothing where the programs are gone.
    fn line(&self) -> &'static str {
        match self.shell {
            ShellName::Bash => {
                r#"command -v aim-venv-sync >/dev/null && eval "$(aim-venv-sync shell bash)""#
            }
            ShellName::Zsh => {
                r#"command -v aim-venv-sync >/dev/null && eval "$(aim-venv-sync shell zsh)""#
            }
            ShellName::Fish => "type -q aim-venv-sync; and aim-venv-sync shell fish | source",
        }
    }

    fn text(&self) -> io::Result<String> {
        match read::text(&self.path, LONGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read,
        }
    }

    fn change(&self, new: impl FnOnce(&str) -> String) -> Result<()> {
        let cannot_write = || t!("venv_sync.cannot_write", path = self.path.display());
        let changed = self
            .text()
            .and_then(|text| write(&atomic::led_to(&self.path)?, &new(&text)));
        changed.context(cannot_write())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the person's own folder of their shell"
)]
fn write(path: &Path, text: &str) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    if text.is_empty() {
        return Folder::open(folder)?.remove(name).map(drop);
    }
    std::fs::create_dir_all(folder)?;
    atomic::write(path, text.as_bytes())
}

/// `text` without our lines; none where they are not there whole.
fn without(text: &str) -> Option<String> {
    let from = text.find(BEGINS)?;
    let length = text[from..].find(ENDS)? + ENDS.len();
    let rest = &text[from + length..];
    Some(format!(
        "{}{}",
        &text[..from],
        rest.strip_prefix('\n').unwrap_or(rest)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn person(home: &Path, shell: &str) -> Host {
        Host::fake(["aim-venv-sync"])
            .with_cwd("/")
            .with_var("HOME", home)
            .with_var("SHELL", shell)
    }

    #[test]
    fn what_is_added_is_taken_out_to_the_byte() {
        let dir = tempfile::tempdir().expect("a folder");
        for (shell, name) in [("/bin/bash", ".bashrc"), ("/usr/bin/zsh", ".zshrc")] {
            let path = dir.path().join(name);
            std::fs::write(&path, "alias x=y\n").expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("set");
            let file = StartFile::of_the_person(&person(dir.path(), shell)).expect("one");
            assert_eq!(file.look().state, State::Open);
            file.add().expect("added");
            assert_eq!(file.look().state, State::Was);
            let mode = path.metadata().expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let text = std::fs::read_to_string(&path).expect("read");
            std::fs::write(&path, format!("{text}alias z=y\n")).expect("written");
            file.take_out().expect("taken out");
            let text = std::fs::read_to_string(&path).expect("read");
            assert_eq!(text, "alias x=y\nalias z=y\n");
            assert!(!file.is_marked());
        }
    }

    #[test]
    fn a_file_of_ours_alone_goes_with_our_lines() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = StartFile::of_the_person(&person(dir.path(), "/usr/bin/fish")).expect("one");
        file.add().expect("added");
        let path = dir.path().join(".config/fish/conf.d/aim-toolkit.fish");
        assert!(path.is_file());
        file.take_out().expect("taken out");
        assert!(!path.exists());
    }

    #[test]
    fn a_link_of_the_persons_stays_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let (kept, link) = (dir.path().join("kept"), dir.path().join(".bashrc"));
        std::fs::write(&kept, "no end").expect("written");
        symlink(&kept, &link).expect("a link");
        let file = StartFile::of_the_person(&person(dir.path(), "/bin/bash")).expect("one");
        file.add().expect("added");
        assert!(link.is_symlink());
        let text = std::fs::read_to_string(&kept).expect("read");
        assert!(text.starts_with("no end\n# >>> aim-toolkit"), "{text}");
    }

    #[test]
    fn a_line_put_there_by_hand_is_enough_and_stays() {
        let dir = tempfile::tempdir().expect("a folder");
        let line = "eval \"$(aim-venv-sync shell bash)\"\n";
        std::fs::write(dir.path().join(".bashrc"), line).expect("written");
        let file = StartFile::of_the_person(&person(dir.path(), "/bin/bash")).expect("one");
        assert_eq!(file.look().state, State::Was);
        assert!(!file.is_marked());
    }

    #[test]
    fn other_shells_are_said() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = StartFile::of_the_person(&person(dir.path(), "/bin/sh")).expect_err("other");
        assert!(error.to_string().starts_with("sh is not guided"), "{error}");
    }
}
