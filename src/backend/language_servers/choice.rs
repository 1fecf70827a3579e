//! Which server a page gets: the environment's own copy first, then what is on `PATH` (compat, section 13).

use std::ffi::OsString;
use std::path::PathBuf;

use crate::host::Host;
use crate::project::{Config, Project, PythonServer};

/// What a page asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum Kind {
    /// A server that knows types; which one is a setting.
    Python,
    /// ruff.
    Ruff,
}

impl Kind {
    /// By its name in a path or a query; `pyright` is what older pages call the first.
    pub(in crate::backend) fn named(name: &str) -> Option<Self> {
        match name {
            "python" | "pyright" => Some(Self::Python),
            "ruff" => Some(Self::Ruff),
            _ => None,
        }
    }

    /// As AIM-Forge's pages call it.
    pub(in crate::backend) fn name(self) -> &'static str {
        match self {
            Self::Python => "pyright",
            Self::Ruff => "ruff",
        }
    }
}

const BASEDPYRIGHT: [&str; 2] = ["basedpyright-langserver", "--stdio"];
const PYRIGHT: [&str; 2] = ["pyright-langserver", "--stdio"];
const TY: [&str; 2] = ["ty", "server"];
const RUFF: [&str; 2] = ["ruff", "server"];

/// The command of the first that is there.
pub(super) fn command(
    kind: Kind,
    config: &Config,
    project: &Project,
    host: &Host,
) -> Result<Vec<OsString>, String> {
    let wanted: &[[&str; 2]] = match (kind, config.lsp_python.value) {
        (Kind::Ruff, _) => &[RUFF],
        (Kind::Python, PythonServer::Auto) => &[BASEDPYRIGHT, PYRIGHT, TY],
        (Kind::Python, PythonServer::Basedpyright) => &[BASEDPYRIGHT],
        (Kind::Python, PythonServer::Pyright) => &[PYRIGHT],
        (Kind::Python, PythonServer::Ty) => &[TY],
    };
    let own = |name: &str| Some(project.venv().script(name)).filter(|path| path.exists());
    let on_path = |name: &str| which::which_in(name, host.var_os("PATH"), "/").ok();
    let find = |look: &dyn Fn(&str) -> Option<PathBuf>| {
        let mut found = wanted
            .iter()
            .filter_map(|[name, arg]| Some((look(name)?, *arg)));
        found.next()
    };
    let found = find(&own).or_else(|| find(&on_path));
    let (program, arg) = found.ok_or_else(|| {
        let names: Vec<&str> = wanted.iter().map(|[name, _]| *name).collect();
        let package = match kind {
            Kind::Ruff => "ruff",
            Kind::Python => wanted[0][0].trim_end_matches("-langserver"),
        };
        format!(
            "no language server: {} is not there; `pip install {package}` brings one",
            names.join(", ")
        )
    })?;
    Ok(vec![program.into(), arg.into()])
}
