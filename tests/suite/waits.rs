//! Waiting is never silent at a terminal, and silent everywhere else.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use crate::compare::terminal::Terminal;
use crate::held::Held;
use crate::sandbox::{Daemon, Sandbox};
use crate::worker::wait_for;

/// A node that runs until the file `go` is there.
const HOLD: &str = "import os, time\ndef main():\n    open('started', 'w').close()\n    \
    while not os.path.exists('go'): time.sleep(0.01)\n";

/// What takes a drawn line away.
const ERASED: &str = "\r\u{1b}[K";

/// A project whose worker runs `hold.py`, until the end of `meanwhile` at the latest.
fn busy(meanwhile: impl FnOnce(&Sandbox) + Send) {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("hold.py", HOLD);
    sandbox.write("quick.py", "def main():\n    return 'quick'\n");
    std::thread::scope(|scope| {
        let holds = scope.spawn(|| sandbox.run("aim-worker", ["run", "hold.py"]));
        wait_for(&sandbox, "started");
        let sandbox = &sandbox;
        let watched = scope.spawn(move || meanwhile(sandbox)).join();
        sandbox.write("go", "");
        holds.join().expect("no panic").ok();
        watched.expect("no panic");
    });
}

/// What is left of a terminal's last lines once the waiting line is gone.
fn after_the_line(shown: &str) -> &str {
    let (_, rest) = shown.rsplit_once(ERASED).expect("a line was erased");
    rest
}

#[test]
fn a_node_behind_another_says_so_and_takes_the_words_back() {
    for (language, words) in [
        ("en", "waiting for hold.py ("),
        ("ko", "hold.py 실행이 끝나기를 기다리는 중 ("),
    ] {
        busy(|sandbox| {
            let began = Instant::now();
            let line = format!("AIM_LANG={language} NO_COLOR=1 aim-worker run quick.py");
            let mut terminal = Terminal::start(sandbox, &line, 110);
            terminal.wait_for(words);
            assert!(began.elapsed() >= Duration::from_millis(500));
            terminal.wait_for(&format!("{ERASED}{words}1"));
            sandbox.write("go", "");
            let scene = terminal.end(sandbox);
            assert_eq!(after_the_line(&scene.shown), "\"quick\"\r\n");
            assert!(scene.status.success());
        });
    }
}

