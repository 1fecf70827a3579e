//! The settings, and where the value of each came from.
//!
//! **The table of settings is `settings!` below**: a line a setting, with its name, type, default, variable and words.
//! The typed [`Config`], the reading of files and variables, `aim-venv-sync config`, `docs/settings.md` and
//! `docs/environment.md` are made from it, so that a setting is added there and, in both languages, in `locales`.
//!
//! Five sources, each over the one before (design, section 4; decision 0038): built-in values, `config.toml` of the
//! person, `.aim.toml` of the project, the person's own `projects.toml` for all projects or for this one, `AIM_*`
//! variables. What cannot be read as a setting is one of [`Config::problems`],
//! which the shim never tells of, and no reason to stop: pip must work with a broken settings file. A wrong value
//! spoils its own setting alone, what is no TOML the whole file. Names that are not in the table may be those of a
//! newer toolkit. What a project asks to have run (`orders`) is no setting, and stands in its own file alone.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::de::ValueDeserializer;

use super::discover::resolved;
use super::group::Group;
use super::layout::{ProjectLayout, UserLayout};
use super::orders::{self, Orders};
use super::problem::Problem;
use super::setting::{OfVariable, Origin, Setting, SettingValue};
use super::settings_file::{self, Entry, entries, entries_but, entries_in};
use super::worker_settings::{PythonServer, RestartPolicy};
use crate::files::{Folder, read};
use crate::host::Host;
use crate::words::{nearest, t};

macro_rules! settings {
    ($( $field:ident: $type:ty = $default:expr, $name:literal $(or $variable:literal)?, says $words:tt; )*) => {
        /// The settings in force for one project.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Config {
            $(
                #[doc = concat!("`", $name, "`")]
                pub $field: Setting<$type>,
            )*
            /// What the project asks to have run.
            pub orders: Orders,
            /// What was wrong with a file or variable.
            pub problems: Vec<Problem>,
        }

        impl Default for Config {
            fn default() -> Self {
                Self {
                    $( $field: Setting::built_in($default), )*
                    orders: Orders::default(),
                    problems: Vec::new(),
                }
            }
        }

        impl Config {
            /// Every setting, for people.
            pub fn rows(&self) -> Vec<SettingRow<'_>> {
                vec![$(
                    SettingRow {
                        name: $name,
                        variable: [$($variable)?].first().copied(),
                        meaning: t!($words).to_string(),
                        expects: <$type>::expects(),
                        default: {
                            let default: $type = $default;
                            default.in_file()
                        },
                        value: self.$field.value.shown(),
                        in_file: self.$field.value.in_file(),
                        origin: &self.$field.origin,
                    },
                )*]
            }

            /// Takes one value of a file.
            fn take_entry(&mut self, entry: Entry<'_>, origin: &Origin) {
                let place = format!("{origin}:{}", entry.line);
                match entry.name.as_str() {
                    $(
                        $name => match <$type>::deserialize(ValueDeserializer::from(entry.value)) {
                            Ok(value) => self.$field.set(value, origin.clone()),
                            Err(_) => self.problems.push(Problem::Wrong {
                                place,
                                name: $name.to_owned(),
                                expects: <$type>::expects(),
                            }),
                        },
                    )*
                    _ if self.problems.len() >= MOST_PROBLEMS => {}
                    name => self.problems.push(Problem::Unknown {
                        place,
                        name: name.to_owned(),
                        meant: meant_by(name),
                    }),
                }
            }

            fn take_variables(&mut self, host: &Host) {
                $($(
                    match host.var($variable).map(OfVariable::of_variable) {
                        Some(Some(value)) => self.$field.set(value, Origin::Variable($variable)),
                        Some(None) => self.problems.push(Problem::Wrong {
                            place: format!("${}", $variable),
                            name: $name.to_owned(),
                            expects: <$type>::expects(),
                        }),
                        None => {}
                    }
                )?)*
            }
        }

        /// Every setting's name.
        const NAMES: &[&str] = &[$( $name ),*];
    };
}

