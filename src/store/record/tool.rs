//! Who makes changes, and who made one.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::files::momentary::found;
use crate::inventory::{Change, Diff, Snapshot};
use crate::project::{Project, Venv, VenvLayout};

/// Who changed the environment: `tool` of a record and, as `Tool::source` says, `source` of `last_change`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// pip.
    Pip,
    /// uv.
    Uv,
    /// Poetry.
    Poetry,
    /// PDM.
    Pdm,
    /// conda.
    Conda,
    /// The module venv, which made the environment anew (`--clear`) or for another Python.
    Venv,
    /// virtualenv, likewise.
    Virtualenv,
    /// `aim-logs undo` and `redo`, which put back what was there.
    Undo,
    /// Nobody can tell, or a tool that this version does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Tool {
    /// The tool that a distribution's INSTALLER file names (PEP 376).
    pub fn of_installer(name: &str) -> Self {
        match name.trim().to_ascii_lowercase().as_str() {
            "pip" => Self::Pip,
            "uv" => Self::Uv,
            "conda" => Self::Conda,
            "pdm" => Self::Pdm,
            name if name.starts_with("poetry") => Self::Poetry,
            _ => Self::Unknown,
        }
    }

    /// Its name as records have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Conda => "conda",
            Self::Venv => "venv",
            Self::Virtualenv => "virtualenv",
            Self::Undo => "undo",
            Self::Unknown => "unknown",
        }
    }

    /// As `env_meta.json` has it, which knows fewer of them.
    pub(crate) fn source(self) -> Self {
        match self {
            Self::Pdm | Self::Venv | Self::Virtualenv => Self::Unknown,
            known => known,
        }
    }

    /// The tool that turned `before` into `now`: the one that installed what is new or changed; the one that made the
    /// environment anew, where nothing came but what such a tool brings along. Where something was only removed, it is
    /// conda if that was conda's, else unknown. Several tools are unknown, too.
    ///
    /// # Errors
    /// What is of the moment: then nobody knows.
    pub fn behind(
        changes: &Diff,
        venv: &Venv,
        before: &Snapshot,
        now: &Snapshot,
    ) -> io::Result<Self> {
        let by = |snapshot: &Snapshot, change: &Change| -> io::Result<Self> {
            let version = change.to.as_deref().or(change.from.as_deref());
            let installer = snapshot.installer(venv, &change.name, version)?;
            Ok(installer.map_or(Self::Unknown, |name| Self::of_installer(&name)))
        };
        if let Some(maker) = Self::that_made_anew(changes, venv)? {
            return Ok(maker);
        }
        let installed: Vec<Self> = changes
            .added
            .iter()
            .chain(&changes.changed)
            .map(|change| by(now, change))
            .collect::<io::Result<_>>()?;
        let Some(first) = installed.first() else {
            for change in &changes.removed {
                if by(before, change)? == Self::Conda {
                    return Ok(Self::Conda);
                }
            }
            return Ok(Self::Unknown);
        };
        Ok(if installed.iter().all(|tool| tool == first) {
            *first
        } else {
            Self::Unknown
        })
    }

    /// The maker of environments that wrote `pyvenv.cfg` anew, as it says there.
    fn that_made_anew(changes: &Diff, venv: &Venv) -> io::Result<Option<Self>> {
        const BROUGHT_ALONG: [&str; 3] = ["pip", "setuptools", "wheel"];
        let mut came = changes.added.iter().chain(&changes.changed);
        let is_told = changes
            .startup
            .iter()
            .any(|file| Path::new(&file.name).file_name() == Some(VenvLayout::PYVENV_CFG.as_ref()));
        if !(is_told && has_new_scripts(venv)? || is_emptied(venv)?)
            || came.any(|change| !BROUGHT_ALONG.contains(&change.name.as_str()))
        {
            return Ok(None);
        }
        Ok(if venv.setting("uv")?.is_some() {
            Some(Self::Uv)
        } else if venv.setting("virtualenv")?.is_some() {
            Some(Self::Virtualenv)
        } else {
            let command = venv.setting("command")?.unwrap_or_default();
            command.contains(" -m venv ").then_some(Self::Venv)
        })
    }
}

/// Whether the environment was made anew since the history was last written: what was ours in it is gone, and what
/// makers write is newer.
fn is_emptied(venv: &Venv) -> io::Result<bool> {
    let layout = venv.layout();
    let recorded = recorded_at(venv)?;
    Ok(recorded.is_some()
        && written(&layout.version())?.is_none()
        && written(&layout.pyvenv_cfg())? > recorded)
}

/// Whether the scripts that every maker writes beside `pyvenv.cfg` are newer than the history: a person who edits that
/// file alone writes none.
fn has_new_scripts(venv: &Venv) -> io::Result<bool> {
    Ok(written(&venv.layout().script("activate"))? > recorded_at(venv)?)
}

