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
//! newer toolkit.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::de::ValueDeserializer;

use super::group::Group;
use super::layout::{ProjectLayout, UserLayout};
use super::problem::Problem;
use super::setting::{OfVariable, Origin, Setting, SettingValue};
use super::settings_file::{self, Entry, entries, entries_in};
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
            /// What was wrong with a file or variable.
            pub problems: Vec<Problem>,
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
                                name: $name,
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
                            name: $name,
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
            config.take_text(text, project.settings(), entries);
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
        let root = root.flatten().map(|root| {
            let resolved = root.canonicalize();
            resolved.unwrap_or_else(|_| root.to_path_buf())
        });
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
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

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
        // What a newer toolkit may know keeps nothing from being taken.
        let [Problem::Unknown { name, .. }] = config.problems.as_slice() else {
            panic!("{:?}", config.problems)
        };
        assert_eq!(name, "future");
    }

    #[test]
    fn what_a_person_wants_of_a_project_is_over_what_the_project_says() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        let (own, project, link) = (
            root.join("aim-toolkit/projects.toml"),
            root.join("demo.x"),
            root.join("link"),
        );
        std::fs::create_dir_all(root.join("aim-toolkit")).expect("folders");
        std::fs::create_dir_all(&project).expect("folder");
        std::os::unix::fs::symlink(&project, &link).expect("link");
        std::fs::write(project.join(".aim.toml"), "enabled = true\ngroup = \"a\"\n")
            .expect("write");
        let check = |text: String, at: &Path, enabled: bool, group: &str| {
            std::fs::write(&own, &text).expect("write");
            let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", &root);
            let config = Config::load(&host, Some(&ProjectLayout::new(at)));
            assert_eq!(config.problems, [], "{text}");
            assert_eq!(config.enabled.value, enabled, "{text}");
            assert_eq!(config.group.value.name(), Some(group), "{text}");
            let is_own = config.enabled.origin == Origin::File(own.clone());
            assert_eq!(is_own, text.contains("enabled"), "{text}");
            let on = host.with_var("AIM_ENABLED", "1");
            assert!(
                Config::load(&on, Some(&ProjectLayout::new(at)))
                    .enabled
                    .value
            );
        };
        let all = "[all]\nenabled = false\n";
        let this = format!("[projects.{:?}]\n", project.display().to_string());
        let other = "[projects.\"/other\"]\nnobody = \"knows\"\ngroup = 7\n";
        check(String::new(), &project, true, "a");
        check(other.to_owned(), &project, true, "a");
        check(all.to_owned(), &project, false, "a");
        check(
            format!("{this}enabled = false\ngroup = \"b\""),
            &project,
            false,
            "b",
        );
        check(format!("{this}enabled = false\n"), &link, false, "a");
        // A project's own is over that of all, wherever it stands.
        check(format!("{this}enabled = true\n{all}"), &project, true, "a");
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

    /// What is wrong with the file `.aim.toml` of the lines `enabled = false` and `text`, without its path.
    fn problems(text: &str) -> (Config, Vec<String>) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let file = dir.path().join(".aim.toml");
        std::fs::write(&file, format!("enabled = false\n{text}")).expect("write");
        let host = Host::fake(["x"]).with_var("XDG_CONFIG_HOME", dir.path());
        let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
        let problems = config.problems.iter().map(|problem| {
            let text = problem.to_string();
            let said = text.strip_prefix(&file.display().to_string());
            said.expect("the file's name").to_owned()
        });
        let problems = problems.collect();
        (config, problems)
    }

    #[test]
    fn a_wrong_value_spoils_itself_alone_and_is_named_with_its_line() {
        let check = |text: &str, line: usize, name: &str, expects: &str| {
            let (config, said) = problems(text);
            assert!(!config.enabled.value, "{text}");
            let expected =
                format!(":{line}: the value of \"{name}\" is ignored: it has to be {expects}");
            assert_eq!(said, [expected], "{text}");
        };
        check(
            "lock.timeout = \"soon\"",
            2,
            "lock.timeout",
            "a whole number",
        );
        check(
            "[retention]\nruns = -1",
            3,
            "retention.runs",
            "a whole number",
        );
        check("guide = 1", 2, "guide", "true or false");
        check(
            "[worker]\npolicy = \"often\"",
            3,
            "worker.policy",
            "one of \"always\", \"loaded\", \"manual\"",
        );
        check(
            "[worker]\n\nenv_allow = \"HOME\"",
            4,
            "worker.env_allow",
            "names in brackets, as in [\"HOME\", \"LC_*\"]",
        );
    }

    #[test]
    fn of_very_many_unknown_names_some_are_told_and_every_setting_counts() {
        let mut unknown = String::new();
        for n in 0..1000 {
            writeln!(unknown, "none{n} = 1").expect("text");
        }
        let text = format!("{unknown}guide = false\nlock.timeout = \"no\"\n");
        let (config, said) = problems(&text);
        assert!(!config.guide.value);
        assert_eq!(said.len(), MOST_PROBLEMS + 1);
        assert!(said[99].starts_with(":101: "), "{}", said[99]);
        assert!(said[MOST_PROBLEMS].starts_with(":1003: "), "{said:?}");
    }

    #[test]
    fn an_unknown_name_is_named_with_its_line_and_the_nearest_right_one() {
        let check = |text: &str, expected: &[&str]| {
            let (config, said) = problems(text);
            assert!(!config.enabled.value, "{text}");
            assert_eq!(said, expected, "{text}");
        };
        check(
            "[retention]\nrun = 3\ndays = 7",
            &[":3: unknown setting \"retention.run\"; did you mean \"retention.runs\"?"],
        );
        check(
            "policy = \"manual\"\nlock = 3\nenable = true",
            &[
                ":2: unknown setting \"policy\"; did you mean \"worker.policy\"?",
                ":3: unknown setting \"lock\"; did you mean \"lock.timeout\"?",
                ":4: unknown setting \"enable\"; did you mean \"enabled\"?",
            ],
        );
        check(
            "\"lock.timeout\" = 3\n[next.age]\nof = { many = [1] }",
            &[
                ":2: unknown setting \"\"lock.timeout\"\"; did you mean \"lock.timeout\"?",
                ":4: unknown setting \"next.age.of.many\"",
            ],
        );
        check("[lock]\n[worker]\n", &[]);
        crate::words::choose(crate::words::Language::Korean);
        check(
            "[lsp]\nidle_minute = 3\npython = \"x\"",
            &[
                ":3: 알 수 없는 설정 \"lsp.idle_minute\". \"lsp.idle_minutes\"인가요?",
                ":4: \"lsp.python\"의 값을 무시합니다. 쓸 수 있는 값: \"auto\", \"basedpyright\", \"pyright\", \"ty\" 중 하나",
            ],
        );
    }

    #[test]
    fn what_is_no_toml_spoils_its_file_and_says_where() {
        use crate::words::{Language, choose};
        let check = |text: &str, english: &str, korean: &str| {
            for (language, expected) in [(Language::English, english), (Language::Korean, korean)] {
                choose(language);
                let (config, said) = problems(text);
                assert!(config.enabled.value && config.lock_timeout.value == 600);
                assert_eq!(said, [expected], "{text}");
            }
        };
        check(
            "lock.timeout = 5\nguide = maybe",
            ":3: the whole file is ignored, since this line is not TOML: a text needs quotes around it",
            ":3: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: 글자 값은 따옴표로 감싸야 합니다",
        );
        check(
            "lock.timeout = 5\nlock.timeout = 6",
            ":3: the whole file is ignored, since this line is not TOML: the name is there twice",
            ":3: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: 같은 이름이 두 번 나옵니다",
        );
        check(
            "[lock",
            ":2: the whole file is ignored, since this line is not TOML: unclosed table, expected `]`",
            ":2: 이 줄이 TOML 형식에 맞지 않아 파일 전체를 무시합니다: unclosed table, expected `]`",
        );
    }

    #[test]
    fn every_setting_is_read_from_its_name_and_has_words() {
        for row in Config::default().rows() {
            assert!(!row.meaning.starts_with("settings."), "{}", row.name);
            let value = match &row.value {
                serde_json::Value::Bool(value) => (!value).to_string(),
                serde_json::Value::Number(_) => "7".to_owned(),
                serde_json::Value::String(_) if row.name == "group" => "\"pilot\"".to_owned(),
                serde_json::Value::String(text) if text.is_empty() => "[\"A\", \"B\"]".to_owned(),
                serde_json::Value::String(text) if text == "auto" => "\"ty\"".to_owned(),
                _ => "\"manual\"".to_owned(),
            };
            let mut config = Config::default();
            let path = PathBuf::from("f");
            let text = format!("{} = {value}", row.name);
            config.take_text(Ok(text.into_bytes()), path.clone(), entries);
            assert_eq!(config.problems, [], "{}", row.name);
            let origin = Origin::File(path);
            let mut changed = config.rows();
            changed.retain(|changed| *changed.origin == origin);
            let [changed] = changed.as_slice() else {
                panic!("{}: {changed:?}", row.name)
            };
            assert_eq!(changed.name, row.name);
            let shown = value.replace(['[', ']', '"', ','], "");
            assert_eq!(changed.text(), shown);
            // What is shown as a line of a file is one, and what is expected names every word.
            for text in [&row.default, &changed.in_file] {
                let mut config = Config::default();
                let line = format!("{} = {text}", row.name);
                config.take_text(Ok(line.into_bytes()), "f".into(), entries);
                assert_eq!(config.problems, [], "{}", row.name);
            }
        }
    }

    #[test]
    fn a_setting_of_a_few_words_expects_all_of_them() {
        fn check<T: SettingValue>() {
            let error = T::deserialize(ValueDeserializer::parse("\"?\"").expect("TOML"))
                .err()
                .expect("no such word")
                .to_string();
            let words = error.split('`').skip(3).step_by(2);
            let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
            assert_eq!(T::expects(), format!("one of {}", words.join(", ")));
        }
        check::<RestartPolicy>();
        check::<PythonServer>();
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
