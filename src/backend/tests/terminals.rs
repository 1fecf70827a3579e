//! Terminals over the real socket, with real shells.

use std::ffi::OsString;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message, WebSocket, client};

use super::World;
use crate::host::Host;
use crate::project::Project;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A page, as far as the daemon can tell.
struct Page {
    socket: WebSocket<UnixStream>,
    speaks_v1: bool,
    /// What the terminal was sent.
    shown: Vec<u8>,
    /// What was said beside it.
    told: Vec<Value>,
    /// Why the daemon closed the connection.
    closed: Option<(u16, String)>,
}

impl Page {
    /// One that speaks the subprotocol.
    fn come(world: &World, project: &Path, wish: &str) -> Self {
        Self::speaking(world, project, wish, true)
    }

    fn speaking(world: &World, project: &Path, wish: &str, speaks_v1: bool) -> Self {
        let path = project.display();
        let url = format!("ws://aim/api/ws/terminal/-?path={path}&cols=80&rows=24&{wish}");
        let mut request = url.into_client_request().expect("a request");
        if speaks_v1 {
            let spoken = "other, aim.terminal.v1".parse().expect("a header");
            request
                .headers_mut()
                .insert("sec-websocket-protocol", spoken);
        }
        let stream = UnixStream::connect(world.path("s")).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let (socket, _) = client(request, stream).expect("upgraded");
        let mut page = Self {
            socket,
            speaks_v1,
            shown: Vec::new(),
            told: Vec::new(),
            closed: None,
        };
        if speaks_v1 {
            page.read();
        }
        page
    }

    /// Takes the next message; false when it was the last.
    fn read(&mut self) -> bool {
        match self.socket.read() {
            Ok(Message::Binary(bytes)) => {
                self.shown.extend_from_slice(&bytes);
                if self.speaks_v1 {
                    self.say(&json!({"type": "ack", "bytes": bytes.len()}));
                }
            }
            Ok(Message::Text(text)) => {
                assert!(self.speaks_v1, "old pages print text: {text}");
                self.told.push(serde_json::from_str(&text).expect("JSON"));
            }
            Ok(Message::Close(frame)) => {
                let frame = frame.expect("a reason");
                self.closed = Some((frame.code.into(), frame.reason.to_string()));
            }
            Ok(_) => {}
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => return false,
            Err(error) => panic!("{error}; shown: {}", self.text()),
        }
        true
    }

    fn say(&mut self, what: &Value) {
        // A daemon that has hung up is seen by reading.
        let _ = self.socket.send(Message::text(what.to_string()));
    }

    fn type_in(&mut self, text: &str) {
        self.say(&json!({"type": "input", "data": text}));
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown).into_owned()
    }

    /// Reads until `text` is shown.
    fn until(&mut self, text: &str) -> String {
        let begun = Instant::now();
        let is_shown = |shown: &[u8]| {
            shown
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        let mut searched = 0;
        while !is_shown(&self.shown[searched..]) {
            searched = self.shown.len().saturating_sub(text.len());
            assert!(
                begun.elapsed() < PATIENCE,
                "never: {text}; shown: {}",
                self.text()
            );
            assert!(
                self.read(),
                "closed: {:?}; shown: {}",
                self.closed,
                self.text()
            );
        }
        self.text()
    }

    /// What a command prints, between two marks that its own echo does not have.
    fn output(&mut self, command: &str) -> String {
        self.shown.clear();
        self.type_in(&format!(" echo \"<\"\"<$({command})>\"\">\"\r"));
        let text = self.until(">>");
        let from = text.find("<<").expect("the first mark") + 2;
        let text = text[from..].replace(['\r', '\n'], "");
        text.split(">>").next().expect("some").to_owned()
    }

    fn ready(&self) -> &Value {
        let ready = self.told.first().expect("told");
        assert_eq!(ready["type"], "ready");
        ready
    }

    fn session(&self) -> String {
        self.ready()["session"].as_str().expect("an id").to_owned()
    }

    /// Why the daemon closes the connection.
    fn farewell(&mut self) -> (u16, String) {
        while self.read() {}
        self.closed.clone().expect("a close frame")
    }
}