/// When the history was last written.
fn recorded_at(venv: &Venv) -> io::Result<Option<SystemTime>> {
    written(&Project::of_venv(venv.clone()).layout().env_meta())
}

fn written(path: &Path) -> io::Result<Option<SystemTime>> {
    found(fs::metadata(path).and_then(|about| about.modified()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::testing::unreadable_now;
    use crate::host::Host;
    use crate::store::testing::{install, project};

    /// `installers` has the installer of each distribution that was installed; `None` where it has no INSTALLER.
    fn check(installers: &[Option<&str>], expected: Tool) {
        let (_dir, project) = project();
        for (number, installer) in installers.iter().enumerate() {
            let name = format!("d{number}");
            install(&project, &name, "1.0");
            if let Some(text) = installer {
                let site = project.venv().site_packages().remove(0);
                let file = site.join(format!("{name}-1.0.dist-info/INSTALLER"));
                std::fs::write(file, text).expect("write");
            }
        }
        let (before, now) = (
            Snapshot::default(),
            Snapshot::scan(project.venv(), &Host::default()).expect("readable"),
        );
        let tool = Tool::behind(&before.diff_to(&now), project.venv(), &before, &now);
        assert_eq!(tool.expect("readable"), expected, "{installers:?}");
    }

    #[test]
    fn the_installer_names_the_tool() {
        check(&[Some("pip\n")], Tool::Pip);
        check(&[Some("uv"), Some("uv\n")], Tool::Uv);
        check(&[Some("Poetry 1.8.2")], Tool::Poetry);
        check(&[Some("conda")], Tool::Conda);
        check(&[Some("pdm\n")], Tool::Pdm);
        check(&[Some("pip"), Some("uv")], Tool::Unknown);
        check(&[Some("pip"), None], Tool::Unknown);
        check(&[Some("")], Tool::Unknown);
        check(&[], Tool::Unknown);
    }

    #[test]
    fn a_person_who_edits_pyvenv_cfg_is_no_maker() {
        let (_dir, project) = project();
        let venv = project.venv();
        let text = "version = 3.12.1\ncommand = /usr/bin/python3 -m venv /p/.venv\n";
        let before = Snapshot::scan(venv, &Host::default()).expect("readable");
        let version = venv.layout().version();
        std::fs::create_dir_all(version.parent().expect("a folder")).expect("folder");
        std::fs::write(version, "").expect("write");
        std::fs::write(project.layout().env_meta(), "{}").expect("write");
        std::fs::write(venv.layout().pyvenv_cfg(), text).expect("write");
        let now = Snapshot::scan(venv, &Host::default()).expect("readable");
        let behind = || Tool::behind(&before.diff_to(&now), venv, &before, &now).expect("readable");
        assert_eq!(behind(), Tool::Unknown);
        let activate = venv.layout().script("activate");
        std::fs::create_dir_all(venv.layout().bin()).expect("folder");
        std::fs::write(&activate, "").expect("write");
        let later = SystemTime::now() + std::time::Duration::from_secs(1);
        let file = std::fs::File::options().write(true).open(activate);
        file.expect("there").set_modified(later).expect("set");
        assert_eq!(behind(), Tool::Venv);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_installer_that_cannot_be_read_now_is_not_unknown() {
        let (_dir, project) = project();
        install(&project, "six", "1.0");
        let site = project.venv().site_packages().remove(0);
        unreadable_now(&site.join("six-1.0.dist-info/INSTALLER"));
        let (before, now) = (
            Snapshot::default(),
            Snapshot::scan(project.venv(), &Host::default()).expect("readable"),
        );
        Tool::behind(&before.diff_to(&now), project.venv(), &before, &now)
            .expect_err("nobody knows");
    }

    #[test]
    fn conda_is_known_by_what_it_took_away_too() {
        let (_dir, project) = project();
        let venv = project.venv();
        let folder = venv.root().join("conda-meta");
        let zlib = folder.join("zlib-1.3.1-h4ab18f5_1.json");
        std::fs::create_dir(&folder).expect("folder");
        let before = Snapshot::scan(venv, &Host::default()).expect("readable");
        std::fs::write(&zlib, "{}").expect("write");
        install(&project, "six", "1.0");
        let between = Snapshot::scan(venv, &Host::default()).expect("readable");
        std::fs::remove_file(zlib).expect("removed");
        std::fs::remove_dir_all(venv.site_packages()[0].join("six-1.0.dist-info"))
            .expect("removed");
        let after = Snapshot::scan(venv, &Host::default()).expect("readable");
        let behind = |before: &Snapshot, now: &Snapshot| {
            Tool::behind(&before.diff_to(now), venv, before, now).expect("readable")
        };
        assert_eq!(behind(&before, &between), Tool::Unknown, "two tools");
        assert_eq!(behind(&between, &after), Tool::Conda);
    }
}
