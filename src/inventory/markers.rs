//! What requirements ask of the interpreter and the system before they apply (PEP 508, "Environment Markers").

use pep508_rs::{MarkerEnvironment, MarkerEnvironmentBuilder, MarkerTree};

use crate::project::Venv;

/// What markers are told of one environment.
#[derive(Debug, Default)]
pub struct Markers(Option<MarkerEnvironment>);

impl Markers {
    /// Those of `venv`.
    pub fn of(venv: &Venv) -> Self {
        Self(environment(venv))
    }

    /// Whether `marker` holds without extras.
    pub fn hold(&self, marker: &MarkerTree) -> bool {
        match &self.0 {
            Some(environment) => marker.evaluate(environment, &[]),
            // Of an interpreter that nobody knows, nothing is said that depends on it.
            None => marker.is_true(),
        }
    }
}

fn environment(venv: &Venv) -> Option<MarkerEnvironment> {
    let full = venv.python_version()?;
    let line = full.split('.').take(2).collect::<Vec<_>>().join(".");
    let system = rustix::system::uname();
    let word = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let (name, machine) = (word(system.sysname()), word(system.machine()));
    MarkerEnvironmentBuilder {
        implementation_name: "cpython",
        implementation_version: &full,
        os_name: "posix",
        platform_machine: &machine,
        platform_python_implementation: "CPython",
        platform_release: &word(system.release()),
        platform_system: &name,
        platform_version: &word(system.version()),
        python_full_version: &full,
        python_version: &line,
        sys_platform: &name.to_ascii_lowercase(),
    }
    .try_into()
    .ok()
}