settings! {
    enabled: bool = true,
        "enabled" or "AIM_ENABLED", says "settings.enabled";
    group: Group = Group::default(),
        "group", says "settings.group";
    autostart: bool = true,
        "autostart" or "AIM_AUTOSTART", says "settings.autostart";
    daemon_idle_minutes: u64 = 60,
        "daemon.idle_minutes", says "settings.daemon_idle_minutes";
    lock_timeout: u64 = 600,
        "lock.timeout" or "AIM_PIP_LOCK_TIMEOUT", says "settings.lock_timeout";
    retention_runs: u64 = 200,
        "retention.runs" or "AIM_RETENTION_RUNS", says "settings.retention_runs";
    retention_days: u64 = 90,
        "retention.days" or "AIM_RETENTION_DAYS", says "settings.retention_days";
    retention_mib: u64 = 256,
        "retention.mib" or "AIM_RETENTION_MIB", says "settings.retention_mib";
    archive_generations: u64 = 20,
        "archive.generations", says "settings.archive_generations";
    archive_mib: u64 = 2_048,
        "archive.mib", says "settings.archive_mib";
    worker_policy: RestartPolicy = RestartPolicy::Always,
        "worker.policy", says "settings.worker_policy";
    worker_env_allow: Vec<String> = Vec::new(),
        "worker.env_allow", says "settings.worker_env_allow";
    worker_env_deny: Vec<String> = Vec::new(),
        "worker.env_deny", says "settings.worker_env_deny";
    worker_keep_old: bool = false,
        "worker.keep_old_on_failure", says "settings.worker_keep_old";
    worker_object_limit_mib: u64 = 512,
        "worker.object_limit_mib", says "settings.worker_object_limit_mib";
    terminal_limit: u64 = 256,
        "terminal.limit", says "settings.terminal_limit";
    terminal_idle_minutes: u64 = 2_880,
        "terminal.idle_minutes", says "settings.terminal_idle_minutes";
    lsp_python: PythonServer = PythonServer::Auto,
        "lsp.python", says "settings.lsp_python";
    lsp_idle_minutes: u64 = 10,
        "lsp.idle_minutes", says "settings.lsp_idle_minutes";
    guide: bool = true,
        "guide", says "settings.guide";
}

/// A setting, as people are shown it.
#[derive(Debug)]
pub struct SettingRow<'c> {
    /// `lock.timeout`.
    pub name: &'static str,
    /// The variable that overrides it.
    pub variable: Option<&'static str>,
    /// What it means, in the chosen language.
    pub meaning: String,
    /// What it can be, in the chosen language.
    pub expects: String,
    /// Its built-in value, as a file has it.
    pub default: String,
    /// Its value.
    pub value: serde_json::Value,
    /// Its value as a file has it.
    pub in_file: String,
    /// Where that came from.
    pub origin: &'c Origin,
}

impl SettingRow<'_> {
    /// The line for it in a file, above the tables: `retention.runs = 7`.
    pub fn line(&self) -> String {
        let value = match self.in_file.as_str() {
            "[]" => "[\"HOME\", \"LC_*\"]", // as what it expects
            value => value,
        };
        format!("{} = {value}", self.name)
    }

    /// The value as text: `600`, `always`, `HOME LANG`.
    pub fn text(&self) -> String {
        match &self.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// The setting that a person most likely meant by `name`: the one that it is the end of, or the one most like it.
pub fn meant_by(name: &str) -> Option<&'static str> {
    let is_part = |full: &&str| full.rsplit_once('.').is_some_and(|(_, end)| end == name);
    let mut parts = NAMES.iter().copied().filter(is_part);
    match (parts.next(), parts.next()) {
        (Some(only), None) => Some(only),
        _ => nearest(name, NAMES.iter().copied()),
    }
}

