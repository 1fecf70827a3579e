//! What is run once after each change of the environment, by hand and as a project orders it.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

use super::site::{Supervised, install, is_there};
use crate::place::wait_until;
use crate::sandbox::Sandbox;

/// Appends a line at its beginning and one at its end to `ran`; what it does in between is its first argument.
const SCRIPT: &str = "\
echo \"began $$ $AIM_GENERATION $AIM_RUN [$AIM_CHANGED]\" >> ran
eval \"$1\"
status=$?
echo ended >> ran
exit $status
";

/// What was run so far.
fn ran(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.project().join("ran")).unwrap_or_default()
}

fn count(sandbox: &Sandbox, words: &str) -> usize {
    ran(sandbox)
        .lines()
        .filter(|line| line.starts_with(words))
        .count()
}

/// Waits until so many runs have ended, and that no other is begun.
#[track_caller]
fn runs(sandbox: &Sandbox, times: usize) {
    wait_until("it has run", || count(sandbox, "ended") >= times);
    waits(sandbox);
    assert_eq!(count(sandbox, "began"), times, "{}", ran(sandbox));
}

/// Waits until nothing runs: what says that it has ended has not yet.
fn waits(sandbox: &Sandbox) {
    wait_until("it waits", || {
        let listed = sandbox.run("aim-worker", ["list"]).stdout();
        listed.contains("waits for the next change")
    });
}

/// The script, run after changes, by hand.
fn by_hand(sandbox: &Sandbox, does: &str) -> Supervised {
    sandbox.write("after.sh", SCRIPT);
    let options = ["--after-change", "--name", "hook"];
    let this = Supervised::start(sandbox, &options, &["sh", "after.sh", does]);
    waits(sandbox);
    this
}

/// The script, as the project orders it.
fn ordered(sandbox: &Sandbox, does: &str) {
    sandbox.write("after.sh", SCRIPT);
    let line =
        format!("[[after_change]]\nname = \"hook\"\nrun = \"sh after.sh '{does}' || exit 3\"\n");
    sandbox.write(".aim.toml", &line);
    sandbox.run("aim-venv-sync", ["allow", "--yes"]).ok();
    let note = sandbox.venv().join(".aim/supervised/hook.json");
    wait_until("it is attended to", || note.exists());
}

#[test]
fn it_is_run_once_after_each_change_and_told_which() {
    let sandbox = Sandbox::ready();
    let hook = by_hand(&sandbox, "true");
    assert_eq!(ran(&sandbox), "");
    install(&sandbox, "1.0", "one");
    runs(&sandbox, 1);
    let number = sandbox.last_record()["number"].clone();
    let said = hook.says("aim: ", 1);
    let begins = format!("aim: +greeting 1.0 (#{number}) · hook ran in ");
    assert!(said.contains(&begins), "{said}");
    let told = format!("{} {number} [greeting]", sandbox.generation());
    assert!(ran(&sandbox).contains(&told), "{told} in {}", ran(&sandbox));
    // Nothing has changed.
    sandbox.pip(["install", "greeting"]).ok();
    install(&sandbox, "2.0", "two");
    runs(&sandbox, 2);
    // As somebody asks.
    let asked = sandbox.run("aim-worker", ["restart", "hook"]).ok();
    assert!(asked.stderr().contains("hook ran in "), "{asked:?}");
    runs(&sandbox, 3);
    assert!(ran(&sandbox).contains(" []\n"), "{}", ran(&sandbox));
    hook.send("TERM");
    assert_eq!(hook.ends().signal(), Some(15));
}

#[test]
fn one_that_fails_is_told_and_run_again_after_the_next_change() {
    let sandbox = Sandbox::ready();
    let hook = by_hand(&sandbox, "test ! -e fails");
    sandbox.write("fails", "");
    install(&sandbox, "1.0", "one");
    hook.says("hook failed after ", 1);
    let listed = sandbox.run("aim-worker", ["list"]).ok();
    listed.says("failed, waits for the next change: exit 1");
    let asked = sandbox.run("aim-worker", ["restart", "hook"]).exits(1);
    asked.warns("hook failed: exit 1");
    fs::remove_file(sandbox.project().join("fails")).expect("removed");
    install(&sandbox, "2.0", "two");
    hook.says("hook ran in ", 1);
    sandbox
        .run("aim-worker", ["list"])
        .ok()
        .says("waits for the next change");
    hook.send("INT");
    assert_eq!(hook.ends().signal(), Some(2));
}

#[test]
fn a_change_that_comes_meanwhile_is_followed_by_another_run() {
    let sandbox = Sandbox::ready();
    let hook = by_hand(&sandbox, "while [ -e wait ]; do sleep 0.05; done");
    sandbox.write("wait", "");
    install(&sandbox, "1.0", "one");
    wait_until("it runs", || count(&sandbox, "began") == 1);
    install(&sandbox, "2.0", "two");
    install(&sandbox, "3.0", "three");
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(count(&sandbox, "began"), 1, "never two at once");
    fs::remove_file(sandbox.project().join("wait")).expect("removed");
    runs(&sandbox, 2);
    let last = format!(" {} ", sandbox.generation());
    assert!(
        ran(&sandbox)
            .lines()
            .nth(2)
            .expect("a second run")
            .contains(&last)
    );
    hook.says("greeting 1.0 → 3.0", 1);
    hook.send("TERM");
    hook.ends();
}

