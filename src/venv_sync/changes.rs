//! A difference in lines for people, a distribution each.

use crate::console::style;
use crate::console::table::Cell;
use crate::inventory::{Change, Diff, StartupChange, StartupChangeKind};
use crate::terminal::printable;
use crate::words::t;

/// `+ six 1.16.0`, `- toml 0.10.2`, `~ rich 13.0 → 13.7`: added, removed, changed. Startup files come last:
/// `~ easy-install.pth (startup file)`.
pub(super) fn lines(diff: &Diff) -> Vec<String> {
    let added = diff
        .added
        .iter()
        .map(|change| line(style::GOOD, "+", change));
    let removed = diff
        .removed
        .iter()
        .map(|change| line(style::BAD, "-", change));
    let changed = diff
        .changed
        .iter()
        .map(|change| line(style::ODD, "~", change));
    let startup = diff.startup.iter().map(startup);
    added.chain(removed).chain(changed).chain(startup).collect()
}

/// `1 distribution`, `12 distributions`.
pub(super) fn distributions(count: usize) -> String {
    match count {
        1 => t!("venv_sync.one_distribution"),
        count => t!("venv_sync.distributions", count = count),
    }
    .into_owned()
}

/// The sign of what happened to a startup file, and its colour.
pub(super) fn sign(change: StartupChangeKind) -> (anstyle::Style, &'static str) {
    match change {
        StartupChangeKind::Added => (style::GOOD, "+"),
        StartupChangeKind::Removed => (style::BAD, "-"),
        StartupChangeKind::Changed => (style::ODD, "~"),
    }
}

fn startup(file: &StartupChange) -> String {
    let (shade, sign) = sign(file.change);
    let words = t!("venv_sync.startup_file", name = printable(&file.name));
    Cell::from("  ")
        .and(shade, sign)
        .and(style::PLAIN, format!(" {words}"))
        .to_line()
}

fn line(shade: anstyle::Style, sign: &str, change: &Change) -> String {
    let versions = match (&change.from, &change.to) {
        (Some(from), Some(to)) if from == to => {
            t!("venv_sync.installed_again", version = to).into_owned()
        }
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (from, to) => to.clone().or_else(|| from.clone()).unwrap_or_default(),
    };
    Cell::from("  ")
        .and(shade, sign)
        .and(style::PLAIN, format!(" {} {versions}", change.shown_name()))
        .to_line()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Distribution, Snapshot};

    #[test]
    fn one_line_each() {
        let of = |all: &[(&str, &str)]| -> Snapshot {
            let all = all.iter();
            all.map(|(name, version)| Distribution::new(*name, *version))
                .collect()
        };
        let mut diff = of(&[("a", "1"), ("b", "1")]).diff_to(&of(&[("b", "2"), ("c", "3")]));
        diff.changed.push(Change {
            name: "d".into(),
            from: Some("4".into()),
            to: Some("4".into()),
        });
        diff.startup.push(StartupChange {
            name: "x.pth".into(),
            change: StartupChangeKind::Changed,
        });
        let text = lines(&diff).join("\n");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(
            plain,
            "  + c 3\n  - a 1\n  ~ b 1 → 2\n  ~ d 4 (installed again)\n  ~ x.pth (startup file)"
        );
    }
}
