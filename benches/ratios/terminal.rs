//! Terminals, over TCP as pages have them; the floor is a bare reader of a pty, without a WebSocket.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use aim_toolkit::testing::{lead_session, open_pair};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

use crate::http::Connection;
use crate::measure::{median, row, timed};
use crate::memory::kib;
use crate::sandbox::{Daemon, Sandbox};

const TOKEN: &str = "a-token-for-benches-only";

/// Bytes of the long output.
const LONG: usize = 200_000_000;

/// How often each is measured.
const ROUNDS: usize = 5;

/// The prompt of the shells here.
const PROMPT: &str = "now> ";

/// Keys of one round.
const KEYS: usize = 400;

/// All rows.
pub(crate) fn rows() {
    let sandbox = Sandbox::ready();
    let world = World::serve(&sandbox);
    long_output(&world, &sandbox.root());
    echoes(&world);
    interrupt(&world);
    endings(&world);
    comings_back(&world);
    idle_sessions(&world);
    stalled(&world);
    nodes(&sandbox, &world);
}

/// A daemon with a TCP door.
struct World<'s> {
    daemon: Daemon,
    address: String,
    project: &'s Path,
}

impl<'s> World<'s> {
    fn serve(sandbox: &'s Sandbox) -> Self {
        let mut command = sandbox.command("aim-backend");
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("AIM_TOKEN", TOKEN)
            .env("SHELL", "/bin/sh");
        let daemon = Daemon::start_with_lines(&mut command, 2);
        let (_, address) = daemon.lines()[1].split_once("http://").expect("an address");
        let address = address.split('/').next().expect("an address").to_owned();
        let connection = &mut Connection::open(&sandbox.socket());
        let folder = json!({"path": sandbox.project()}).to_string();
        connection.post("/api/v1/projects", &folder);
        Self {
            address,
            project: sandbox.project(),
            daemon,
        }
    }

    fn page(&self, wish: &str) -> Page {
        let path = self.project.display();
        let url = format!("ws://{}/api/ws/terminal/-?path={path}&{wish}", self.address);
        let mut request = url.into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert(
            "authorization",
            format!("Bearer {TOKEN}").parse().expect("text"),
        );
        headers.insert(
            "sec-websocket-protocol",
            "aim.terminal.v1".parse().expect("text"),
        );
        let stream = TcpStream::connect(&self.address).expect("connects");
        stream.set_nodelay(true).expect("set");
        let (socket, _) = client(request, stream).expect("upgraded");
        let mut page = Page {
            socket,
            undrawn: 0,
            ready: Value::Null,
        };
        while page.ready.is_null() {
            page.read();
        }
        page
    }

    /// A page with a session of its own, whose shell has put its prompt out.
    fn prompt(&self) -> Page {
        let mut page = self.page("");
        page.type_in(&format!("PS1='{}''{}'\r", &PROMPT[..3], &PROMPT[3..]));
        page.until(PROMPT);
        page
    }

    fn memory(&self) -> u64 {
        kib(self.daemon.pid(), "smaps_rollup", "Pss:")
    }
}

/// A page that draws at once.
struct Page {
    socket: WebSocket<TcpStream>,
    undrawn: usize,
    ready: Value,
}

impl Page {
    /// The bytes of the next message; none when it was the last.
    fn read(&mut self) -> Option<Vec<u8>> {
        match self.socket.read() {
            Ok(Message::Binary(bytes)) => {
                self.undrawn += bytes.len();
                if self.undrawn >= 32 << 10 {
                    self.say(&json!({"type": "ack", "bytes": self.undrawn}));
                    self.undrawn = 0;
                }
                Some(bytes.to_vec())
            }
            Ok(Message::Text(text)) => {
                let said: Value = serde_json::from_str(&text).expect("JSON");
                if said["type"] == "ready" {
                    self.ready = said;
                }
                Some(Vec::new())
            }
            Ok(Message::Close(_)) => None,
            Ok(_) => Some(Vec::new()),
            Err(error) => panic!("{error}"),
        }
    }