#[test]
fn one_that_changes_the_environment_itself_does_not_run_without_an_end() {
    let sandbox = Sandbox::ready();
    let wheel = sandbox.wheel("greeting", "1.0").display().to_string();
    let again = format!("pip install -q --force-reinstall --no-index {wheel}");
    let hook = by_hand(&sandbox, &again);
    install(&sandbox, "0.5", "one");
    hook.says("hook seems to change the environment itself", 1);
    let since = Instant::now();
    let begun = count(&sandbox, "began");
    wait_until("it goes on", || count(&sandbox, "began") >= begun + 2);
    assert!(
        since.elapsed() >= Duration::from_secs(2),
        "{:?}",
        since.elapsed()
    );
    hook.send("TERM");
    hook.ends();
}

#[test]
fn a_project_has_it_run_and_no_change_is_missed() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    let shown = "hook: /bin/sh -c";
    sandbox.write(
        ".aim.toml",
        "[[after_change]]\nname = \"hook\"\nrun = \"sh after.sh true\"\n",
    );
    install(&sandbox, "0.1", "none");
    let status = sandbox.run("aim-venv-sync", ["status"]).ok();
    status.says("hook: not run before `aim-venv-sync allow`");
    sandbox
        .run("aim-venv-sync", ["allow", "--dry-run"])
        .ok()
        .says(shown);
    assert_eq!(ran(&sandbox), "");
    ordered(&sandbox, "true");
    install(&sandbox, "1.0", "one");
    runs(&sandbox, 1);
    wait_until("it is told", || {
        let said = sandbox.run("aim-worker", ["logs", "hook"]).ok();
        said.stdout().contains("hook ran in")
    });
    // Another daemon takes over, and nothing has changed.
    sandbox.run("aim-backend", ["restart"]).ok();
    let (code, log) = daemon.terminate();
    assert_eq!(code, Some(0), "{log}");
    // Nobody looks.
    install(&sandbox, "2.0", "two");
    install(&sandbox, "3.0", "three");
    assert_eq!(count(&sandbox, "began"), 1);
    let daemon = sandbox.daemon();
    runs(&sandbox, 2);
    let missed = format!(" {} ", sandbox.generation());
    assert!(
        ran(&sandbox).contains(&missed) && ran(&sandbox).contains("[greeting]"),
        "{}",
        ran(&sandbox)
    );
    drop(daemon);
    let daemon = sandbox.daemon();
    let note = sandbox.venv().join(".aim/supervised/hook.json");
    wait_until("it is attended to", || note.exists());
    std::thread::sleep(Duration::from_secs(1));
    runs(&sandbox, 2);
    drop(daemon);
}

#[test]
fn a_run_that_is_cut_short_leaves_nothing_and_is_begun_again() {
    let sandbox = Sandbox::ready();
    let daemon = sandbox.daemon();
    ordered(&sandbox, "test -e done || sleep 600");
    install(&sandbox, "1.0", "one");
    wait_until("it runs", || count(&sandbox, "began") == 1);
    let text = ran(&sandbox);
    let pid: u32 = text
        .split(' ')
        .nth(1)
        .expect("a process")
        .parse()
        .expect("a number");
    // The script and what it waits for go, too, though its shell alone is told.
    let (code, log) = daemon.terminate();
    assert_eq!(code, Some(0), "{log}");
    wait_until("the script ends", || !is_there(pid));
    sandbox.write("done", "");
    let _daemon = sandbox.daemon();
    wait_until("it is run again", || count(&sandbox, "began") == 2);
    wait_until("it ends", || ran(&sandbox).ends_with("ended\n"));
}

#[test]
fn what_is_ordered_is_stopped_and_started_by_name() {
    let sandbox = Sandbox::ready();
    sandbox.write("serve.py", "import time\ntime.sleep(600)\n");
    sandbox.write(
        ".aim.toml",
        "[supervise.web]\ncommand = \"python serve.py\"\n",
    );
    let daemon = sandbox.daemon();
    sandbox.run("aim-worker", ["stop", "web"]).exits(4);
    sandbox.run("aim-venv-sync", ["allow", "--yes"]).ok();
    let list = || sandbox.run("aim-worker", ["list"]).ok().stdout();
    let listed = |words: &str| list().contains(words);
    let lists = |words: &str| {
        let list = list();
        assert!(list.contains(words), "{words} in {list}");
    };
    wait_until("it runs", || listed("  running"));
    let stopped = sandbox.run("aim-worker", ["stop", "web"]).ok();
    assert!(
        stopped.stderr().contains("aim-worker start web"),
        "{stopped:?}"
    );
    lists("stopped; `aim-worker start web`");
    let status = sandbox.run("aim-worker", ["status", "--json"]).ok().json();
    assert_eq!(status["not_running"][0]["name"], "web");
    assert_eq!(status["not_running"][0]["stopped"], true);
    sandbox
        .run("aim-worker", ["restart", "web"])
        .exits(4)
        .warns("aim-worker start web");
    // Also by the next daemon.
    daemon.terminate();
    let daemon = sandbox.daemon();
    install(&sandbox, "1.0", "one");
    std::thread::sleep(Duration::from_millis(1500));
    lists("stopped;");
    sandbox.run("aim-worker", ["start", "web"]).ok();
    lists("  running");
    sandbox.run("aim-worker", ["start", "web"]).ok();
    sandbox
        .run("aim-worker", ["start", "wep"])
        .exits(4)
        .warns("did you mean web?");
    // What is supervised by hand ends, and that is all.
    let by_hand = Supervised::script(&sandbox, &["--name", "mine"], &[]);
    sandbox.run("aim-worker", ["stop", "mine"]).ok();
    assert_eq!(by_hand.ends().code(), Some(40));
    sandbox.run("aim-worker", ["start", "mine"]).exits(4);
    daemon.terminate();
    lists("not running");
}
