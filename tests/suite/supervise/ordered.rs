//! Commands that a project orders in `.aim.toml`: run by the daemon, once the person allowed them.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::site::{Supervised, install, is_there, kill};
use crate::place::wait_until;
use crate::sandbox::Sandbox;

/// Appends a line at each start, and goes on.
const SCRIPT: &str = "\
import os, sys, time
try:
    import greeting
    has = greeting.VERSION
except ImportError:
    has = 'none'
print('began', os.getpid(), has, *sys.argv[1:], flush=True)
if 'ends' in sys.argv:
    sys.exit(3)
if 'deaf' in sys.argv:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('deaf', flush=True)
while True:
    time.sleep(60)
";

fn orders(sandbox: &Sandbox, text: &str) {
    sandbox.write("serve.py", SCRIPT);
    sandbox.write(".aim.toml", text);
}

fn allow(sandbox: &Sandbox) {
    sandbox.run("aim-venv-sync", ["allow", "--yes"]).ok();
}

/// What the command `web` said.
fn said(sandbox: &Sandbox) -> String {
    let log = sandbox.venv().join(".aim/supervised/web.log");
    fs::read_to_string(log).unwrap_or_default()
}

/// The processes that `web` has begun.
fn begun(sandbox: &Sandbox) -> Vec<u32> {
    let said = said(sandbox);
    let lines = said.lines().filter_map(|line| line.strip_prefix("began "));
    let pids = lines.filter_map(|rest| rest.split(' ').next()?.parse().ok());
    pids.collect()
}

/// Waits until `web` was begun so often; gives its last process.
fn begins(sandbox: &Sandbox, times: usize) -> u32 {
    wait_until("the command begins", || begun(sandbox).len() >= times);
    let begun = begun(sandbox);
    assert_eq!(begun.len(), times, "{}", said(sandbox));
    begun[times - 1]
}

fn ends(pid: u32) {
    wait_until("the command ends", || !is_there(pid));
}

const WEB: &str = "[supervise.web]\ncommand = \"python serve.py\"\ngrace = 2\n";

#[test]
fn what_is_ordered_runs_once_it_is_allowed_and_until_the_daemon_stops() {
    let sandbox = Sandbox::ready();
    orders(&sandbox, WEB);
    let daemon = sandbox.daemon();
    let status = sandbox.run("aim-venv-sync", ["status"]).ok();
    status.says("web: not run before `aim-venv-sync allow`");
    let doctor = sandbox.run("aim-venv-sync", ["doctor"]);
    doctor.says("aim-venv-sync allow");
    let shown = sandbox.run("aim-venv-sync", ["allow", "--dry-run"]).ok();
    shown.says("web: python serve.py (--grace=2)");
    // Nobody can be asked here.
    sandbox
        .run("aim-venv-sync", ["allow"])
        .exits(2)
        .warns("--yes");
    assert_eq!(said(&sandbox), "");
    let allowed = sandbox.run("aim-venv-sync", ["allow", "--yes", "--json"]);
    assert_eq!(
        allowed.ok().json()["orders"]["supervised"][0]["name"],
        "web"
    );
    let first = begins(&sandbox, 1);
    install(&sandbox, "1.0", "one");
    let second = begins(&sandbox, 2);
    ends(first);
    assert!(said(&sandbox).contains(" one"), "{}", said(&sandbox));
    wait_until("it is told", || said(&sandbox).contains("web restarted in"));
    sandbox.run("aim-worker", ["list"]).ok().says("web ");
    sandbox
        .run("aim-worker", ["logs", "web"])
        .ok()
        .says("web restarted in");
    let last = sandbox.run("aim-worker", ["logs", "web", "-n", "1"]).ok();
    assert_eq!(last.stdout().lines().count(), 1, "{last:?}");
    sandbox
        .run("aim-worker", ["logs", "wep"])
        .exits(4)
        .warns("did you mean web?");
    sandbox.run("aim-worker", ["restart", "web"]).ok();
    let third = begins(&sandbox, 3);
    ends(second);
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("web: allowed");
    let (code, log) = daemon.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!is_there(third), "{log}");
}

#[test]
fn another_order_is_not_run_before_it_is_allowed_and_nothing_when_that_is_taken_back() {
    let sandbox = Sandbox::ready();
    orders(&sandbox, WEB);
    let _daemon = sandbox.daemon();
    allow(&sandbox);
    let first = begins(&sandbox, 1);
    let changed = WEB.replace("serve.py", "serve.py other");
    sandbox.write(".aim.toml", &changed);
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("changed since it was allowed");
    // What is no order asks for nothing.
    sandbox.write(".aim.toml", &format!("# hello\nguide = false\n{WEB}"));
    sandbox
        .run("aim-venv-sync", ["status"])
        .ok()
        .says("web: allowed");
    sandbox.write(".aim.toml", &changed);
    assert!(is_there(first));
    assert_eq!(begun(&sandbox).len(), 1);
    allow(&sandbox);
    let second = begins(&sandbox, 2);
    ends(first);
    assert!(said(&sandbox).contains(" other"), "{}", said(&sandbox));
    sandbox.run("aim-venv-sync", ["allow", "--remove"]).ok();
    ends(second);
    allow(&sandbox);
    let third = begins(&sandbox, 3);
    sandbox.run("aim-venv-sync", ["disable"]).ok();
    ends(third);
    sandbox.run("aim-venv-sync", ["enable"]).ok();
    let fourth = begins(&sandbox, 4);
    sandbox.write(".aim.toml", "");
    ends(fourth);
}

