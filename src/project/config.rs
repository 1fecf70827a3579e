//! The settings, and where the value of each came from.
//!
//! **The table of settings is `settings!` below**: a line a setting, with its name, type, default, variable and words.
//! The typed [`Config`], the reading of files and variables, `aim-venv-sync config`, `docs/settings.md` and
//! `docs/environment.md` are made from it, so that a setting is added there and, in both languages, in `locales`.
//!
//! Four sources, each over the one before (design, section 4): built-in values, `config.toml` of the person,
//! `.aim.toml` of the project, `AIM_*` variables. A file that cannot be read as settings is a [`Config::problems`]
//! line, never a reason to stop: pip must work with a broken settings file. Names that are not in the table are left to
//! newer toolkits.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::layout::{ProjectLayout, UserLayout};
use super::setting::{OfVariable, Origin, Setting, SettingValue, in_file};
use super::worker_settings::{PythonServer, RestartPolicy};
use crate::error::brief;
use crate::files::{Folder, read};
use crate::host::Host;
use crate::words::t;

macro_rules! settings {
    ($( $field:ident: $type:ty = $default:expr, $name:literal $(or $variable:literal)?, says $words:tt; )*) => {
        /// The settings in force for one project.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Config {
            $(
                #[doc = concat!("`", $name, "`")]
                pub $field: Setting<$type>,
            )*
            /// What was wrong with a file or variable, a line each.
            pub problems: Vec<String>,
        }

        impl Default for Config {
            fn default() -> Self {
                Self {
                    $( $field: Setting::built_in($default), )*
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
                        value: self.$field.value.shown(),
                        origin: &self.$field.origin,
                    },
                )*]
            }

            /// Takes the values of a file: all of them or, if one of them is wrong, none.
            fn take_file(&mut self, table: &toml::Table, origin: &Origin) -> Result<(), toml::de::Error> {
                $( let $field = in_file(table, $name)?; )*
                $( self.$field.over($field, origin); )*
                Ok(())
            }

            fn take_variables(&mut self, host: &Host) {
                $($(
                    match host.var($variable).map(OfVariable::of_variable) {
                        Some(Ok(value)) => self.$field.over(Some(value), &Origin::Variable($variable)),
                        Some(Err(what)) => self.problems.push(format!("${}: {what}", $variable)),
                        None => {}
                    }
                )?)*
            }
        }
    };
}

settings! {
    enabled: bool = true,
        "enabled" or "AIM_ENABLED", says "settings.enabled";
    lock_timeout: u64 = 600,
        "lock.timeout" or "AIM_PIP_LOCK_TIMEOUT", says "settings.lock_timeout";
    retention_runs: u64 = 200,
        "retention.runs" or "AIM_RETENTION_RUNS", says "settings.retention_runs";
    retention_days: u64 = 90,
        "retention.days" or "AIM_RETENTION_DAYS", says "settings.retention_days";
    retention_mib: u64 = 256,
        "retention.mib" or "AIM_RETENTION_MIB", says "settings.retention_mib";
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
    /// Its value.
    pub value: serde_json::Value,
    /// Where that came from.
    pub origin: &'c Origin,
}

