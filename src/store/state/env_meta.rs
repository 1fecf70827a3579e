//! `env_meta.json`: the state of a project's environment, and its generation. AIM-Forge's format (compat, section 4)
//! with fields of ours.

use std::collections::HashMap;
use std::io;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::brief;
use crate::files::Folder;
use crate::files::momentary::{found, is_momentary};
use crate::inventory::{Diff, Distribution, Fingerprint, Snapshot, canonical};
use crate::project::ProjectLayout;
use crate::store::places;
use crate::store::record::Tool;
use crate::store::record::time;
use crate::store::record::{Generation, RunId, RunNumber};

/// The file's content. AIM-Forge's keys come first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EnvMeta {
    /// When the environment changed last: moves exactly when `generation` does.
    pub updated_at: Option<String>,
    /// What is installed, as `pip list --format json` gives it.
    pub packages: Vec<Package>,
    /// The last run, whether it changed something or not.
    pub last_action: Option<LastAction>,
    /// Version of the fields that AIM-Forge does not know: 1. 0 in a file that AIM-Forge wrote.
    #[serde(default)]
    pub schema: u32,
    /// The state of the environment as a number.
    #[serde(default)]
    pub generation: Generation,
    /// The number of the newest run: also known after `.pip-logs` is gone, so that none is given twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_number: Option<RunNumber>,
    /// Hash of `packages`.
    #[serde(default)]
    pub fingerprint: Option<Fingerprint>,
    /// Version of the interpreter.
    #[serde(default)]
    pub python: Option<String>,
    /// The run that made this generation.
    #[serde(default)]
    pub last_change: Option<LastChange>,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// One installed distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Its name as METADATA has it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where the project lies that is installed in editable form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub editable_project_location: Option<String>,
    /// What others wrote; kept while the distribution stays as it is.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Package {
    /// One of that name, of no version yet.
    pub(in crate::store) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            version: String::new(),
            editable_project_location: None,
            others: Map::new(),
        }
    }
}

/// The last run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastAction {
    /// pip's command.
    pub action: String,
    /// What was asked for, as typed.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Whether it did what it was asked for.
    pub success: bool,
    /// Its log, relative to the project.
    #[serde(default)]
    pub log_path: Option<String>,
    /// When it ended.
    pub timestamp: String,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// The run that made the generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastChange {
    /// The generation that it made.
    pub generation: Generation,
    /// The run.
    pub run_id: RunId,
    /// The run's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<RunNumber>,
    /// Who made the change.
    pub source: Tool,
    /// `added`, `removed`, `changed`.
    #[serde(flatten)]
    pub changes: Diff,
    /// What others wrote; kept.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

/// Whether the file could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaState {
    /// It is there and sound.
    Present,
    /// It is not there.
    Absent,
    /// It is there and says nothing that can be used, for this reason.
    Broken(String),
}

impl EnvMeta {
    /// The version of our fields that this toolkit writes.
    pub const SCHEMA: u32 = 1;

    /// What the project's file says; what AIM-Forge takes for an absent file (nothing) when there is none or it is
    /// broken.
    pub fn read(project: &ProjectLayout) -> (Self, MetaState) {
        Self::known(project).unwrap_or_else(|error| Self::unread(&error))
    }

    /// As [`EnvMeta::read`], for who does something about a file that is broken.
    ///
    /// # Errors
    /// What is of the moment, and what is forbidden: then nobody knows what the file says.
    pub fn known(project: &ProjectLayout) -> io::Result<(Self, MetaState)> {
        places::project(project)
            .and_then(|folder| Self::known_in(&folder))
            .or_else(Self::unless_unknown)
    }

    /// As [`EnvMeta::known`], of the project whose folder is open.
    ///
    /// # Errors
    /// As [`EnvMeta::known`].
    pub(crate) fn known_in(project: &Folder) -> io::Result<(Self, MetaState)> {
        let bytes = project.read(ProjectLayout::ENV_META, LONGEST);
        bytes
            .map(|bytes| Self::parse(&bytes))
            .or_else(Self::unless_unknown)
    }

    fn unless_unknown(error: io::Error) -> io::Result<(Self, MetaState)> {
        if is_momentary(&error) || error.kind() == io::ErrorKind::PermissionDenied {
            Err(error)
        } else {
            Ok(Self::unread(&error))
        }
    }