    fn say(&mut self, what: &Value) {
        self.socket
            .send(Message::text(what.to_string()))
            .expect("sent");
    }

    fn type_in(&mut self, text: &str) {
        self.say(&json!({"type": "input", "data": text}));
    }

    fn until(&mut self, mark: &str) {
        let mut shown = Vec::new();
        while !shown
            .windows(mark.len())
            .any(|window| window == mark.as_bytes())
        {
            let more = self.read().expect("open");
            let kept = shown.len().saturating_sub(mark.len());
            shown.drain(..kept);
            shown.extend(more);
        }
    }

    /// Has a program that gives each key back at once.
    fn echo_program(&mut self) {
        self.type_in("stty raw -echo; echo re\"\"ady; exec cat\r");
        self.until("ready");
    }

    fn key(&mut self) -> Duration {
        timed(|| {
            self.type_in("x");
            while self.read().is_none_or(|bytes| bytes.is_empty()) {}
        })
    }

    /// Ends the session, so that it is in nobody's way.
    fn end(mut self) {
        self.say(&json!({"type": "close"}));
        while self.read().is_some() {}
    }

    fn session(&self) -> &str {
        self.ready["session"].as_str().expect("an id")
    }
}

/// A program on a pty that nobody but this process reads.
struct Bare {
    master: File,
    child: Child,
}

impl Bare {
    fn start(script: &str) -> Self {
        let (master, slave): (OwnedFd, OwnedFd) = open_pair().expect("a pty");
        let again = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .stdin(again())
            .stdout(again())
            .stderr(again());
        lead_session(&mut command);
        let child = command.spawn().expect("starts");
        Self {
            master: File::from(master),
            child,
        }
    }

    /// Reads to the end, and counts.
    fn drain(mut self) -> usize {
        let (mut buffer, mut count) = (vec![0; 64 << 10], 0);
        while let Ok(read @ 1..) = self.master.read(&mut buffer) {
            count += read;
        }
        self.child.wait().expect("waited for");
        count
    }

    /// Reads to the end, and sends all of it to a page by TCP, without a WebSocket and without keeping any: the least
    /// that whoever shows a terminal must do.
    fn relay(mut self) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("an address");
        let page = std::thread::spawn(move || {
            let mut from = TcpStream::connect(address).expect("connects");
            std::io::copy(&mut from, &mut std::io::sink()).expect("read");
        });
        let (mut to, _) = listener.accept().expect("accepted");
        let (mut buffer, mut count) = (vec![0; 64 << 10], 0);
        while let Ok(read @ 1..) = self.master.read(&mut buffer[count..]) {
            count += read;
            if count > buffer.len() / 2 {
                to.write_all(&buffer[..count]).expect("sent");
                count = 0;
            }
        }
        to.write_all(&buffer[..count]).expect("sent");
        drop(to);
        page.join().expect("ends");
        self.child.wait().expect("waited for");
    }

    fn echo() -> Self {
        let mut bare = Self::start("stty raw -echo; echo ready; exec cat");
        let mut buffer = [0; 64];
        let mut shown = Vec::new();
        while !shown.ends_with(b"ready\n") {
            let read = bare.master.read(&mut buffer).expect("read");
            shown.extend_from_slice(&buffer[..read]);
        }
        bare
    }

    fn key(&mut self) -> Duration {
        timed(|| {
            self.master.write_all(b"x").expect("written");
            self.master.read_exact(&mut [0]).expect("read");
        })
    }

    fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A session that puts out what it can, on a page that reads all of it on a thread of its own.
struct Flood {
    stop: Arc<AtomicBool>,
    reader: JoinHandle<()>,
}

impl Flood {
    fn begin(world: &World<'_>) -> Self {
        let mut page = world.page("");
        page.type_in("yes\r");
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let reader = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                page.read();
            }
            page.end();
        });
        Self { stop, reader }
    }

    fn end(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.reader.join().expect("read");
    }
}

/// Processor time that a process, its threads' all together, or a thread has taken: a folder of `/proc`.
fn processor(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("{process}/stat")).expect("Linux");
    let fields: Vec<&str> = stat
        .rsplit(") ")
        .next()
        .expect("fields")
        .split(' ')
        .collect();
    let ticks = |index: usize| fields[index].parse::<u64>().expect("a number");
    // In hundredths of a second, on every Linux that this runs on.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}