impl SettingRow<'_> {
    /// The value as text: `600`, `always`, `HOME LANG`.
    pub fn text(&self) -> String {
        match &self.value {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// Longer than anybody's settings. They are read before each run.
const LONGEST: u64 = 1 << 20;

impl Config {
    /// The settings for `project` (or for no project in particular).
    pub fn load(host: &Host, project: Option<&ProjectLayout>) -> Self {
        let mut config = Self::default();
        let person = UserLayout::of(host).map(|user| user.settings());
        if let Some(path) = person {
            let text = read::read(&path, LONGEST);
            config.take_text(text, path);
        }
        if let Some(project) = project {
            // A link would show the person's other files in our messages.
            let text = Folder::open(project.root())
                .and_then(|folder| folder.read(ProjectLayout::SETTINGS, LONGEST));
            config.take_text(text, project.settings());
        }
        config.take_variables(host);
        config
    }

    /// How long to wait for the run lock; `None` does not lock.
    pub fn lock_wait(&self) -> Option<Duration> {
        (self.lock_timeout.value > 0).then(|| Duration::from_secs(self.lock_timeout.value))
    }

    /// Takes what is in the file at `path`.
    fn take_text(&mut self, bytes: io::Result<Vec<u8>>, path: PathBuf) {
        let text = bytes.and_then(|bytes| {
            String::from_utf8(read::without_mark(&bytes).to_vec()).map_err(io::Error::other)
        });
        let text = match text {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.problems.push(format!("{}: {error}", path.display())),
        };
        let origin = Origin::File(path);
        let taken = text
            .parse()
            .and_then(|table: toml::Table| self.take_file(&table, &origin));
        if let Err(error) = taken {
            let why = error.message().lines().next().unwrap_or_default();
            self.problems.push(format!("{origin}: {}", brief(why)));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_source_is_over_the_one_before() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let config_home = dir.path().join("config");
        std::fs::create_dir_all(config_home.join("aim-toolkit")).expect("folders");
        std::fs::write(
            config_home.join("aim-toolkit/config.toml"),
            "enabled = false\nfuture = 1\n[retention]\nruns = 5\ndays = 6\n",
        )
        .expect("write");
        std::fs::write(dir.path().join(".aim.toml"), "[retention]\ndays = 7\n").expect("write");
        let host = Host::fake(["x"])
            .with_var("XDG_CONFIG_HOME", &config_home)
            .with_var("AIM_RETENTION_MIB", "8");
        let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
        assert!(!config.enabled.value);
        assert_eq!(config.retention_runs.value, 5);
        assert_eq!(config.retention_days.value, 7);
        assert_eq!(
            config.retention_days.origin,
            Origin::File(dir.path().join(".aim.toml"))
        );
        assert_eq!(config.retention_mib.value, 8);
        assert_eq!(
            config.retention_mib.origin,
            Origin::Variable("AIM_RETENTION_MIB")
        );
        assert_eq!(config.lock_timeout.origin, Origin::BuiltIn);
        assert!(config.problems.is_empty());
    }

    #[test]
    fn a_broken_file_is_a_problem_and_no_more() {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join(".aim.toml"), "enabled = maybe").expect("write");
        let host = Host::fake(["x"])
            .with_var("XDG_CONFIG_HOME", dir.path())
            .with_var("AIM_PIP_LOCK_TIMEOUT", "soon");
        let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
        assert!(config.enabled.value);
        assert_eq!(config.problems.len(), 2, "{:?}", config.problems);
    }

    #[test]
    fn a_wrong_value_spoils_its_file_and_says_why() {
        let check = |text: &str, expected: &str| {
            let dir = tempfile::tempdir().expect("temporary folder");
            let file = dir.path().join(".aim.toml");
            std::fs::write(&file, format!("enabled = false\n{text}")).expect("write");
            let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", dir.path());
            let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
            assert!(config.enabled.value, "{text}");
            assert_eq!(
                config.problems,
                [format!("{}: {expected}", file.display())],
                "{text}"
            );
        };
        check(
            "lock.timeout = \"soon\"",
            "invalid type: string \"soon\", expected u64",
        );
        check(
            "[retention]\nruns = -1",
            "invalid value: integer `-1`, expected u64",
        );
        check(
            "[worker]\npolicy = \"often\"",
            "unknown variant `often`, expected one of `always`, `loaded`, `manual`",
        );
        check(
            "[worker]\nenv_allow = \"HOME\"",
            "invalid type: string \"HOME\", expected a sequence",
        );
        check("lock = 3", "invalid type: integer `3`, expected a map");
    }

    #[test]
    fn every_setting_is_read_from_its_name_and_has_words() {
        for row in Config::default().rows() {
            assert!(!row.meaning.starts_with("settings."), "{}", row.name);
            let value = match &row.value {
                serde_json::Value::Bool(value) => (!value).to_string(),
                serde_json::Value::Number(_) => "7".to_owned(),
                serde_json::Value::String(text) if text.is_empty() => "[\"A\", \"B\"]".to_owned(),
                serde_json::Value::String(text) if text == "auto" => "\"ty\"".to_owned(),
                _ => "\"manual\"".to_owned(),
            };
            let table: toml::Table = format!("{} = {value}", row.name).parse().expect("TOML");
            let mut config = Config::default();
            let origin = Origin::File("f".into());
            config.take_file(&table, &origin).expect(row.name);
            let mut changed = config.rows();
            changed.retain(|changed| *changed.origin == origin);
            let [changed] = changed.as_slice() else {
                panic!("{}: {changed:?}", row.name)
            };
            assert_eq!(changed.name, row.name);
            let shown = value.replace(['[', ']', '"', ','], "");
            assert_eq!(changed.text(), shown);
        }
    }

    #[test]
    fn names_and_variables_are_ours_and_different() {
        let config = Config::default();
        let rows = config.rows();
        let names: BTreeSet<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), rows.len());
        let variables: Vec<_> = rows.iter().filter_map(|row| row.variable).collect();
        assert!(variables.iter().all(|name| name.starts_with("AIM_")));
        let different: BTreeSet<_> = variables.iter().collect();
        assert_eq!(different.len(), variables.len());
    }
}
