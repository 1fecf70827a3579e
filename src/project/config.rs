//! Settings, and where each came from.
//!
//! Four sources, each over the one before (design, section 4): built-in values, `config.toml` of the person,
//! `.aim.toml` of the project, `AIM_*` variables. A file that cannot be read as settings is a [`Config::problems`]
//! line, never a reason to stop: pip must work with a broken settings file.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::layout::{ProjectLayout, UserLayout};
use super::worker_settings::RestartPolicy;
use crate::env_vars;
use crate::files::read;
use crate::host::Host;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    BuiltIn,
    /// A settings file.
    File(PathBuf),
    /// A variable.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn built_in(value: T) -> Self {
        Self {
            value,
            origin: Origin::BuiltIn,
        }
    }

    fn over(&mut self, value: Option<T>, origin: &Origin) {
        if let Some(value) = value {
            *self = Self {
                value,
                origin: origin.clone(),
            };
        }
    }
}

/// The settings in force for one project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Whether the shim does more than hand the call to pip (`enabled`).
    pub enabled: Setting<bool>,
    /// Seconds to wait for another pip in the same environment; 0 does not lock (`lock.timeout`).
    pub lock_timeout: Setting<u64>,
    /// Runs kept (`retention.runs`).
    pub retention_runs: Setting<u64>,
    /// Days that runs are kept (`retention.days`).
    pub retention_days: Setting<u64>,
    /// MiB of run logs kept (`retention.mib`).
    pub retention_mib: Setting<u64>,
    /// When a change of the environment replaces the worker (`worker.policy`): `always`, `loaded` or `manual`.
    pub worker_policy: Setting<RestartPolicy>,
    /// The daemon's variables that nodes get, with `*` for any characters; nothing stands for all (`worker.env_allow`).
    pub worker_env_allow: Setting<Vec<String>>,
    /// Those that they do not get, even if allowed (`worker.env_deny`).
    pub worker_env_deny: Setting<Vec<String>>,
    /// Whether nodes run on the old environment when a worker on the new one does not start
    /// (`worker.keep_old_on_failure`).
    pub worker_keep_old: Setting<bool>,
    /// MiB of Python objects that a worker keeps for flows (`worker.object_limit_mib`).
    pub worker_object_limit_mib: Setting<u64>,
    /// What was wrong with a file or variable, a line each.
    pub problems: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: Setting::built_in(true),
            lock_timeout: Setting::built_in(600),
            retention_runs: Setting::built_in(200),
            retention_days: Setting::built_in(90),
            retention_mib: Setting::built_in(256),
            worker_policy: Setting::built_in(RestartPolicy::Always),
            worker_env_allow: Setting::built_in(Vec::new()),
            worker_env_deny: Setting::built_in(Vec::new()),
            worker_keep_old: Setting::built_in(false),
            worker_object_limit_mib: Setting::built_in(512),
            problems: Vec::new(),
        }
    }
}

