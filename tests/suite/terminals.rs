//! What terminals take of the memory of a daemon, whatever a page does, measured from outside. That all bytes arrive is
//! tested with the rest of the terminals, in `src/backend/tests/terminals`.

use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use crate::moves::terminal;
use crate::sandbox::{Daemon, Sandbox};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// KiB that a session may take: its ring of 2 MiB, messages on their way, and what the allocator keeps.
const MOST: u64 = 8 << 10;

/// A page that reads only when it is asked to.
struct Page(WebSocket<UnixStream>);

impl Page {
    fn come(sandbox: &Sandbox, speaks_v1: bool) -> Self {
        Self(terminal(sandbox, "", speaks_v1, PATIENCE))
    }

    fn say(&mut self, what: &Value) {
        self.0
            .send(Message::text(what.to_string()))
            .expect("the daemon takes it");
    }

    fn type_in(&mut self, text: &str) {
        self.say(&json!({"type": "input", "data": text}));
    }

    /// Reads until `text` is shown.
    fn until(&mut self, text: &str) {
        let mut shown = String::new();
        while !shown.contains(text) {
            if let Message::Binary(bytes) = self.0.read().expect("open") {
                shown += &String::from_utf8_lossy(&bytes);
            }
        }
    }
}

/// A daemon that gives people `/bin/sh`.
fn serve(sandbox: &Sandbox) -> Daemon {
    let mut command = sandbox.command("aim-backend");
    Daemon::start(command.arg("serve").env("SHELL", "/bin/sh"))
}

/// The most memory that the daemon has had since [`forget`], in KiB.
fn most(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.pid()));
    let status = status.expect("Linux");
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|peak| peak.trim().strip_suffix(" kB"));
    peak.and_then(|peak| peak.parse().ok()).expect("a number")
}

/// Has the peak counted from now on (proc(5), `clear_refs`); gives what the daemon has now.
fn forget(daemon: &Daemon) -> u64 {
    std::fs::write(format!("/proc/{}/clear_refs", daemon.pid()), "5").expect("written");
    most(daemon)
}

/// What the first session runs.
fn foreground(sandbox: &Sandbox) -> String {
    let all = sandbox
        .run("aim-backend", ["terminals", "--json"])
        .ok()
        .json();
    all[0]["command"].as_str().unwrap_or_default().to_owned()
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn fifty_megabytes_of_paste_arrive_whole_and_are_not_kept() {
    let sandbox = Sandbox::new().with_venv();
    let daemon = serve(&sandbox);
    let mut page = Page::come(&sandbox, true);
    page.type_in("stty -echo; echo re\"\"ady; cat | cksum; stty echo\r");
    page.until("ready");
    let block = "한글 and text 0123456789\n".repeat(2_000);
    let count = 50_000_000 / block.len() + 1;
    let before = forget(&daemon);
    let paste = json!({"type": "input", "data": block});
    for _ in 0..count {
        page.say(&paste);
    }
    page.type_in("\u{4}");
    let mut sum = Command::new("cksum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cksum");
    let mut stdin = sum.stdin.take().expect("piped");
    for _ in 0..count {
        stdin.write_all(block.as_bytes()).expect("written");
    }
    drop(stdin);
    let expected = sum.wait_with_output().expect("ends").stdout;
    page.until(String::from_utf8_lossy(&expected).trim());
    let more = most(&daemon) - before;
    assert!(more < MOST, "{more} KiB more for a paste of 50 MB");
}

#[test]
fn a_page_that_never_reads_is_not_kept_for_and_is_heard() {
    let sandbox = Sandbox::new().with_venv();
    let daemon = serve(&sandbox);
    for speaks_v1 in [true, false] {
        let mut page = Page::come(&sandbox, speaks_v1);
        page.type_in("echo $((41 + 1))\r");
        page.until("42");
        let before = forget(&daemon);
        page.type_in("yes $$ 2>/dev/null\r");
        wait_until("it floods", || foreground(&sandbox).starts_with("yes"));
        let printed = |pid: &str| {
            let io = std::fs::read_to_string(format!("/proc/{pid}/io")).expect("its own user's");
            let line = io.lines().find(|line| line.starts_with("wchar"));
            line.expect("Linux").to_owned()
        };
        let shell = foreground(&sandbox)["yes ".len()..].to_owned();
        let children = format!("/proc/{shell}/task/{shell}/children");
        let yes = std::fs::read_to_string(children).expect("children");
        let mut last = String::new();
        wait_until("it is held up", || {
            let now = printed(yes.trim());
            std::mem::replace(&mut last, now) == last
        });
        let more = most(&daemon) - before;
        assert!(more < MOST, "{more} KiB more for a page that never reads");
        page.type_in("\u{3}");
        wait_until("it is ended", || !foreground(&sandbox).starts_with("yes"));
        page.say(&json!({"type": "close"}));
        wait_until("the session is over", || foreground(&sandbox).is_empty());
    }
}