    fn parse(bytes: &[u8]) -> (Self, MetaState) {
        let broken = |why: &str| (Self::default(), MetaState::Broken(brief(why)));
        match serde_json::from_slice::<Self>(bytes) {
            Ok(meta) if meta.generation.is_believable() => (meta, MetaState::Present),
            Ok(meta) => broken(&format!(
                "no environment comes to generation {}",
                meta.generation
            )),
            Err(error) => broken(&error.to_string()),
        }
    }

    fn unread(error: &io::Error) -> (Self, MetaState) {
        let state = match error.kind() {
            io::ErrorKind::NotFound => MetaState::Absent,
            _ => MetaState::Broken(error.to_string()),
        };
        (Self::default(), state)
    }

    /// The state of the environment as a number.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether it has none of our members, as AIM-Forge writes it.
    pub fn is_unnumbered(&self) -> bool {
        self.schema == 0 && self.generation == Generation::default()
    }

    /// Adds the members that [`Self::is_unnumbered`] misses.
    pub(crate) fn number(
        &mut self,
        generation: Generation,
        now: &Snapshot,
        python: Option<String>,
    ) {
        self.schema = Self::SCHEMA;
        self.generation = generation;
        self.fingerprint = Some(now.fingerprint());
        self.python = python.or(self.python.take());
    }

    /// When the environment changed last.
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.updated_at.as_deref().and_then(time::parse)
    }

    /// What is installed, by names and versions alone.
    pub fn snapshot(&self) -> Snapshot {
        self.packages.iter().map(Package::distribution).collect()
    }

    /// Writes down that `snapshot` is what is installed since `at`. What others wrote to a package that stayed as it is
    /// is kept.
    pub(crate) fn set_packages(&mut self, snapshot: &Snapshot, at: DateTime<Utc>) {
        let mut before: HashMap<String, Package> = self
            .packages
            .drain(..)
            .map(|package| (canonical(&package.name), package))
            .collect();
        self.packages = snapshot
            .shown()
            .map(|one| {
                let mut package = Package {
                    name: one.name.clone(),
                    version: one.version.clone(),
                    editable_project_location: one.editable.clone(),
                    others: Map::new(),
                };
                if let Some(before) = before.remove(&one.canonical_name())
                    && before.version == package.version
                    && before.editable_project_location == package.editable_project_location
                {
                    package.others = before.others;
                }
                package
            })
            .collect();
        self.fingerprint = Some(snapshot.fingerprint());
        self.updated_at = Some(time::text(at));
    }

    /// Writes the project's file.
    pub(crate) fn write(&self, project: &Folder) -> io::Result<()> {
        project.write(ProjectLayout::ENV_META, &serde_json::to_vec_pretty(self)?)
    }
}

/// Longer than the file of any plausible environment: 20,000 distributions. It is read before each run.
const LONGEST: u64 = 4 << 20;

/// The generation that a broken file still seems to name: the largest number after a `"generation"`.
///
/// # Errors
/// What is of the moment.
pub(crate) fn salvaged_generation(project: &Folder) -> io::Result<Generation> {
    let text = found(project.read(ProjectLayout::ENV_META, LONGEST))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let numbers = text.split("\"generation\"").skip(1).filter_map(|rest| {
        let number = rest.trim_start().strip_prefix(':')?.trim_start();
        let end = number
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number.len());
        number[..end].parse().ok()
    });
    let believable = numbers.filter(|number: &Generation| number.is_believable());
    Ok(believable.max().unwrap_or_default())
}

/// Puts a broken file out of the way, as `env_meta.json.broken-<n>`, so that nothing of it is lost.
pub(crate) fn set_aside(project: &Folder) -> io::Result<()> {
    let aside = (1..=u32::MAX)
        .map(ProjectLayout::broken_env_meta)
        .find(|aside| project.found(aside).is_err());
    let aside = aside.ok_or(io::ErrorKind::AlreadyExists)?;
    project.rename(ProjectLayout::ENV_META, project, aside)
}

