//! Every environment variable that the toolkit reads or sets, in one place.
//!
//! `docs/environment.md` is made from [`ALL`], and a test compares the two. Variables of others (`VIRTUAL_ENV`,
//! `XDG_RUNTIME_DIR`, `NO_COLOR`, the locale) are read where they are needed and listed here too, so that a
//! reader finds all that can change the toolkit's behaviour. None of ours is ever named `PIP_*`: pip would
//! take it for a setting of its own.

/// Runs pip as if the toolkit were absent, for one call. Any value but empty, `0`, `false`, `no` or `off` counts.
pub const BYPASS: &str = "AIM_PIP_BYPASS";
/// Set by the shim for pip and all its descendants: a shim or hook that sees it steps aside.
pub const GUARD: &str = "AIM_PIP_GUARD";
/// How many seconds a changing command waits for another one in the same environment; `0` does not lock.
pub const LOCK_TIMEOUT: &str = "AIM_PIP_LOCK_TIMEOUT";
/// `false` switches the shim off without removing it (configuration key `enabled`).
pub const ENABLED: &str = "AIM_ENABLED";
/// Path of the daemon's socket.
pub const SOCKET: &str = "AIM_SOCKET";
/// Token for the daemon's TCP listener, instead of a random one.
pub const TOKEN: &str = "AIM_TOKEN";
/// Language of messages: `en` or `ko`. Without it the locale decides.
pub const LANG: &str = "AIM_LANG";
/// What the daemon logs, in the syntax of `tracing` (`info`, `aim_toolkit=debug`, …).
pub const LOG: &str = "AIM_LOG";
/// Keep at most this many runs in a project's history (configuration key `retention.runs`).
pub const RETENTION_RUNS: &str = "AIM_RETENTION_RUNS";
/// Keep runs at most this many days (configuration key `retention.days`).
pub const RETENTION_DAYS: &str = "AIM_RETENTION_DAYS";
/// Keep at most this many MiB of run logs a project (configuration key `retention.mib`).
pub const RETENTION_MIB: &str = "AIM_RETENTION_MIB";
/// Set for a worker: whatever its nodes leave behind is known by it, and ended with the worker.
pub const WORKER_MARK: &str = "AIM_WORKER_MARK";

/// One documented variable.
#[derive(Debug, Clone, Copy)]
pub struct EnvVar {
    /// Its name.
    pub name: &'static str,
    /// One sentence for the reference page.
    pub purpose: &'static str,
}

/// Every variable, in the order of the reference page.
pub const ALL: &[EnvVar] = &[
    EnvVar {
        name: BYPASS,
        purpose: "Run pip as if the toolkit were absent, for one call.",
    },
    EnvVar {
        name: ENABLED,
        purpose: "`false` switches the shim off without removing it.",
    },
    EnvVar {
        name: LOCK_TIMEOUT,
        purpose: "Seconds that a changing pip command waits for another one in the same environment (600); `0` does not lock.",
    },
    EnvVar {
        name: SOCKET,
        purpose: "Path of the daemon's socket.",
    },
    EnvVar {
        name: TOKEN,
        purpose: "Token for the daemon's TCP listener, instead of a random one.",
    },
    EnvVar {
        name: LANG,
        purpose: "Language of messages, `en` or `ko`; without it the locale decides.",
    },
    EnvVar {
        name: LOG,
        purpose: "What the daemon logs, for example `info` or `aim_toolkit=debug`.",
    },
    EnvVar {
        name: RETENTION_RUNS,
        purpose: "Runs kept in a project's history (200).",
    },
    EnvVar {
        name: RETENTION_DAYS,
        purpose: "Days that runs are kept (90).",
    },
    EnvVar {
        name: RETENTION_MIB,
        purpose: "MiB of run logs kept per project (256).",
    },
    EnvVar {
        name: GUARD,
        purpose: "Set for pip and its descendants, so that pip's own nested calls are left alone. Not meant to be set by hand.",
    },
    EnvVar {
        name: WORKER_MARK,
        purpose: "Set for a worker and what its nodes start, which ends with it. A program that is to stay is started without it, in a session of its own.",
    },
    EnvVar {
        name: "VIRTUAL_ENV",
        purpose: "The active environment; read when the working folder has no project.",
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
        purpose: "`CLICOLOR=0` switches colours off, `CLICOLOR_FORCE=1` on where there is no terminal (bixense.com/clicolors).",
    },
    EnvVar {
        name: "LC_ALL, LC_MESSAGES, LANG",
        purpose: "The locale, when `AIM_LANG` is not set.",
    },
];

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
        assert!(ALL.iter().all(|var| !var.name.starts_with("PIP_")));
    }
}
