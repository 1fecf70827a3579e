//! pip's options, from 19 to 26: which take a value, and which matter to us.
//!
//! A word after `--prefix` is a folder, a word after `--pre` a distribution: without this table a command line cannot
//! be read. Names come from pip's own documentation of each version; when two versions disagree, none is listed here.

/// What an option means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OptionMeaning {
    /// Nothing, and it takes no value.
    Flag,
    /// Nothing, and it takes a value.
    Value,
    /// pip prints its help and leaves.
    Help,
    /// pip prints its version and leaves, when it stands before the command.
    Version,
    /// pip only says what it would do.
    DryRun,
    /// Flag: the installation goes elsewhere.
    ElsewhereFlag,
    /// Value: the installation goes elsewhere.
    Elsewhere,
    /// Value: the interpreter whose environment is meant.
    Python,
    /// Value: something to install (`-r FILE`, `-e PATH`).
    Requirement,
}

impl OptionMeaning {
    pub(super) fn takes_value(self) -> bool {
        matches!(
            self,
            Self::Value | Self::Elsewhere | Self::Python | Self::Requirement
        )
    }
}

use OptionMeaning::{
    DryRun, Elsewhere, ElsewhereFlag, Flag, Help, Python, Requirement, Value, Version,
};

/// Options that stand before the command or after it.
pub(super) const GENERAL: &[(&str, OptionMeaning)] = &[
    ("-h", Help),
    ("--help", Help),
    ("--debug", Flag),
    ("--isolated", Flag),
    ("--require-virtualenv", Flag),
    ("--require-venv", Flag),
    ("--python", Python),
    ("-v", Flag),
    ("--verbose", Flag),
    ("-V", Version),
    ("--version", Version),
    ("-q", Flag),
    ("--quiet", Flag),
    ("--log", Value),
    ("--log-file", Value),
    ("--local-log", Value),
    ("--no-input", Flag),
    ("--keyring-provider", Value),
    ("--proxy", Value),
    ("--no-proxy-env", Flag),
    ("--retries", Value),
    ("--timeout", Value),
    ("--default-timeout", Value),
    ("--exists-action", Value),
    ("--trusted-host", Value),
    ("--cert", Value),
    ("--client-cert", Value),
    ("--cache-dir", Value),
    ("--no-cache-dir", Flag),
    ("--disable-pip-version-check", Flag),
    ("--no-color", Flag),
    ("--no-python-version-warning", Flag),
    ("--use-feature", Value),
    ("--use-deprecated", Value),
    ("--resume-retries", Value),
    ("--skip-requirements-regex", Value),
];

/// Options of `install` and `uninstall`.
pub(super) const INSTALL: &[(&str, OptionMeaning)] = &[
    ("-r", Requirement),
    ("--requirement", Requirement),
    ("--requirements", Requirement),
    ("--requirements-from-script", Requirement),
    ("--group", Requirement),
    ("-e", Requirement),
    ("--editable", Requirement),
    ("-c", Value),
    ("--constraint", Value),
    ("--constraints", Value),
    ("--build-constraint", Value),
    ("--build-constraints", Value),
    ("--dry-run", DryRun),
    ("-t", Elsewhere),
    ("--target", Elsewhere),
    ("--user", ElsewhereFlag),
    ("--no-user", Flag),
    ("--root", Elsewhere),
    ("--prefix", Elsewhere),
    ("--platform", Value),
    ("--python-version", Value),
    ("--implementation", Value),
    ("--abi", Value),
    ("-b", Value),
    ("--build", Value),
    ("--build-dir", Value),
    ("--build-directory", Value),
    ("--src", Value),
    ("--source", Value),
    ("--source-dir", Value),
    ("--source-directory", Value),
    ("-U", Flag),
    ("--upgrade", Flag),
    ("--upgrade-strategy", Value),
    ("--force-reinstall", Flag),
    ("-I", Flag),
    ("--ignore-installed", Flag),
    ("--ignore-requires-python", Flag),
    ("--no-build-isolation", Flag),
    ("--build-isolation", Flag),
    ("--use-pep517", Flag),
    ("--no-use-pep517", Flag),
    ("--check-build-dependencies", Flag),
    ("--override-externally-managed", Flag),
    ("--break-system-packages", Flag),
    ("--install-option", Value),
    ("--global-option", Value),
    ("-C", Value),
    ("--config-setting", Value),
    ("--config-settings", Value),
    ("--compile", Flag),
    ("--no-compile", Flag),
    ("--no-warn-script-location", Flag),
    ("--warn-script-location", Flag),
    ("--no-warn-conflicts", Flag),
    ("--warn-conflicts", Flag),
    ("--no-binary", Value),
    ("--only-binary", Value),
    ("--prefer-binary", Flag),
    ("--require-hashes", Flag),
    ("--no-require-hashes", Flag),
    ("--progress-bar", Value),
    ("--root-user-action", Value),
    ("--report", Value),
    ("--no-clean", Flag),
    ("-i", Value),
    ("--index-url", Value),
    ("--pypi-url", Value),
    ("--extra-index-url", Value),
    ("--no-index", Flag),
    ("-f", Value),
    ("--find-links", Value),
    ("--process-dependency-links", Flag),
    ("--pre", Flag),
    ("--all-releases", Value),
    ("--only-final", Value),
    ("--uploaded-prior-to", Value),
    ("--refresh-package", Value),
    ("--no-deps", Flag),
    ("--no-dependencies", Flag),
    ("--only-deps", Flag),
    ("--only-dependencies", Flag),
    ("--egg", Flag),
    ("-y", Flag),
    ("--yes", Flag),
];

/// What the option `name` (`-r`, `--requirement`, or as much of it as tells it apart) means in the tables given; none
/// when it is unknown or could be several that differ.
pub(super) fn meaning(name: &str, tables: &[&[(&str, OptionMeaning)]]) -> Option<OptionMeaning> {
    let all = || tables.iter().copied().flatten();
    if let Some((_, meaning)) = all().find(|(option, _)| *option == name) {
        return Some(*meaning);
    }
    // optparse takes any unambiguous beginning of a long option.
    if name.len() < 3 || !name.starts_with("--") {
        return None;
    }
    let mut candidates = all()
        .filter(|(option, _)| option.starts_with(name))
        .map(|(_, meaning)| *meaning);
    let first = candidates.next()?;
    candidates.all(|other| other == first).then_some(first)
}