impl Package {
    fn distribution(&self) -> Distribution {
        let one = Distribution::new(&self.name, &self.version);
        match &self.editable_project_location {
            Some(location) => one.editable_at(location),
            None => one,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(text: &str) -> (tempfile::TempDir, ProjectLayout) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let layout = ProjectLayout::new(dir.path());
        std::fs::write(layout.env_meta(), text).expect("write");
        (dir, layout)
    }

    fn open(layout: &ProjectLayout) -> Folder {
        places::project(layout).expect("open")
    }

    const AIM_FORGES: &str = r#"{
  "updated_at": "2025-10-04T08:30:28.123456+00:00",
  "packages": [
    {
      "name": "requests",
      "version": "2.32.3",
      "note": "메모"
    }
  ],
  "last_action": {
    "action": "install",
    "packages": [
      "requests==2.32.3"
    ],
    "success": true,
    "log_path": ".pip-logs/20251004083028_install_success.log",
    "timestamp": "2025-10-04T08:30:28.123456+00:00",
    "by": "x"
  }"#;

    #[test]
    fn what_aim_forge_wrote_is_written_back_as_it_was() {
        let (_dir, layout) = project(&format!("{AIM_FORGES}\n}}"));
        let (meta, state) = EnvMeta::read(&layout);
        assert_eq!(state, MetaState::Present);
        assert_eq!(meta.generation(), Generation(0));
        meta.write(&open(&layout)).expect("write");
        let text = std::fs::read_to_string(layout.env_meta()).expect("read");
        assert!(text.starts_with(AIM_FORGES), "{text}");
        assert!(text.ends_with('}'), "no line end at the end");
    }

    #[test]
    fn unknown_fields_survive_a_change() {
        let (_dir, layout) = project(&format!("{AIM_FORGES},\n  \"theme\": \"dark\"\n}}"));
        let (mut meta, _) = EnvMeta::read(&layout);
        let after = [
            Distribution::new("requests", "2.32.3"),
            Distribution::new("six", "1"),
        ];
        meta.set_packages(&after.into_iter().collect(), Utc::now());
        assert_eq!(meta.packages[0].others["note"], "메모");
        assert_eq!(meta.others["theme"], "dark");
        assert_eq!(meta.last_action.as_ref().expect("kept").others["by"], "x");
    }

    #[test]
    fn a_broken_file_is_known_as_such_and_still_tells_its_generation() {
        for text in [
            "",
            "[]",
            "null",
            "{",
            r#"{"packages":3}"#,
            r#"{"updated_at":null}"#,
        ] {
            let (_dir, layout) = project(text);
            let (meta, state) = EnvMeta::read(&layout);
            assert!(matches!(state, MetaState::Broken(_)), "{text}");
            assert_eq!(meta, EnvMeta::default());
        }
        let (dir, layout) = project(r#"{"generation" : 41, "last_change": {"generation":42, "#);
        assert_eq!(
            salvaged_generation(&open(&layout)).expect("readable"),
            Generation(42)
        );
        set_aside(&open(&layout)).expect("aside");
        assert!(dir.path().join("env_meta.json.broken-1").exists());
        assert_eq!(EnvMeta::read(&layout).1, MetaState::Absent);
    }

    #[test]
    fn a_generation_that_nobody_comes_to_is_not_believed() {
        for number in [
            "4503599627370497",
            "9007199254740993",
            "18446744073709551615",
        ] {
            let text = format!(r#"{{"updated_at":null,"packages":[],"generation":{number}}}"#);
            let (_dir, layout) = project(&text);
            let (meta, state) = EnvMeta::read(&layout);
            assert_eq!(meta.generation(), Generation(0));
            let MetaState::Broken(why) = state else {
                panic!("{number} is believed");
            };
            assert_eq!(why, format!("no environment comes to generation {number}"));
            assert_eq!(
                salvaged_generation(&open(&layout)).expect("readable"),
                Generation(0)
            );
        }
    }

    #[test]
    fn a_giant_value_is_not_in_the_message() {
        let giant = "x".repeat(3 << 20);
        for text in [
            format!(r#"{{"updated_at":null,"packages":"{giant}"}}"#),
            format!(r#"{{"updated_at":null,"packages":[],"last_change":{{"run_id":"{giant}"}}}}"#),
            giant.repeat(2),
        ] {
            let (_dir, layout) = project(&text);
            let (_, MetaState::Broken(why)) = EnvMeta::read(&layout) else {
                panic!("it is believed");
            };
            assert!(why.len() < 1000, "{} bytes", why.len());
        }
    }

    #[test]
    fn a_tool_that_is_not_known_is_read() {
        let tool: Tool = serde_json::from_str("\"hatch\"").expect("reads");
        assert_eq!(tool, Tool::Unknown);
    }
}
