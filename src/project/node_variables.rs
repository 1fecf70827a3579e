//! The environment variables that nodes find.
//!
//! They get what the daemon itself was given, or the command that runs one by itself (compat, D18: without proxy
//! settings, keys and locale they are not the program that runs in a terminal), turned to the project's environment as
//! a terminal's are (compat, section 6).

use std::ffi::{OsStr, OsString};

use super::config::Config;
use super::venv::Venv;
use super::worker_settings::names_variable;
use crate::env_vars;
use crate::host::Host;

/// Names that would lead Python elsewhere, or that are the daemon's own. `WORKER_PROJECT_PATH` at the start of a worker
/// means that AIM-Forge's manager started it; the worker sets it for its nodes when it becomes active.
const REMOVED: [&str; 6] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "__PYVENV_LAUNCHER__",
    "WORKER_PROJECT_PATH",
    env_vars::TOKEN,
    env_vars::GUARD,
];

/// Every variable of a process in `venv` that runs nodes, made from those of `host`'s that the settings let through.
pub fn node_variables(host: &Host, config: &Config, venv: &Venv) -> Vec<(OsString, OsString)> {
    let (allowed, denied) = (
        &config.worker_env_allow.value,
        &config.worker_env_deny.value,
    );
    let ours = venv.variables(host.var_os("PATH"));
    let inherited = host.vars().filter(|(name, _)| {
        let is = |other: &str| *name == OsStr::new(other);
        let is_ours = ours.iter().any(|(other, _)| is(other));
        let text = name.to_string_lossy();
        let is_allowed = allowed.is_empty() || names_variable(allowed, &text);
        let passes = is_allowed && !names_variable(denied, &text);
        passes && !REMOVED.into_iter().any(is) && !is_ours
    });
    let inherited = inherited.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ours = ours
        .iter()
        .map(|(name, value)| ((*name).into(), value.clone()));
    inherited.chain(ours).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment that lets packages of others in, or does not.
    fn environment(lets_in: bool) -> (tempfile::TempDir, Venv) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let cfg = format!("include-system-site-packages = {lets_in}\n");
        std::fs::write(dir.path().join("pyvenv.cfg"), cfg).expect("write");
        let venv = Venv::open(dir.path()).expect("an environment");
        (dir, venv)
    }

    #[test]
    fn a_variable_decides_of_the_persons_packages_where_the_environment_lets_them_in() {
        let host = Host::fake(["x"]);
        let shut_out = host.clone().with_var("PYTHONNOUSERSITE", "yes");
        for (lets_in, host, expected) in [
            (false, &host, Some("1")),
            (false, &shut_out, Some("1")),
            (true, &host, None),
            (true, &shut_out, Some("yes")),
        ] {
            let (_dir, venv) = environment(lets_in);
            let found = node_variables(host, &Config::default(), &venv).into_iter();
            let values: Vec<_> = found
                .filter(|(name, _)| name == "PYTHONNOUSERSITE")
                .map(|(_, value)| value)
                .collect();
            let expected: Vec<OsString> = expected.into_iter().map(Into::into).collect();
            assert_eq!(values, expected, "{lets_in}");
        }
    }

    #[test]
    fn the_daemons_variables_are_passed_on_and_turned_to_the_environment() {
        let (dir, venv) = environment(false);
        let host = Host::fake(["x"])
            .with_var("API_KEY", "k")
            .with_var("PATH", "/bin")
            .with_var("VIRTUAL_ENV", "/other")
            .with_var("PYTHONPATH", "/elsewhere")
            .with_var("PYTHONHOME", "/elsewhere")
            .with_var("WORKER_PROJECT_PATH", "/elsewhere")
            .with_var("AIM_TOKEN", "secret");
        let mut expected = vec![
            ("API_KEY".into(), "k".into()),
            (
                "PATH".into(),
                format!("{}/bin:/bin", dir.path().display()).into(),
            ),
            ("VIRTUAL_ENV".into(), dir.path().into()),
            ("PYTHONNOUSERSITE".into(), OsString::from("1")),
        ];
        expected.sort();
        let mut config = Config::default();
        let mut found = node_variables(&host, &config, &venv);
        found.sort();
        assert_eq!(found, expected);
        let names = |config: &Config| {
            let found = node_variables(&host, config, &venv);
            found.iter().any(|(name, _)| name == "API_KEY")
        };
        config.worker_env_deny.value = vec!["*_KEY".to_owned()];
        assert!(!names(&config));
        config.worker_env_allow.value = vec!["API_*".to_owned()];
        assert!(!names(&config));
        config.worker_env_deny.value.clear();
        assert!(names(&config));
        config.worker_env_allow.value = vec!["OTHER".to_owned()];
        assert!(!names(&config));
    }
}
