//! A real server under load: no request is lost when the environment changes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::listening::free_port;
use super::site::{Supervised, install};
use crate::place::wait_until;
use crate::sandbox::{Sandbox, skipped};

/// Requests under way at once.
const CLIENTS: usize = 4;
/// Between two requests of one client.
const PAUSE: Duration = Duration::from_millis(8);

const APP: &str = "
async def app(scope, receive, send):
    if scope['type'] == 'http':
        await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-length', b'5')]})
        await send({'type': 'http.response.body', 'body': b'hello'})
";

#[test]
fn uvicorn_loses_no_request() {
    let sandbox = Sandbox::ready();
    let wheels = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-wheels/backends");
    if !wheels.join(".uvicorn").exists() {
        return skipped("no uvicorn in target/test-wheels/backends, where `.ci/fetch` puts it");
    }
    let wheels = wheels.to_str().expect("utf-8");
    sandbox
        .pip(["install", "--quiet", "--find-links", wheels, "uvicorn"])
        .ok();
    sandbox.write("app.py", APP);
    let port = free_port();
    let options = ["--name", "web", "--listen", &port.to_string()];
    let command = ["uvicorn", "--no-access-log", "--fd", "3", "app:app"];
    let supervised = Supervised::start(&sandbox, &options, &command);
    wait_until("it answers", || answers(port));
    let (answered, lost) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let outcome = if answers(port) { &answered } else { &lost };
                    outcome.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(PAUSE.saturating_sub(began.elapsed()));
                }
            });
        }
        for change in 1..=3 {
            install(&sandbox, &format!("{change}.0"), "some");
            supervised.says("web restarted in", change);
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(lost.into_inner(), 0, "{}", supervised.said());
    assert!(answered.into_inner() > 100);
    supervised.stop();
}

/// Whether a new connection gets a whole answer.
fn answers(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"))
}