/// The table of `projects.toml` with what a person wants of every project.
pub const ALL_PROJECTS: &str = "all";
/// The table of `projects.toml` with a table a project, named by its folder without links.
pub const SINGLE_PROJECTS: &str = "projects";

/// What has more names that are none is no settings file of ours; each is looked for among the right ones, before each
/// run.
const MOST_PROBLEMS: usize = 100;
/// Longer than anybody's settings. They are read before each run.
const LONGEST: u64 = 1 << 20;

impl Config {
    /// The settings for `project` (or for no project in particular).
    pub fn load(host: &Host, project: Option<&ProjectLayout>) -> Self {
        let mut config = Self::of_files(host, project);
        config.take_variables(host);
        config
    }

    /// As [`Self::load`], without what variables say.
    pub fn of_files(host: &Host, project: Option<&ProjectLayout>) -> Self {
        let mut config = Self::default();
        let user = UserLayout::of(host);
        if let Some(path) = user.as_ref().map(UserLayout::settings) {
            let text = read::read(&path, LONGEST);
            config.take_text(text, path, entries);
        }
        if let Some(project) = project {
            // A link would show the person's other files in our messages.
            let text = Folder::open(project.root())
                .and_then(|folder| folder.read(ProjectLayout::SETTINGS, LONGEST));
            let origin = Origin::File(project.settings());
            let mut ordered = None;
            config.take_text(text, project.settings(), |text| {
                let (entries, tables) = entries_but(text, orders::TABLES)?;
                ordered = Some(orders::read(tables, text, &origin));
                Ok(entries)
            });
            if let Some((orders, problems)) = ordered {
                config.orders = orders;
                config.problems.extend(problems);
            }
        }
        if let Some(path) = user.as_ref().map(UserLayout::project_settings) {
            let text = read::read(&path, LONGEST);
            config.take_own(text, path, project);
        }
        config
    }

    /// How long to wait for the run lock; `None` does not lock.
    pub fn lock_wait(&self) -> Option<Duration> {
        (self.lock_timeout.value > 0).then(|| Duration::from_secs(self.lock_timeout.value))
    }

    /// Takes what the person's own file at `path` says of every project, and then of `project`.
    fn take_own(
        &mut self,
        bytes: io::Result<Vec<u8>>,
        path: PathBuf,
        project: Option<&ProjectLayout>,
    ) {
        let root = bytes.is_ok().then(|| project.map(ProjectLayout::root));
        let root = root.flatten().map(resolved);
        let all: &[&str] = &[ALL_PROJECTS];
        match root.as_deref().and_then(Path::to_str) {
            Some(root) => self.take_text(bytes, path, |text| {
                entries_in(text, &[all, &[SINGLE_PROJECTS, root]])
            }),
            None => self.take_text(bytes, path, |text| entries_in(text, &[all])),
        }
    }

    /// Takes those entries of the file at `path` that are `wanted`.
    fn take_text(
        &mut self,
        bytes: io::Result<Vec<u8>>,
        path: PathBuf,
        wanted: impl FnOnce(&str) -> Result<Vec<Entry<'_>>, toml::de::Error>,
    ) {
        let text = bytes.and_then(|bytes| {
            String::from_utf8(read::without_mark(&bytes).to_vec()).map_err(io::Error::other)
        });
        let text = match text {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                return self.problems.push(Problem::Unread {
                    place: path.display().to_string(),
                    why: error.to_string(),
                });
            }
        };
        let origin = Origin::File(path);
        match wanted(&text) {
            Ok(entries) => {
                for entry in entries {
                    self.take_entry(entry, &origin);
                }
            }
            Err(error) => {
                let line = settings_file::line(&text, error.span().unwrap_or_default().start);
                self.problems.push(Problem::NotToml {
                    place: format!("{origin}:{line}"),
                    why: error.message().to_owned(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests;