/// A world in which the person has `shell`, and a project in it.
fn world_with(shell: &str) -> Option<(World, Project)> {
    let Ok(shell) = which::which(shell) else {
        #[expect(clippy::print_stdout, reason = "a skipped test says why")]
        {
            println!("skipped: no {shell} on PATH");
        }
        return None;
    };
    let world = World::started_with(|host: Host, home| {
        std::fs::create_dir(home.join("home")).expect("a home");
        let path = std::env::var_os("PATH").expect("a PATH");
        host.with_var("HOME", home.join("home"))
            .with_var("PATH", path)
            .with_var("SHELL", OsString::from(shell))
    });
    let project = world.project("p");
    for name in ["pip", "python"] {
        program(&project.venv().bin().join(name), "echo the environment\\'s");
    }
    Some((world, project))
}

fn program(path: &Path, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("write");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("mode");
}

fn is_alive(pid: &str) -> bool {
    let pid = pid
        .trim()
        .parse()
        .ok()
        .and_then(Pid::from_raw)
        .expect("a process id");
    test_kill_process(pid).is_ok()
}

/// Waits until `is_so`.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_terminal_is_one() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    assert_eq!(page.ready()["resumed"], false);
    assert_eq!(page.ready()["offset"], 0);
    assert_eq!(page.output("pwd"), project.root().display().to_string());
    assert_eq!(page.output("stty size"), "24 80");
    page.say(&json!({"type": "resize", "cols": 100, "rows": 30}));
    assert_eq!(page.output("stty size"), "30 100");
    // What is no size changes nothing, and what cannot be understood is said.
    page.say(&json!({"type": "resize", "cols": 0, "rows": 30}));
    page.say(&json!({"type": "resize", "cols": "x", "rows": 30}));
    page.say(&json!(["nonsense"]));
    assert_eq!(page.output("stty size"), "30 100");
    let errors = page.told.iter().filter(|told| told["type"] == "error");
    assert_eq!(errors.count(), 2, "{:?}", page.told);
    // Job control, and a controlling terminal.
    page.type_in("sleep 1000\r");
    wait_until("it runs", || list(&world)[0]["command"] == "sleep 1000");
    page.type_in("\u{3}");
    assert_eq!(
        page.output(": </dev/tty && echo one of its own"),
        "one of its own"
    );
    assert_eq!(
        page.output("trap"),
        "",
        "every signal has its default action"
    );
    page.type_in("exit 3\r");
    assert_eq!(page.farewell(), (1000, "exit 3".to_owned()));
    assert_eq!(
        page.told.last(),
        Some(&json!({"type": "exit", "code": 3, "signal": null}))
    );
    assert_eq!(list(&world), json!([]));
}

fn list(world: &World) -> Value {
    let (status, answer) = world.get("/api/v1/terminals");
    assert_eq!(status, 200, "{answer}");
    let mut all: Value = serde_json::from_str(&super::body(&answer)).expect("JSON");
    all["terminals"].take()
}

#[test]
fn the_end_of_a_shell_is_told_and_nothing_of_it_stays() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    page.type_in("kill -9 $$\r");
    assert_eq!(page.farewell(), (1000, "signal SIGKILL".to_owned()));
    // A page that wants the end, with a program that wants none.
    let mut page = Page::come(&world, project.root(), "");
    let shell = page.output("echo $$");
    page.type_in("sh -c 'trap \"\" HUP TERM; echo p\"\"id $$; while :; do sleep 1; done'\r");
    let mut text = page.until("pid ");
    while !text.rsplit_once("pid ").expect("said").1.contains('\n') {
        page.read();
        text = page.text();
    }
    let stubborn = text.rsplit_once("pid ").expect("said").1;
    let stubborn = stubborn.lines().next().expect("a line").to_owned();
    assert!(is_alive(&shell) && is_alive(&stubborn));
    page.say(&json!({"type": "close"}));
    assert_eq!(page.farewell(), (1000, "closed".to_owned()));
    wait_until("no process is left", || {
        !is_alive(&shell) && !is_alive(&stubborn)
    });
    // An end that somebody else wants.
    let mut page = Page::come(&world, project.root(), "");
    let (status, _) = world.send(
        "DELETE",
        &format!("/api/v1/terminals/{}", page.session()),
        "",
    );
    assert_eq!(status, 204);
    assert_eq!(page.farewell(), (1000, "closed".to_owned()));
    assert_eq!(world.send("DELETE", "/api/v1/terminals/none", "").0, 404);
}

