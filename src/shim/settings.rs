//! pip's settings that make the same arguments do something else: where an installation goes, and in whose environment.
//!
//! pip takes an option's default from `pip.conf` files and from `PIP_*` variables (compare pip's `ConfigOptionParser`),
//! so `PIP_TARGET=x`, `target = x` and `--target x` are one thing to us. Read only for commands that are meant to
//! change something. What is unclear here (an unreadable file, a section that pip would not look at) makes a call at
//! most uncertain, never a reading one.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::env_vars::truthy;
use crate::files::read;
use crate::host::Host;
use crate::system;

/// Options whose value says that the installation goes elsewhere, or nowhere.
const DIVERTING: &[&str] = &["dry-run", "prefix", "root", "target", "user"];

/// Longer than anybody's `pip.conf`.
const LONGEST: u64 = 1 << 20;

/// What the settings say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// What is installed may go elsewhere, or nowhere.
    pub(super) diverts: bool,
    /// The interpreter whose environment is meant.
    pub(super) python: Option<OsString>,
}

impl Settings {
    /// The settings of a pip in the environment at `prefix` for its command `action`.
    pub(super) fn of(prefix: &Path, action: &str, host: &Host) -> Self {
        let mut settings = Self::default();
        for path in files(prefix, host) {
            // A pipe (`PIP_CONFIG_FILE=<(…)`) can be read only once, so it is left to pip.
            if path.is_file()
                && let Ok(text) = read::read(&path, LONGEST)
            {
                settings.read(&text, action);
            }
        }
        settings.diverts |= DIVERTING.iter().any(|option| {
            let name = format!("PIP_{}", option.replace('-', "_").to_uppercase());
            host.var(&name).is_some_and(truthy)
        });
        if let Some(python) = host.path_var("PIP_PYTHON") {
            settings.python = Some(python.into_os_string());
        }
        settings
    }

    /// Reads one file, which has more to say than those before it.
    fn read(&mut self, text: &[u8], action: &str) {
        let mut section = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            let trimmed = line.trim_ascii();
            if let Some(name) = trimmed
                .strip_prefix(b"[")
                .and_then(|name| name.strip_suffix(b"]"))
            {
                section = name.to_vec();
                continue;
            }
            let is_general = section == b"global";
            if !is_general && section != action.as_bytes() {
                continue;
            }
            let Some(at) = trimmed.iter().position(|byte| matches!(byte, b'=' | b':')) else {
                continue;
            };
            let (key, value) = (trimmed[..at].trim_ascii(), trimmed[at + 1..].trim_ascii());
            let key = String::from_utf8_lossy(key)
                .to_lowercase()
                .replace('_', "-");
            let key = key.trim_start_matches('-');
            if DIVERTING.contains(&key) {
                self.diverts |= truthy(&String::from_utf8_lossy(value));
            } else if key == "python" && is_general && !value.is_empty() {
                self.python = Some(OsString::from_vec(value.to_vec()));
            }
        }
    }
}

/// The files that pip reads, in its order: those of the machine, the person, the environment, the caller.
fn files(prefix: &Path, host: &Host) -> Vec<PathBuf> {
    let named = host.path_var("PIP_CONFIG_FILE");
    if named.as_deref() == Some(Path::new("/dev/null")) {
        return Vec::new();
    }
    let machine = host
        .var_os("XDG_CONFIG_DIRS")
        .unwrap_or("/etc/xdg".as_ref());
    let mut files: Vec<PathBuf> = machine
        .as_bytes()
        .split(|byte| *byte == b':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Path::new(std::ffi::OsStr::from_bytes(folder)).join("pip/pip.conf"))
        .collect();
    files.push("/etc/pip.conf".into());
    if let Some([machine, _]) = system::MORE_PIP_SETTINGS {
        files.push(Path::new(machine).join("pip.conf"));
    }
    let home = host.path_var("HOME");
    if let Some(home) = &home {
        files.push(home.join(".pip/pip.conf"));
        if let Some([_, own]) = system::MORE_PIP_SETTINGS {
            files.push(home.join(own).join("pip.conf"));
        }
    }
    let own = host
        .path_var("XDG_CONFIG_HOME")
        .or_else(|| home.map(|home| home.join(".config")));
    files.extend(own.map(|folder| folder.join("pip/pip.conf")));
    files.push(prefix.join("pip.conf"));
    files.extend(named.map(|file| host.absolute(file)));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, diverts: bool, python: Option<&str>) {
        let mut settings = Settings::default();
        settings.read(text.as_bytes(), "install");
        assert_eq!(settings.diverts, diverts, "{text}");
        assert_eq!(settings.python, python.map(OsString::from), "{text}");
    }

    #[test]
    fn what_a_file_says() {
        check("", false, None);
        check("target = x", false, None);
        check("[install]\ntarget = x", true, None);
        check("[install]\r\n  Target : x\r\n", true, None);
        check("[global]\ndry_run = yes", true, None);
        check("[global]\nuser = no\n--prefix=", false, None);
        check("[install]\n--prefix=/x", true, None);
        check("[download]\ntarget = x\n[list]\nuser = 1", false, None);
        check("[install]\n# target = x\n; root = y", false, None);
        check(
            "[global]\npython = /v/bin/python",
            false,
            Some("/v/bin/python"),
        );
        check("[install]\npython = /v/bin/python", false, None);
        check(
            "[global]\npython = a\npython = b\n[install]\nroot=r",
            true,
            Some("b"),
        );
    }

    #[test]
    fn files_of_everyone_are_read_and_variables_win() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let at = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().expect("folder")).expect("folders");
            std::fs::write(&path, text).expect("write");
            path
        };
        let prefix = dir.path().join("venv");
        let bare = Host::fake(["aim-pip"])
            .with_cwd(dir.path())
            .with_var("HOME", dir.path().join("home"))
            .with_var("XDG_CONFIG_DIRS", dir.path().join("etc"));
        let settings = |host: &Host| Settings::of(&prefix, "install", host);
        assert_eq!(settings(&bare), Settings::default());

        at("etc/pip/pip.conf", "[global]\npython = machine\n");
        assert_eq!(settings(&bare).python, Some("machine".into()));
        at("home/.config/pip/pip.conf", "[global]\npython = person\n");
        assert_eq!(settings(&bare).python, Some("person".into()));
        at(
            "venv/pip.conf",
            "[install]\ntarget = x\n[global]\npython = venv\n",
        );
        assert_eq!(settings(&bare).python, Some("venv".into()));
        assert!(settings(&bare).diverts);
        at("named.conf", "[global]\npython = named\n");
        let named = bare.clone().with_var("PIP_CONFIG_FILE", "named.conf");
        assert_eq!(settings(&named).python, Some("named".into()));
        let told = named.with_var("PIP_PYTHON", "told");
        assert_eq!(settings(&told).python, Some("told".into()));
        let none = bare.with_var("PIP_CONFIG_FILE", "/dev/null");
        assert_eq!(settings(&none), Settings::default());
        let pipe = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.expect("mkfifo runs").success());
        let by_pipe = none.clone().with_var("PIP_CONFIG_FILE", pipe);
        assert_eq!(settings(&by_pipe).python, Some("venv".into()));
        let user = none.with_var("PIP_USER", "1");
        assert!(settings(&user).diverts);
    }
}
