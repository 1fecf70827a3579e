//! Every environment variable that the toolkit reads or sets, in one place, but for those that override a setting: they
//! stand beside it, in the table of `project`.
//!
//! `docs/environment.md` is made from both, and a test compares. Variables of others (`VIRTUAL_ENV`, `XDG_RUNTIME_DIR`,
//! `NO_COLOR`, the locale) are read where they are needed and listed here too, so that a reader finds all that can
//! change the toolkit's behaviour. None of ours is ever named `PIP_*`: pip would take it for a setting of its own.

/// One documented variable.
#[derive(Debug, Clone, Copy)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// One sentence or two for the reference page.
    pub purpose: &'static str,
}

/// A line of documentation and a name for each variable: both the constant and its row in [`OURS`].
macro_rules! variables {
    ($( #[doc = $purpose:literal] $name:ident = $variable:literal; )*) => {
        $(
            #[doc = $purpose]
            pub const $name: &str = $variable;
        )*

        /// Our variables, in the order of the reference page.
        pub const OURS: &[EnvVar] = &[$( EnvVar { name: $name, purpose: $purpose.trim_ascii() } ),*];
    };
}

variables! {
    /// Run pip as if the toolkit were absent, for one call.
    BYPASS = "AIM_PIP_BYPASS";
    /// Path of the daemon's socket.
    SOCKET = "AIM_SOCKET";
    /// Token for the daemon's TCP listener, instead of a random one.
    TOKEN = "AIM_TOKEN";
    /// Language of messages, `en` or `ko`; without it the locale decides.
    LANG = "AIM_LANG";
    /// The pager for long output of `aim-logs`, before `PAGER`; empty for none.
    PAGER = "AIM_PAGER";
    /// What the daemon logs, for example `info` or `aim_toolkit=debug`.
    LOG = "AIM_LOG";
    /// Set for pip and its descendants, so that pip's own nested calls are left alone. Not meant to be set by hand.
    GUARD = "AIM_PIP_GUARD";
    /// Set by the completion of a shell, which asks a command what can be typed. Not meant to be set by hand.
    COMPLETE = "AIM_COMPLETE";
    /// Set by a daemon for the one that takes its place (`aim-backend restart`). Not meant to be set by hand.
    HANDED_OVER = "AIM_HANDED_OVER";
    /// Set in the daemon's terminals: the id of the session.
    TERMINAL = "AIM_TERMINAL";
    /// Set for what is run after a change (`[[after_change]]`): the environment's generation.
    GENERATION = "AIM_GENERATION";
    /// Set with it: the number of the last run, as `aim-logs show` takes it.
    RUN = "AIM_RUN";
    /// Set with it: the distributions that have changed, with spaces between them.
    CHANGED = "AIM_CHANGED";
    #[doc = " Set for a worker and what its nodes start, which ends with it. A program that is to stay is started \
        without it, in a session of its own."]
    WORKER_MARK = "AIM_WORKER_MARK";
}

/// Variables of others, in the order of the reference page.
pub const OTHERS: &[EnvVar] = &[
    EnvVar {
        name: "VIRTUAL_ENV",
        purpose: "The active environment; read when the working folder has no project.",
    },
    EnvVar {
        name: "PAGER",
        purpose: "The pager for long output, where `AIM_PAGER` says nothing; `less` where both are silent.",
    },
    EnvVar {
        name: "XDG_RUNTIME_DIR",
        purpose: "Folder under which the daemon's socket lives, if set.",
    },
    EnvVar {
        name: "NO_COLOR",
        purpose: "Any value switches colours off (no-color.org).",
    },
    EnvVar {
        name: "CLICOLOR, CLICOLOR_FORCE",
        purpose: "`CLICOLOR=0` switches colours off, `CLICOLOR_FORCE=1` on where there is no terminal \
            (bixense.com/clicolors).",
    },
    EnvVar {
        name: "LC_ALL, LC_MESSAGES, LANG",
        purpose: "The locale, when `AIM_LANG` is not set.",
    },
    EnvVar {
        name: "PYTHONUSERBASE, HOME",
        purpose: "Where a person's own packages are (`pip install --user`); they count in environments that let \
            them in.",
    },
    EnvVar {
        name: "PYTHONNOUSERSITE",
        purpose: "Given to the daemon, it keeps them out of its workers all the same.",
    },
];

/// Variables that our programs do not read, but the Python package does (docs/jupyter.md).
pub const OF_PYTHON: &[EnvVar] = &[EnvVar {
    name: "AIM_KERNEL_RESTART",
    purpose: "Read by the Python package alone: `idle` lets `aim-provisioner` restart Jupyter kernels that are out of \
        date while nothing runs in them, `never` (the default) does not.",
}];

/// Whether a variable's value means yes: anything but empty, `0`, `false`, `no` and `off`.
pub fn truthy(value: &str) -> bool {
    !matches!(
        value.trim().to_ascii_lowercase().as_str(),
        "" | "0" | "false" | "no" | "off"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truthy_values() {
        for yes in ["1", "true", "YES", "on", "anything"] {
            assert!(truthy(yes), "{yes}");
        }
        for no in ["", "0", "false", "No", "OFF", " "] {
            assert!(!truthy(no), "{no}");
        }
    }

    #[test]
    fn none_of_ours_looks_like_a_pip_setting() {
        assert!(OURS.iter().all(|var| !var.name.starts_with("PIP_")));
    }
}
