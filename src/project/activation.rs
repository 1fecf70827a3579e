//! What makes a process one of an environment: the variables that it has instead of those that it would inherit.

use std::ffi::{OsStr, OsString};

use super::venv::Venv;
use crate::host::Host;

/// Where programs are looked for where nobody says so.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

impl Venv {
    /// The variables by which a process belongs to this environment, a node as a terminal; `path` is the PATH that it
    /// would have. No other Python that it starts finds the person's own packages where the environment does not
    /// (compat, section 6; decision 0021); where it lets them in, whatever is inherited decides.
    pub fn variables(&self, path: Option<&OsStr>) -> Vec<(&'static str, OsString)> {
        let shut_out = (!self.lets_user_in()).then(|| ("PYTHONNOUSERSITE", "1".into()));
        let ours = [
            ("PATH", self.first_on_path(path)),
            ("VIRTUAL_ENV", self.root().into()),
        ];
        ours.into_iter().chain(shut_out).collect()
    }

    /// The environment that is active in the process `host`: `$VIRTUAL_ENV`, else conda's, but for the one that all of
    /// conda's hang from, which many shells always have.
    pub fn active(host: &Host) -> Option<Self> {
        let of = |name| Self::open(host.absolute(host.path_var(name)?)).ok();
        of("VIRTUAL_ENV")
            .or_else(|| of("CONDA_PREFIX").filter(|venv| !venv.layout().condabin().is_dir()))
    }

    /// A `PATH` with its programs first, before those of `inherited`.
    fn first_on_path(&self, inherited: Option<&OsStr>) -> OsString {
        let rest = inherited.filter(|path| !path.is_empty());
        let mut path = self.bin().into_os_string();
        path.push(":");
        path.push(rest.unwrap_or(OsStr::new(USUAL_PATH)));
        path
    }
}
