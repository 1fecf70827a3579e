//! `aim-venv-sync doctor`: every part is looked at, one line each, with what to type where one is wrong.
//!
//! A check that finds something *odd* (no daemon, a switched-off shim) is no failure; only something *wrong* makes the
//! exit status 1. Nothing is mended here, but for what `--clean` removes: what mends it stands beside it.

mod check;
mod environment;
mod history;
mod requirements;
mod set_aside;
mod surroundings;

use self::check::{Check, Rating};
use super::DoctorArgs;
use super::ground::Ground;
use crate::console::{Console, style, width};
use crate::error::{Exit, Result};
use crate::words::t;

/// Checks everything.
pub(super) fn doctor(ground: &Ground<'_>, args: DoctorArgs, console: &mut Console) -> Result<Exit> {
    if args.clean {
        set_aside::clean(ground, console)?;
    }
    let mut checks = environment::checks(ground);
    checks.extend(requirements::checks(ground));
    checks.extend(set_aside::check(ground));
    checks.extend(history::checks(ground));
    checks.extend(surroundings::checks(ground, console));
    let wrong = count(&checks, Rating::Wrong);
    if console.is_json() {
        let healthy = wrong == 0;
        console.json(&serde_json::json!({ "healthy": healthy, "checks": checks }))?;
    } else {
        print(&checks, console)?;
    }
    Ok(if wrong == 0 { Exit::Done } else { Exit::Failed })
}

fn count(checks: &[Check], outcome: Rating) -> usize {
    let of = checks.iter().filter(|check| check.outcome == outcome);
    of.count()
}

fn print(checks: &[Check], console: &mut Console) -> Result<()> {
    for check in checks {
        let sign = match check.outcome {
            Rating::Good if console.is_quiet() => continue,
            Rating::Good => style::paint(style::GOOD, "✓"),
            Rating::Odd => style::paint(style::ODD, "!"),
            Rating::Wrong => style::paint(style::BAD, "✗"),
        };
        let room = console
            .width()
            .map_or(usize::MAX, |width| width.saturating_sub(2));
        let message = width::wrapped(&check.message, room).join("\n  ");
        console.line(format!("{sign} {message}"))?;
        if let Some(remedy) = &check.remedy {
            console.line(format!("    → {}", style::paint(style::NAME, remedy)))?;
        }
    }
    let (wrong, odd) = (count(checks, Rating::Wrong), count(checks, Rating::Odd));
    console.note(match (wrong, odd) {
        (0, 0) => t!("venv_sync.doctor.all_good"),
        (0, odd) => t!("venv_sync.doctor.some_odd", odd = odd),
        (wrong, odd) => t!("venv_sync.doctor.some_wrong", wrong = wrong, odd = odd),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{CommonArgs, testing};
    use crate::host::Host;
    use crate::project::Project;

    /// A project whose environment has no interpreter, on a host without anything.
    fn broken() -> (tempfile::TempDir, Host, Project) {
        let dir = tempfile::tempdir().expect("temporary folder");
        let root = dir.path().canonicalize().expect("resolved");
        std::fs::create_dir_all(root.join(".venv/bin")).expect("folders");
        std::fs::write(root.join(".venv/pyvenv.cfg"), "version = 3.11.7\n").expect("write");
        let host = Host::fake(["aim-venv-sync"])
            .with_cwd(&root)
            .with_var("AIM_SOCKET", root.join("s.sock"))
            .with_var("XDG_CONFIG_HOME", &root)
            .with_var("XDG_STATE_HOME", &root);
        let project = Project::at(&root).expect("a project");
        (dir, host, project)
    }

    fn unheard() -> Console {
        testing::console(&CommonArgs::default()).0
    }

    fn all(ground: &Ground<'_>) -> Vec<Check> {
        let mut checks = environment::checks(ground);
        checks.extend(history::checks(ground));
        checks.extend(surroundings::checks(ground, &unheard()));
        checks
    }

    fn outcome(checks: &[Check], name: &str) -> Rating {
        let found = checks.iter().find(|check| check.name == name);
        found.expect(name).outcome
    }

    #[test]
    fn what_is_wrong_has_a_remedy() {
        let (_dir, host, project) = broken();
        let checks = all(&Ground::of(&host, project));
        assert_eq!(outcome(&checks, "python"), Rating::Wrong);
        assert_eq!(outcome(&checks, "env-meta"), Rating::Odd);
        assert_eq!(outcome(&checks, "daemon"), Rating::Odd);
        assert_eq!(outcome(&checks, "settings"), Rating::Good);
        for check in checks {
            assert!(
                check.outcome != Rating::Wrong || check.remedy.is_some(),
                "{check:?}"
            );
        }
    }

    #[test]
    fn every_place_of_the_socket_is_looked_at_until_it_is_found() {
        use std::os::unix::net::UnixListener;

        use crate::api::DaemonNote;

        let (dir, host, project) = broken();
        let root = dir.path().canonicalize().expect("resolved");
        let (noted, usual) = (root.join("noted"), root.join("s.sock"));
        let daemon = UnixListener::bind(&noted).expect("bind");
        let note = project.venv().layout().daemon();
        std::fs::create_dir(note.parent().expect("a folder")).expect("folder");
        let text = DaemonNote::here(noted.clone()).to_text();
        std::fs::write(note, text).expect("write");
        std::fs::write(&usual, "in the way").expect("write");
        let check = |outcome: Rating, socket: &std::path::Path| {
            let checks = surroundings::checks(&Ground::of(&host, project.clone()), &unheard());
            let mut checks = checks.into_iter().filter(|check| check.name == "socket");
            let (found, other) = (checks.next().expect("a check"), checks.next());
            assert_eq!((found.outcome, other), (outcome, None), "{found:?}");
            assert!(
                found.message.contains(&*socket.to_string_lossy()),
                "{found:?}"
            );
        };
        check(Rating::Good, &noted);
        drop(daemon);
        check(Rating::Wrong, &usual);
        std::fs::remove_file(&usual).expect("removed");
        check(Rating::Good, &noted);
    }

    #[test]
    fn doctor_writes_nothing() {
        let (dir, host, project) = broken();
        let list = || {
            let mut names: Vec<_> = walkdir::WalkDir::new(dir.path())
                .into_iter()
                .map(|entry| entry.expect("entry").into_path())
                .collect();
            names.sort();
            names
        };
        let before = list();
        all(&Ground::of(&host, project));
        assert_eq!(list(), before);
    }

    #[test]
    fn broken_settings_and_records_are_named() {
        let (dir, host, project) = broken();
        std::fs::write(dir.path().join(".aim.toml"), "enabled = maybe").expect("write");
        std::fs::write(dir.path().join("env_meta.json"), "{").expect("write");
        let checks = all(&Ground::of(&host, project));
        assert_eq!(outcome(&checks, "settings"), Rating::Wrong);
        assert_eq!(outcome(&checks, "env-meta"), Rating::Wrong);
    }
}