#[test]
fn where_nothing_is_drawn_anew_it_is_said_once() {
    busy(|sandbox| {
        let line = "TERM=dumb aim-worker run quick.py";
        let mut terminal = Terminal::start(sandbox, line, 110);
        terminal.wait_for("waiting for hold.py (");
        sandbox.write("go", "");
        let shown = terminal.end(sandbox).shown;
        assert!(shown.ends_with("\r\n\"quick\"\r\n"), "{shown:?}");
        assert_eq!(shown.matches("waiting for").count(), 1, "{shown:?}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    });
}

#[test]
fn the_line_is_no_wider_than_the_terminal_and_ctrl_c_leaves_none() {
    busy(|sandbox| {
        let mut terminal = Terminal::start(sandbox, "NO_COLOR=1 aim-worker run quick.py", 30);
        // Three columns are left for what a terminal says of Ctrl-C.
        terminal.wait_for(&format!("{ERASED}waiting for hold.py (1 s s…"));
        terminal.press("\x03").wait_for("cancelled");
        let shown = terminal.end(sandbox).shown;
        assert_eq!(after_the_line(&shown), "cancelled quick.py\r\n");
        for command in ["restart", "stop"] {
            let mut terminal = Terminal::start(sandbox, &format!("aim-worker {command}"), 110);
            terminal.wait_for("waiting for hold.py (");
            terminal.press("\x03");
            let shown = terminal.end(sandbox).shown;
            assert_eq!(after_the_line(&shown), "", "{command}");
        }
    });
}

#[test]
fn nobody_else_is_told_anything() {
    busy(|sandbox| {
        let line = "(sleep 1.5; touch go) & aim-worker run quick.py 2>&1 | cat";
        let shown = Terminal::start(sandbox, line, 110).end(sandbox).shown;
        assert_eq!(shown, "\"quick\"\r\n");
    });
    busy(|sandbox| {
        let line = "(sleep 1.5; touch go) & aim-worker run quick.py --quiet";
        let shown = Terminal::start(sandbox, line, 110).end(sandbox).shown;
        assert_eq!(shown, "\"quick\"\r\n");
    });
}

/// A daemon whose workers take a while to start.
fn slow_to_start(sandbox: &Sandbox) -> Daemon {
    let slow = "import sys, time; sys.flags.isolated and sys.flags.no_site and time.sleep(1)\n";
    let path = sandbox.site_packages().join("slow.pth");
    std::fs::write(path, slow).expect("write");
    sandbox.run("aim-venv-sync", ["sync"]).ok();
    sandbox.daemon()
}

#[test]
fn a_worker_that_starts_says_what_has_changed() {
    let sandbox = Sandbox::ready();
    let _daemon = slow_to_start(&sandbox);
    sandbox.write("quick.py", "def main():\n    return 'quick'\n");
    for line in ["aim-worker run quick.py", "aim-worker restart"] {
        let mut terminal = Terminal::start(&sandbox, line, 110);
        terminal.wait_for("starting a worker (");
        assert!(terminal.end(&sandbox).status.success(), "{line}");
    }
    sandbox.wheel("Dep.One", "1.0");
    sandbox.pip(["install", "dep-one"]).ok();
    let mut terminal = Terminal::start(&sandbox, "aim-venv-sync sync --wait", 110);
    terminal.wait_for("starting a worker: dep-one changed (");
    let shown = terminal.end(&sandbox).shown;
    assert!(
        after_the_line(&shown).contains("worker ready at generation"),
        "{shown}"
    );
    sandbox.pip(["uninstall", "-y", "dep-one"]).ok();
    let mut terminal = Terminal::start(&sandbox, "AIM_LANG=ko aim-worker run quick.py", 110);
    terminal.wait_for("워커를 시작하는 중: dep-one 변경됨 (");
    let shown = terminal.end(&sandbox).shown;
    assert_eq!(after_the_line(&shown), "\"quick\"\r\n");
}

/// A flow of one node.
const FLOW: &str = r#"{"nodes": [
    {"id": "s", "type": "start", "data": {}},
    {"id": "q", "type": "default", "data": {"title": "Quick", "file": "quick.py"}}
], "edges": [{"id": "e", "source": "s", "target": "q"}]}"#;

#[test]
fn a_node_of_a_flow_runs_only_when_its_worker_does() {
    let sandbox = Sandbox::ready();
    let _daemon = slow_to_start(&sandbox);
    sandbox.write(
        "quick.py",
        "import time\ndef main():\n    time.sleep(0.5)\n",
    );
    sandbox.write("structure.json", FLOW);
    let mut terminal = Terminal::start(&sandbox, "NO_COLOR=1 aim-worker flow", 110);
    terminal.wait_for("  waiting    Quick (q)  starting a worker (0 s so far)");
    terminal.wait_for("  running    Quick (q)");
    let scene = terminal.end(&sandbox);
    assert!(scene.status.success(), "{scene:?}");
    let (before, _) = scene.shown.split_once("starting a worker").expect("said");
    assert!(!before.contains("running"), "{before}");
}

#[test]
fn a_sync_behind_a_pip_says_which() {
    let sandbox = Sandbox::ready();
    let held = Held::installing(&sandbox);
    let mut terminal = Terminal::start(&sandbox, "NO_COLOR=1 aim-venv-sync sync", 110);
    terminal.wait_for("waiting for another run in this environment to end: ");
    terminal.wait_for("pip install ./held");
    terminal.press("\x03");
    let shown = terminal.end(&sandbox).shown;
    assert_eq!(after_the_line(&shown), "");
    let mut terminal = Terminal::start(&sandbox, "NO_COLOR=1 aim-logs undo 1 -y", 110);
    terminal.wait_for("waiting for another run in this environment to end: ");
    terminal.press("\x03");
    let shown = terminal.end(&sandbox).shown;
    assert_eq!(after_the_line(&shown), "");
    drop(held);
}

/// The history, as somebody has it who is writing it.
fn held_history(sandbox: &Sandbox) -> File {
    let lock = sandbox.project().join(".pip-logs/.lock");
    let file = File::options().write(true).open(lock).expect("the lock");
    file.lock().expect("free");
    file
}

#[test]
fn who_writes_the_history_is_named_to_who_waits_for_it() {
    let sandbox = Sandbox::ready();
    for (line, words) in [
        (
            "aim-logs prune",
            "waiting for process 4711 to finish writing the history (",
        ),
        (
            "AIM_LANG=ko aim-logs prune",
            "다른 프로세스가 기록을 마치기를 기다리는 중: pid 4711 (",
        ),
    ] {
        let mut held = held_history(&sandbox);
        held.write_all(b"4711\n").expect("written");
        let mut terminal = Terminal::start(&sandbox, &format!("NO_COLOR=1 {line}"), 110);
        terminal.wait_for(words);
        drop(held);
        let scene = terminal.end(&sandbox);
        assert!(scene.status.success(), "{scene:?}");
        let after = after_the_line(&scene.shown);
        assert!(!after.contains("4711"), "{after}");
    }
}

#[test]
fn a_pip_that_waits_for_the_history_says_so_in_one_line() {
    let sandbox = Sandbox::ready();
    let held = held_history(&sandbox);
    let mut terminal = Terminal::start(&sandbox, ".venv/bin/pip uninstall -y nothing", 110);
    terminal.wait_for("aim-pip: waiting for process ? to finish writing the history\r\n");
    drop(held);
    let scene = terminal.end(&sandbox);
    assert!(scene.status.success(), "{scene:?}");
    assert_eq!(sandbox.last_record()["action"], "uninstall");
}

#[test]
fn a_daemon_that_does_not_answer_is_named() {
    let sandbox = Sandbox::ready();
    let _silent = UnixListener::bind(sandbox.socket()).expect("bind");
    for (line, words) in [
        ("aim-worker status", "waiting for the daemon to answer ("),
        ("aim-backend status", "waiting for the daemon to answer ("),
        (
            "AIM_LANG=ko aim-venv-sync status",
            "데몬의 응답을 기다리는 중 (",
        ),
    ] {
        let mut terminal = Terminal::start(&sandbox, line, 200);
        terminal.wait_for(words).wait_for(" · ").wait_for(" · ");
        let socket = sandbox.socket();
        terminal.wait_for(&socket.file_name().expect("a name").to_string_lossy());
        terminal.press("\x03");
        let scene = terminal.end(&sandbox);
        assert_eq!(after_the_line(&scene.shown), "", "{line}");
        assert!(!scene.status.success());
    }
}