/// A settings file's shape. Unknown keys are left to newer toolkits.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    enabled: Option<bool>,
    lock: Lock,
    retention: Retention,
    worker: Worker,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Lock {
    timeout: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Retention {
    runs: Option<u64>,
    days: Option<u64>,
    mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Worker {
    policy: Option<RestartPolicy>,
    env_allow: Option<Vec<String>>,
    env_deny: Option<Vec<String>>,
    keep_old_on_failure: Option<bool>,
    object_limit_mib: Option<u64>,
}

impl Config {
    /// The settings for `project` (or for no project in particular).
    pub fn load(host: &Host, project: Option<&ProjectLayout>) -> Self {
        let mut config = Self::default();
        let person = UserLayout::of(host).map(|user| user.settings());
        let project = project.map(ProjectLayout::settings);
        for path in [person, project].into_iter().flatten() {
            config.read(path);
        }
        config.take_variables(host);
        config
    }

    /// How long to wait for the run lock; `None` does not lock.
    pub fn lock_wait(&self) -> Option<Duration> {
        (self.lock_timeout.value > 0).then(|| Duration::from_secs(self.lock_timeout.value))
    }

    /// Every setting as `(key, value, origin)`, for `aim-venv-sync config`.
    pub fn rows(&self) -> Vec<(&'static str, String, &Origin)> {
        vec![
            (
                "enabled",
                self.enabled.value.to_string(),
                &self.enabled.origin,
            ),
            (
                "lock.timeout",
                self.lock_timeout.value.to_string(),
                &self.lock_timeout.origin,
            ),
            (
                "retention.runs",
                self.retention_runs.value.to_string(),
                &self.retention_runs.origin,
            ),
            (
                "retention.days",
                self.retention_days.value.to_string(),
                &self.retention_days.origin,
            ),
            (
                "retention.mib",
                self.retention_mib.value.to_string(),
                &self.retention_mib.origin,
            ),
            (
                "worker.policy",
                self.worker_policy.value.as_str().to_owned(),
                &self.worker_policy.origin,
            ),
            (
                "worker.env_allow",
                self.worker_env_allow.value.join(" "),
                &self.worker_env_allow.origin,
            ),
            (
                "worker.env_deny",
                self.worker_env_deny.value.join(" "),
                &self.worker_env_deny.origin,
            ),
            (
                "worker.keep_old_on_failure",
                self.worker_keep_old.value.to_string(),
                &self.worker_keep_old.origin,
            ),
            (
                "worker.object_limit_mib",
                self.worker_object_limit_mib.value.to_string(),
                &self.worker_object_limit_mib.origin,
            ),
        ]
    }

    fn read(&mut self, path: PathBuf) {
        let text = read::read(&path)
            .and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
        let text = match text {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.problems.push(format!("{}: {error}", path.display())),
        };
        let file: File = match toml::from_str(&text) {
            Ok(file) => file,
            Err(error) => {
                let why = error.message().lines().next().unwrap_or_default();
                return self.problems.push(format!("{}: {why}", path.display()));
            }
        };
        let origin = Origin::File(path);
        self.enabled.over(file.enabled, &origin);
        self.lock_timeout.over(file.lock.timeout, &origin);
        self.retention_runs.over(file.retention.runs, &origin);
        self.retention_days.over(file.retention.days, &origin);
        self.retention_mib.over(file.retention.mib, &origin);
        let worker = file.worker;
        self.worker_policy.over(worker.policy, &origin);
        self.worker_env_allow.over(worker.env_allow, &origin);
        self.worker_env_deny.over(worker.env_deny, &origin);
        self.worker_keep_old
            .over(worker.keep_old_on_failure, &origin);
        self.worker_object_limit_mib
            .over(worker.object_limit_mib, &origin);
    }

    fn take_variables(&mut self, host: &Host) {
        let enabled = host.var(env_vars::ENABLED).map(env_vars::truthy);
        self.enabled
            .over(enabled, &Origin::Variable(env_vars::ENABLED));
        for (name, setting) in [
            (env_vars::LOCK_TIMEOUT, &mut self.lock_timeout),
            (env_vars::RETENTION_RUNS, &mut self.retention_runs),
            (env_vars::RETENTION_DAYS, &mut self.retention_days),
            (env_vars::RETENTION_MIB, &mut self.retention_mib),
        ] {
            match host.var(name).map(str::parse::<u64>) {
                Some(Ok(value)) => setting.over(Some(value), &Origin::Variable(name)),
                Some(Err(_)) => self.problems.push(format!("${name}: not a whole number")),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
            .with_var(env_vars::RETENTION_MIB, "8");
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
            Origin::Variable(env_vars::RETENTION_MIB)
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
            .with_var(env_vars::LOCK_TIMEOUT, "soon");
        let config = Config::load(&host, Some(&ProjectLayout::new(dir.path())));
        assert!(config.enabled.value);
        assert_eq!(config.problems.len(), 2, "{:?}", config.problems);
    }
}