fn long_output(world: &World<'_>, root: &Path) {
    let file = root.join("long");
    let line = "The quick brown fox jumps over the lazy dog, again and again; 0123456789\n";
    std::fs::write(&file, line.repeat(LONG / line.len())).expect("written");
    let file = file.display();
    for (what, modes, bound) in [
        (
            "200 MB by cat / a bare reader of the pty",
            "",
            "at most 1.00",
        ),
        ("the same with stty -opost", "stty -opost; ", "at most 1.11"),
    ] {
        let (mut times, mut spent) = ([vec![], vec![], vec![]], [vec![], vec![], vec![]]);
        let script = format!("{modes}cat {file}");
        let ours = format!("/proc/{}", world.daemon.pid());
        for _ in 0..ROUNDS {
            let mut page = world.prompt();
            let sides: [(&str, &mut dyn FnMut()); 3] = [
                ("/proc/thread-self", &mut || {
                    Bare::start(&script).drain();
                }),
                ("/proc/thread-self", &mut || Bare::start(&script).relay()),
                (&ours, &mut || {
                    page.type_in(&format!("{script}; exit\r"));
                    while page.read().is_some() {}
                }),
            ];
            for (side, (process, work)) in sides.into_iter().enumerate() {
                let before = processor(process);
                times[side].push(timed(work));
                spent[side].push(processor(process).saturating_sub(before));
            }
        }
        let [bare, relay, ours] = times.map(median);
        let [bare_spent, relay_spent, our_spent] = spent.map(median);
        row(what, bare, ours, bound);
        row(
            "  processor time of it",
            bare_spent,
            our_spent,
            "at most 0.80",
        );
        row("  a bare relay to a page by TCP / ours", relay, ours, "");
        row("  processor time of it", relay_spent, our_spent, "");
    }
}

fn echoes(world: &World<'_>) {
    let percentile = |mut times: Vec<Duration>, of: usize| {
        times.sort();
        times[times.len() * of / 100]
    };
    let measured = || {
        let (mut bare, mut page) = (Bare::echo(), world.page(""));
        page.echo_program();
        let (mut floor, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            floor.extend((0..KEYS).map(|_| bare.key()));
            ours.extend((0..KEYS).map(|_| page.key()));
        }
        bare.kill();
        page.end();
        (floor, ours)
    };
    let (floor, ours) = measured();
    row(
        "a key's echo / the same of a bare pty, median",
        percentile(floor, 50),
        percentile(ours, 50),
        "at most 3",
    );
    // Each with a flood beside it: the bare one with a bare one's, ours with another session's.
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let drained = Bare::start("yes");
        let yes = Pid::from_raw(i32::try_from(drained.child.id()).expect("small"));
        let reader = std::thread::spawn(move || drained.drain());
        let mut bare = Bare::echo();
        floor.extend((0..KEYS).map(|_| bare.key()));
        bare.kill();
        kill_process(yes.expect("a process"), Signal::KILL).expect("killed");
        reader.join().expect("read");
        let beside = Flood::begin(world);
        let mut page = world.page("");
        page.echo_program();
        ours.extend((0..KEYS).map(|_| page.key()));
        page.end();
        beside.end();
    }
    row(
        "  with a flood beside it, 99 of 100",
        percentile(floor, 99),
        percentile(ours, 99),
        "at most 2",
    );
}

fn interrupt(world: &World<'_>) {
    let mut page = world.prompt();
    let times = (0..ROUNDS).map(|_| {
        page.type_in("yes\r");
        // 10 MB a second.
        let begun = Instant::now();
        let mut count = 0;
        while begun.elapsed() < Duration::from_millis(500) {
            count += page.read().expect("open").len();
            let due = Duration::from_micros(count as u64 / 10);
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
        }
        timed(|| {
            page.type_in("\u{3}");
            page.until(PROMPT);
        })
    });
    let time = median(times.collect());
    page.end();
    println!(
        "{:<58} {:>10} {:>10.1?} {:>8}  at most 50 ms",
        "Ctrl-C to the prompt, a page that takes 10 MB/s", "", time, ""
    );
}

