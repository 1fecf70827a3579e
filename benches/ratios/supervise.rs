//! A server under load while the environment changes, supervised and not.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::measure::row;
use crate::sandbox::Sandbox;

/// Requests a second, each on a connection of its own.
const RATE: u32 = 500;
const CLIENTS: u32 = 8;
const CHANGES: usize = 20;
/// Between two changes.
const PAUSE: Duration = Duration::from_secs(2);

const APP: &str = "
async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'5')]})
        await send({'type': 'http.response.body', 'body': b'hello'})
";

pub(crate) fn rows() {
    let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels/backends");
    if !wheels.join(".uvicorn").exists() {
        return println!("no uvicorn in target/test-wheels/backends, where `.ci/fetch` puts it");
    }
    let sandbox = Sandbox::ready();
    let find = ["--find-links", wheels.to_str().expect("utf-8")];
    sandbox
        .pip([&["install", "uvicorn"], &find[..]].concat())
        .ok();
    sandbox.write("app.py", APP);
    let wheels = ["1.0", "2.0"].map(|version| sandbox.wheel("greeting", version));
    let change = || {
        for wheel in wheels.iter().cycle().take(CHANGES) {
            let began = Instant::now();
            sandbox
                .pip(["install", wheel.to_str().expect("utf-8")])
                .ok();
            std::thread::sleep(PAUSE.saturating_sub(began.elapsed()));
        }
    };
    // What pip itself takes of the processors, both have to bear.
    let port = free_port();
    let mut command = sandbox.command(sandbox.bin("uvicorn"));
    command.args([
        "--log-level",
        "error",
        "--port",
        &port.to_string(),
        "app:app",
    ]);
    let server = Server::start(&mut command, port);
    let alone = load(port, change);
    drop(server);
    let port = free_port();
    let mut command = sandbox.command("aim-worker");
    command
        .args(["supervise", "--quiet", "--listen", &port.to_string(), "--"])
        .args(["uvicorn", "--log-level", "error", "--fd", "3", "app:app"]);
    let server = Server::start(&mut command, port);
    let supervised = load(port, change);
    let restarts = restarts(&sandbox);
    drop(server);
    row(
        &format!("99 of 100 answers of uvicorn while pip runs {CHANGES} times"),
        alone.slow(),
        supervised.slow(),
        "at most 2",
    );
    let (lost, all) = (supervised.lost, supervised.took.len());
    println!("{restarts} restarts at {CHANGES} changes, {lost} of {all} requests lost");
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address").port()
}

/// A server, and its end.
struct Server(Child);

impl Server {
    fn start(command: &mut Command, port: u16) -> Self {
        let server = Self(command.stdout(Stdio::null()).spawn().expect("starts"));
        while ask(port).is_err() {
            std::thread::yield_now();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How often the supervisor has restarted it, as it noted.
fn restarts(sandbox: &Sandbox) -> u64 {
    let note = sandbox.venv().join(".aim/supervised/uvicorn.json");
    let note = std::fs::read(note).expect("its note");
    let note: serde_json::Value = serde_json::from_slice(&note).expect("JSON");
    note["restarts"].as_u64().expect("a number")
}

/// What clients saw.
struct Seen {
    took: Vec<Duration>,
    lost: usize,
}

impl Seen {
    fn slow(&self) -> Duration {
        self.took[self.took.len() * 99 / 100]
    }
}

/// Asks again and again while `meanwhile` goes on.
fn load(port: u16, meanwhile: impl FnOnce()) -> Seen {
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let client = &|number: u32| {
        let mut seen = Seen {
            took: Vec::new(),
            lost: 0,
        };
        let turns = (number..).step_by(CLIENTS as usize);
        for turn in turns.take_while(|_| !is_over.load(Ordering::Relaxed)) {
            let due = began + Duration::from_secs(1) * turn / RATE;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let asked = Instant::now();
            seen.lost += usize::from(ask(port).is_err());
            seen.took.push(asked.elapsed());
        }
        seen
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        meanwhile();
        is_over.store(true, Ordering::Relaxed);
        let mut all = Seen {
            took: Vec::new(),
            lost: 0,
        };
        for client in clients {
            let seen = client.join().expect("no panic");
            all.took.extend(seen.took);
            all.lost += seen.lost;
        }
        all.took.sort();
        all
    })
}

/// One request, on a connection of its own.
fn ask(port: u16) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello") {
        Ok(())
    } else {
        Err(std::io::ErrorKind::InvalidData.into())
    }
}