#[test]
fn a_daemon_that_moves_or_is_killed_leaves_commands_to_the_next() {
    let sandbox = Sandbox::ready();
    orders(&sandbox, WEB);
    let mut daemon = sandbox.daemon();
    allow(&sandbox);
    let pid = begins(&sandbox, 1);
    sandbox.run("aim-backend", ["restart"]).ok();
    daemon.kill();
    assert!(is_there(pid));
    drop(daemon);
    let daemon = sandbox.daemon();
    // It is looked after again.
    kill(pid, "KILL");
    let second = begins(&sandbox, 2);
    let (_, log) = daemon.terminate();
    assert!(!is_there(second), "{log}");
}

#[test]
fn one_that_is_restarted_after_a_move_is_a_child_that_is_waited_for() {
    let sandbox = Sandbox::ready();
    orders(&sandbox, WEB);
    let daemon = sandbox.daemon();
    allow(&sandbox);
    let pid = begins(&sandbox, 1);
    sandbox.run("aim-backend", ["restart"]).ok();
    assert!(is_there(pid));
    kill(pid, "KILL");
    let second = begins(&sandbox, 2);
    let (code, log) = daemon.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!is_there(second), "{log}");
}

#[test]
fn one_that_ends_at_once_or_does_not_end_holds_nobody_up() {
    let sandbox = Sandbox::ready();
    orders(&sandbox, &WEB.replace("serve.py", "serve.py ends"));
    let daemon = sandbox.daemon();
    allow(&sandbox);
    let since = std::time::Instant::now();
    wait_until("it was begun again", || begun(&sandbox).len() >= 5);
    // Pauses of 10, 20, 40 and 80 ms, and never without.
    let elapsed = since.elapsed();
    let most = 6 + usize::try_from(elapsed.as_millis().ilog2()).expect("few");
    assert!(begun(&sandbox).len() <= most, "{elapsed:?}");
    orders(&sandbox, &WEB.replace("serve.py", "serve.py deaf"));
    allow(&sandbox);
    wait_until("it is deaf", || said(&sandbox).contains("\ndeaf"));
    let pid = *begun(&sandbox).last().expect("begun");
    let (code, log) = daemon.terminate();
    assert_eq!(code, Some(0), "{log}");
    assert!(!is_there(pid), "{log}");
}

#[test]
fn a_name_that_somebody_has_and_a_link_as_log_harm_nobody() {
    let sandbox = Sandbox::ready();
    let secret = sandbox.root().join("secret");
    fs::write(&secret, "mine").expect("written");
    let by_hand = Supervised::script(&sandbox, &["--name", "web"], &[]);
    symlink(&secret, sandbox.venv().join(".aim/supervised/web.log")).expect("link");
    sandbox.write("other.py", SCRIPT);
    sandbox.write(".aim.toml", &WEB.replace("serve.py", "other.py"));
    let daemon = sandbox.daemon();
    allow(&sandbox);
    sandbox.run("aim-worker", ["logs", "web"]).exits(4);
    assert_eq!(by_hand.begun().len(), 1);
    by_hand.stop();
    let pid = begins(&sandbox, 1);
    assert_eq!(fs::read_to_string(&secret).expect("there"), "mine");
    // The project vanishes.
    fs::rename(sandbox.project(), sandbox.root().join("away")).expect("moved");
    ends(pid);
    let (_, log) = daemon.terminate();
    assert!(log.contains("by hand"), "{log}");
}

#[test]
fn hostile_orders_are_told_and_nothing_of_them_runs() {
    let sandbox = Sandbox::ready();
    let many: Vec<String> = (0..1000)
        .map(|n| format!("[supervise.n{n}]\ncommand = \"touch ran\"\n"))
        .collect();
    let many = many.concat();
    let _daemon = sandbox.daemon();
    for text in [
        "[supervise.\"../x\"]\ncommand = \"touch ran\"\n",
        "[supervise.\"a/b\"]\ncommand = \"touch ran\"\n",
        "[supervise.x]\ncommand = \"\"\n",
        "[supervise.x]\ncommand = [\"touch\", \"ran\\u0000\"]\n",
        &many,
    ] {
        sandbox.write(".aim.toml", text);
        sandbox
            .run("aim-venv-sync", ["allow", "--yes"])
            .exits(1)
            .warns(".aim.toml:");
        sandbox
            .run("aim-venv-sync", ["config"])
            .ok()
            .warns(".aim.toml:");
        sandbox.pip_works();
    }
    assert!(!sandbox.project().join("ran").exists());
    let left = Command::new("ls").arg(sandbox.venv().join(".aim")).output();
    let left = String::from_utf8(left.expect("listed").stdout).expect("text");
    assert!(!left.contains("supervised"), "{left}");
}