fn endings(world: &World<'_>) {
    let times = (0..ROUNDS * 4).map(|_| {
        let mut page = world.page("");
        page.type_in("echo $$ is it\r");
        let mut shown = String::new();
        while !shown.contains(" is it\r\n") || shown.matches(" is it").count() < 2 {
            shown += &String::from_utf8_lossy(&page.read().expect("open"));
        }
        let words: Vec<&str> = shown.split_whitespace().collect();
        let pid = words
            .iter()
            .filter_map(|word| word.parse().ok())
            .next_back();
        let pid = pid.and_then(Pid::from_raw).expect("a process");
        timed(|| {
            kill_process(pid, Signal::KILL).expect("killed");
            while page.read().is_some() {}
        })
    });
    let time = median(times.collect());
    println!(
        "{:<58} {:>10} {:>10.1?} {:>8}  at most 10 ms",
        "a shell's end to the close of its page", "", time, ""
    );
}

fn comings_back(world: &World<'_>) {
    let mut page = world.page("");
    page.type_in("seq 1 600000; echo do\"\"ne\r");
    page.until("done");
    let session = page.session().to_owned();
    let times = (0..ROUNDS * 4).map(|_| {
        timed(|| {
            let mut page = world.page(&format!("session={session}"));
            page.until("done");
        })
    });
    let time = median(times.collect());
    println!(
        "{:<58} {:>10} {:>10.1?} {:>8}  at most 50 ms",
        "a page that comes back has 2 MiB and the screen", "", time, ""
    );
}

fn idle_sessions(world: &World<'_>) {
    const COUNT: u64 = 100;
    let threads = || kib(world.daemon.pid(), "status", "Threads:");
    let (before, threads_before) = (world.memory(), threads());
    let pages: Vec<Page> = (0..COUNT).map(|_| world.page("")).collect();
    std::thread::sleep(Duration::from_millis(300));
    let each = world.memory().saturating_sub(before) / COUNT;
    let more = threads() - threads_before;
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 16 KB, none",
        "memory and threads of an idle session",
        "",
        format!("{each} KB, {more}"),
        ""
    );
    pages.into_iter().for_each(Page::end);
}

fn stalled(world: &World<'_>) {
    let before = world.memory();
    let mut page = world.page("");
    page.type_in("yes\r");
    std::thread::sleep(Duration::from_secs(12));
    let more = world.memory().saturating_sub(before);
    page.end();
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 1 MB",
        "memory for a flooded page that reads nothing for 12 s",
        "",
        format!("{more} KB"),
        ""
    );
}

fn nodes(sandbox: &Sandbox, world: &World<'_>) {
    sandbox.write("node.py", "def node():\n    return 1\n");
    let mut connection = Connection::open(&sandbox.socket());
    let folder = sandbox.project().display().to_string().replace('/', "%2F");
    let path = format!("/api/v1/projects/{folder}/nodes/run");
    let body = json!({"file": "node.py", "input": {}}).to_string();
    let mut node = || {
        let times = (0..500).map(|_| timed(|| connection.post(&path, &body)));
        median(times.collect())
    };
    node();
    let (alone, before) = (node(), world.memory());
    let quiet: Vec<Page> = (0..180).map(|_| world.page("")).collect();
    let floods: Vec<Flood> = (0..20).map(|_| Flood::begin(world)).collect();
    let (beside, more) = (node(), world.memory().saturating_sub(before));
    floods.into_iter().for_each(Flood::end);
    quiet.into_iter().for_each(Page::end);
    row(
        "a trivial node beside 200 sessions, 20 flooding / alone",
        alone,
        beside,
        "at most 1.5",
    );
    println!(
        "{:<58} {:>10} {:>10} {:>8}  at most 60 MB",
        "  memory of these sessions, their rings of 2 MiB included",
        "",
        format!("{} MB", more / 1000),
        ""
    );
}