#[test]
fn a_page_that_comes_back_misses_nothing() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let session = page.session();
    page.type_in("for i in 1 2 3 4 5; do echo line $i; done; echo en\"\"d\r");
    page.until("end");
    let (all, half) = (page.shown.clone(), page.shown.len() / 2);
    drop(page);
    wait_until("nobody looks", || list(&world)[0]["is_shown"] == false);
    let mut page = Page::come(
        &world,
        project.root(),
        &format!("session={session}&offset={half}"),
    );
    assert_eq!(page.ready()["resumed"], true);
    assert_eq!(page.ready()["offset"], half);
    page.type_in("echo mo\"\"re\r");
    page.until("more");
    assert_eq!(&page.shown[..all.len() - half], &all[half..]);
    // Another one takes it up, from the beginning.
    let mut other = Page::come(&world, project.root(), &format!("session={session}"));
    assert_eq!(other.ready()["resumed"], false);
    other.until("more");
    assert_eq!(&other.shown[..all.len()], &all[..]);
    let (code, reason) = page.farewell();
    assert_eq!((code, reason.contains("another page")), (4409, true));
    assert_eq!(other.output("echo still $((1 + 1))"), "still 2");
}

#[test]
fn refusals_are_told_where_a_page_sees_them() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, &world.path("nowhere"), "");
    let (code, reason) = page.farewell();
    assert_eq!(
        (code, reason.contains("no such project")),
        (4404, true),
        "{reason}"
    );
    let mut page = Page::come(&world, project.root(), "session=gone");
    assert_eq!(page.farewell().0, 4404);
    // Another project's session is none of this one.
    let open = Page::come(&world, project.root(), "");
    let other = world.project("other");
    let wish = format!("session={}", open.session());
    assert_eq!(Page::come(&world, other.root(), &wish).farewell().0, 4404);
    std::fs::write(project.root().join(".aim.toml"), "[terminal]\nlimit = 1\n").expect("write");
    assert_eq!(Page::come(&world, project.root(), "").farewell().0, 4429);
    std::fs::write(project.root().join(".aim.toml"), "").expect("write");
    let mut page = Page::come(&world, project.root(), "");
    page.type_in(&"x".repeat(1 << 20));
    assert_eq!(page.farewell().0, 1009);
    assert_eq!(
        world.get("/api/ws/terminal/x").0,
        426,
        "no WebSocket was asked for"
    );
    drop(open);
}

#[test]
fn an_old_page_gets_bytes_alone() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::speaking(&world, project.root(), "events=1", false);
    page.say(&json!({"type": "dance"}));
    page.say(&json!("nonsense"));
    assert_eq!(page.output("echo $((40 + 2))"), "42");
    // It acknowledges nothing, and gets everything.
    page.shown.clear();
    page.type_in("seq 1 400000; echo do\"\"ne\r");
    page.until("\ndone");
    assert!(page.shown.len() > 2_500_000, "{}", page.shown.len());
    page.type_in("exit\r");
    assert_eq!(page.farewell(), (1000, "exit 0".to_owned()));
}

#[test]
fn a_long_paste_is_whole_and_a_slow_page_holds_the_program_up() {
    let Some((world, project)) = world_with("bash") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let block = "한글 and text 0123456789\n".repeat(2_000);
    let count = 40;
    let total = block.len() * count;
    page.type_in(&format!(
        "stty raw -echo; echo re\"\"ady; head -c {total} | cksum; stty sane\r"
    ));
    page.until("ready");
    for _ in 0..count {
        page.type_in(&block);
    }
    std::fs::write(world.path("paste"), block.repeat(count)).expect("write");
    let expected = std::process::Command::new("cksum")
        .stdin(std::fs::File::open(world.path("paste")).expect("open"))
        .output()
        .expect("cksum");
    page.until(String::from_utf8_lossy(&expected.stdout).trim());
    // A page that draws nothing is sent so much and no more; a key is still heard.
    page.speaks_v1 = false;
    page.shown.clear();
    page.type_in("yes\r");
    while page.shown.len() < 256 << 10 {
        page.read();
    }
    let held = page.shown.len();
    let session = &list(&world)[0];
    assert_eq!(session["command"], "yes");
    assert!(held < 400 << 10, "{held}");
    page.speaks_v1 = true;
    page.say(&json!({"type": "ack", "bytes": held}));
    page.type_in("\u{3}");
    assert_eq!(page.output("echo stopped"), "stopped");
}

#[test]
fn a_daemon_that_ends_says_so_and_leaves_no_shell() {
    let Some((mut world, project)) = world_with("bash") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let shell = page.output("echo $$");
    let waiting = std::thread::spawn(move || page.farewell());
    world.end();
    let (code, reason) = waiting.join().expect("told");
    assert_eq!((code, reason.as_str()), (1001, "aim-backend is ending"));
    assert!(!is_alive(&shell));
}

