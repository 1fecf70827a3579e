//! What makes a process one of an environment: the variables that it has instead of those that it would inherit.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::layout::VenvLayout;
use super::venv::Venv;
use crate::env_vars;
use crate::host::Host;

/// Where programs are looked for where nobody says so.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Variables that lead Python elsewhere, or that tell of another environment which was active: no process of an
/// environment has them.
const FOREIGN_VARIABLES: [&str; 6] = [
    "PYTHONHOME",
    "__PYVENV_LAUNCHER__",
    "VIRTUAL_ENV_PROMPT",
    "_OLD_VIRTUAL_PATH",
    "_OLD_VIRTUAL_PS1",
    env_vars::GUARD,
];

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

    /// All variables of a process of this environment that the person begins as `host`: their own, but for those of
    /// other environments, and [`Venv::variables`].
    pub fn variables_of(&self, host: &Host) -> Vec<(OsString, OsString)> {
        let ours = self.variables(host.var_os("PATH"));
        let is_theirs = |name: &OsStr| {
            !FOREIGN_VARIABLES.iter().any(|one| name == *one)
                && !ours.iter().any(|(one, _)| name == *one)
        };
        let mut all: Vec<(OsString, OsString)> = host
            .vars()
            .filter(|(name, _)| is_theirs(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        all.extend(ours.into_iter().map(|(name, value)| (name.into(), value)));
        all
    }

    /// The environment that is active in the process `host`: `$VIRTUAL_ENV`, else conda's, but for the one that all of
    /// conda's hang from, which many shells always have.
    pub fn active(host: &Host) -> Option<Self> {
        let conda = || Self::open(host.absolute(host.path_var("CONDA_PREFIX")?)).ok();
        Self::virtual_env(host)
            .or_else(|| conda().filter(|venv| !venv.layout().condabin().is_dir()))
    }

    /// The environment of `$VIRTUAL_ENV`; where that is a view, the one that it is a view of.
    pub(super) fn virtual_env(host: &Host) -> Option<Self> {
        let active = host.absolute(host.path_var("VIRTUAL_ENV")?);
        Self::open(VenvLayout::viewed(&active).unwrap_or(&active)).ok()
    }

    /// A `PATH` with its programs first, before those of `inherited`. In a view, programs of today's environment are
    /// none, nor are those of other views.
    fn first_on_path(&self, inherited: Option<&OsStr>) -> OsString {
        let rest = inherited.filter(|path| !path.is_empty());
        let rest = rest.unwrap_or(OsStr::new(USUAL_PATH));
        let today = VenvLayout::viewed(self.root()).map(VenvLayout::new);
        let bin = today
            .as_ref()
            .and_then(|today| today.bin().canonicalize().ok());
        let is_todays = |place: &Path| {
            let is_bin = bin.is_some() && place.canonicalize().ok() == bin;
            let is_view_of = |today: &VenvLayout| place.starts_with(today.views());
            is_bin || today.as_ref().is_some_and(is_view_of)
        };
        let mut path = self.bin().into_os_string();
        for place in std::env::split_paths(rest).filter(|place| !is_todays(place)) {
            path.push(":");
            path.push(place);
        }
        path
    }
}

/// Puts `folder` first on the `PYTHONPATH` of a process that gets `variables`. An empty one has no entry: as one, it
/// would be the working folder.
pub fn put_first_on_python_path(variables: &mut Vec<(OsString, OsString)>, folder: &Path) {
    const NAME: &str = "PYTHONPATH";
    let mut path = folder.as_os_str().to_owned();
    if let Some(at) = variables.iter().position(|(name, _)| name == NAME) {
        let (_, inherited) = variables.swap_remove(at);
        if !inherited.is_empty() {
            path.push(":");
            path.push(inherited);
        }
    }
    variables.push((NAME.into(), path));
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn a_view_has_none_of_todays_programs_and_commands_in_it_mean_todays_environment() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let today = VenvLayout::new(dir.path());
        let view = today.views().join("g1-0");
        for root in [today.root(), &view] {
            std::fs::create_dir_all(root.join(VenvLayout::BIN)).expect("folder");
            std::fs::write(root.join(VenvLayout::PYVENV_CFG), "").expect("write");
        }
        let other = today.views().join("g2-0").join(VenvLayout::BIN);
        let inherited = [today.bin(), other, "/usr/bin".into(), today.root().into()];
        let inherited = std::env::join_paths(&inherited).expect("a path");
        let venv = Venv::open(&view).expect("an environment");
        let expected = [venv.bin(), "/usr/bin".into(), today.root().into()];
        let expected = std::env::join_paths(&expected).expect("a path");
        assert_eq!(venv.first_on_path(Some(&inherited)), expected);
        let usual = [venv.bin(), USUAL_PATH.into()].map(PathBuf::into_os_string);
        assert_eq!(venv.first_on_path(None), usual.join(OsStr::new(":")));

        let host = Host::fake(["x"]).with_var("VIRTUAL_ENV", &view);
        let active = Venv::active(&host).expect("an environment");
        assert_eq!(active.root(), today.root());
        assert_eq!(VenvLayout::viewed(&view), Some(today.root()));
        assert_eq!(VenvLayout::viewed(today.root()), None);
    }

    #[test]
    fn a_path_that_is_there_stays_as_it_is() {
        for (inherited, expected) in [
            (None, "/l"),
            (Some(""), "/l"),
            (Some("/a"), "/l:/a"),
            (Some(":/a:"), "/l::/a:"),
        ] {
            let inherited = inherited.map(|path| ("PYTHONPATH".into(), path.into()));
            let mut variables: Vec<_> = inherited.into_iter().collect();
            put_first_on_python_path(&mut variables, Path::new("/l"));
            assert_eq!(variables, [("PYTHONPATH".into(), expected.into())]);
        }
    }
}
