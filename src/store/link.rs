//! A `.pip-logs` that is a link: the one link below a project that may be followed, where the person said so.
//!
//! A cloned repository can bring a link of that name to any place, and git makes it the person's own. So the owner of
//! the link tells little; what counts is that exactly this link was allowed with `aim-venv-sync allow`, which is
//! written down in the person's own folder, where no repository comes (`docs/decisions/0010-no-link-is-followed.md`).

use std::io;
use std::path::{Path, PathBuf};

use super::allowed::Allowed;
use crate::files::{Folder, is_superuser};
use crate::project::{LOGS, ProjectLayout};

/// A link in the place of the folder of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where the link is.
    pub path: PathBuf,
    /// The project's folder, resolved.
    pub project: PathBuf,
    /// The folder that it leads to, resolved; as the link has it where there is none.
    pub target: PathBuf,
    /// Whether the link was made by who runs (or the superuser) in a project of theirs.
    is_own: bool,
}

/// Why a link is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkRefused {
    /// Nobody allowed it.
    #[error("{} is a link to {}, which was not allowed", .link.display(), .target.display())]
    NotAllowed {
        /// The link.
        link: PathBuf,
        /// What it leads to.
        target: PathBuf,
    },
    /// It, or what it leads to, is another user's, or there is no folder.
    #[error("{} is a link to {}, which is no folder of yours", .link.display(), .target.display())]
    NotYours {
        /// The link.
        link: PathBuf,
        /// What it leads to.
        target: PathBuf,
    },
}

impl LinkRefused {
    /// For the link at `link` to a `target` of another user.
    pub(super) fn strangers(link: &Path, target: PathBuf) -> Self {
        Self::NotYours {
            link: link.to_path_buf(),
            target,
        }
    }

    /// The refusal that `error` tells of, if it is one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }

    /// Whether it can be allowed.
    pub fn can_be_allowed(&self) -> bool {
        matches!(self, Self::NotAllowed { .. })
    }
}

impl From<LinkRefused> for io::Error {
    fn from(refused: LinkRefused) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, refused)
    }
}

impl Link {
    /// The link in the place of the folder of logs of the project in `layout`; none where there is no link.
    pub fn at(layout: &ProjectLayout) -> Option<Self> {
        let project = Folder::open(layout.keeper()).ok()?;
        let is_link = project.found(LOGS).ok()?.is_link;
        is_link.then(|| Self::of(layout, &project).ok()).flatten()
    }

    /// The link in `project`, the folder of `layout`.
    pub(super) fn of(layout: &ProjectLayout, project: &Folder) -> io::Result<Self> {
        let (me, owner) = (
            rustix::process::geteuid().as_raw(),
            project.found(LOGS)?.owner,
        );
        // In another person's project the superuser would do what that person cannot.
        let may_be = !is_superuser() || project.owner()? == me;
        let path = layout.logs();
        Ok(Self {
            target: match path.canonicalize() {
                Ok(target) => target,
                Err(_) => project.read_link(LOGS)?,
            },
            project: layout.keeper().canonicalize()?,
            path,
            is_own: may_be && (owner == me || owner == 0),
        })
    }

    /// Whether it could be followed, were it allowed: it and the folder that it leads to are the person's own.
    pub fn is_yours(&self) -> bool {
        self.open().is_ok()
    }

    /// Whether it was allowed.
    pub fn is_allowed(&self) -> bool {
        Allowed::chosen().is_some_and(|allowed| allowed.holds(&self.project, &self.target))
    }

    /// Why it is not followed now; none where it is.
    pub fn refused(&self) -> Option<LinkRefused> {
        let error = self.clone().follow().err()?;
        Some(
            LinkRefused::of(&error)
                .cloned()
                .unwrap_or_else(|| self.not_yours()),
        )
    }

    /// The folder that it leads to, if it may be followed.
    pub(super) fn follow(self) -> io::Result<Folder> {
        let folder = self.open()?;
        if self.is_allowed() {
            return Ok(folder);
        }
        Err(LinkRefused::NotAllowed {
            link: self.path,
            target: self.target,
        }
        .into())
    }

    fn open(&self) -> io::Result<Folder> {
        let folder = Folder::open(&self.target).map_err(|_| self.not_yours())?;
        if self.is_own && folder.owner()? == rustix::process::geteuid().as_raw() {
            return Ok(folder);
        }
        Err(self.not_yours().into())
    }

    fn not_yours(&self) -> LinkRefused {
        LinkRefused::strangers(&self.path, self.target.clone())
    }
}