#[test]
fn terminals_leave_no_descriptor_open() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let cycle = || {
        let mut page = Page::come(&world, project.root(), "");
        page.type_in("exit\r");
        page.farewell();
    };
    cycle();
    let before = open();
    for _ in 0..20 {
        cycle();
    }
    // Other tests open files of their own, but none so many for long.
    wait_until("they are closed", || open() < before + 20);
}

/// What the person's own files do before the terminal is theirs: another pip in front, and more.
const RC: &str =
    "export PATH=\"$HOME/other:$PATH\"\nalias pip=$HOME/other/pip3\nset -u\nMINE=yes\n";

/// Whether the environment is active after the person's own files, and what they did is there.
fn check_environment(shell: &str, files: &[(&str, &str)]) {
    let Some((world, project)) = world_with(shell) else {
        return;
    };
    let home = world.path("home");
    for name in ["pip", "pip3", "python"] {
        program(&home.join("other").join(name), "echo another\\'s");
    }
    for (name, text) in files {
        let path = home.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    }
    let mut page = Page::come(&world, project.root(), "");
    let what = format!("{shell} {files:?}");
    assert_eq!(page.output("pip"), "the environment's", "{what}");
    assert_eq!(page.output("python"), "the environment's", "{what}");
    assert_eq!(page.output("echo $MINE"), "yes", "{what}");
    assert_eq!(
        page.output("echo $VIRTUAL_ENV"),
        project.venv().root().display().to_string(),
        "{what}"
    );
    assert!(
        !page.text().contains("_AIM") && !page.text().contains("unbound"),
        "{what}: {}",
        page.text()
    );
    page.shown.clear();
    page.type_in("\r");
    page.until(".venv");
}

#[test]
fn the_environment_is_active_after_the_persons_own_files() {
    check_environment("bash", &[(".bashrc", RC)]);
    // Made anew at each prompt, put off until the first one, and taken over by a framework.
    let late = "PROMPT_COMMAND='PATH=$HOME/other:$PATH; PROMPT_COMMAND=; PS1=\"> \"'\nMINE=yes\n";
    check_environment("bash", &[(".bashrc", late)]);
    check_environment(
        "bash",
        &[(
            ".bashrc",
            "PROMPT_COMMAND=(true 'PS1=\"$(date +%s) > \"')\nMINE=yes\n",
        )],
    );
    check_environment(
        "fish",
        &[(
            ".config/fish/config.fish",
            "set -gx PATH $HOME/other $PATH\nalias pip=$HOME/other/pip3\nset -g MINE yes\n",
        )],
    );
}

#[test]
fn every_way_of_setting_zsh_up_is_left_as_it_is() {
    check_environment("zsh", &[(".zshrc", RC)]);
    check_environment(
        "zsh",
        &[
            (".zshenv", "export ZDOTDIR=$HOME/.config/zsh\n"),
            (".config/zsh/.zshrc", RC),
        ],
    );
    check_environment(
        "zsh",
        &[
            (".zshrc", "source ${ZDOTDIR:-$HOME}/.more\n"),
            (".more", RC),
        ],
    );
    check_environment(
        "zsh",
        &[(
            ".zshrc",
            "precmd_functions=()\nprecmd() { PS1='> ' }\nMINE=yes\n",
        )],
    );
    let framework = "precmd() { PS1=\"$(date +%s) > \"; PATH=$HOME/other:$PATH; unfunction precmd }\nMINE=yes\n";
    check_environment("zsh", &[(".zshrc", framework)]);
}

#[test]
fn the_environments_own_way_out_leads_out() {
    for shell in ["bash", "zsh", "fish", "dash"] {
        let Some((world, _)) = world_with(shell) else {
            continue;
        };
        let Some(project) = world.living_project("real") else {
            return;
        };
        let mut page = Page::come(&world, project.root(), "");
        let bin = project.venv().bin().display().to_string();
        let path = page.output("echo $PATH");
        assert!(
            path.starts_with(&bin) && path.matches(&bin).count() == 1,
            "{shell}: {path}"
        );
        if shell == "fish" {
            // Reads its keys after it has put its prompt out.
            page.until(".venv");
        }
        page.type_in("deactivate\r");
        let path = page.output("echo $PATH");
        assert!(!path.contains(&bin), "{shell}: {path}");
    }
}
