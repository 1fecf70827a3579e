//! A package index on 127.0.0.1 that wants a password, or gives its one wheel slowly.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the index does.
pub(super) enum Manner {
    /// Answers 401 until it is given any password.
    AsksForPassword,
    /// Sends this wheel (name, bytes) up to the middle and goes on when told to.
    Slow(String, Vec<u8>),
}

/// A running index. It ends when dropped.
pub(super) struct Index {
    port: u16,
    halfway: Receiver<()>,
    go_on: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Index {
    /// Starts one.
    pub(super) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (is_halfway, halfway) = channel();
        let (go_on, may_go_on) = channel();
        let may_go_on = Arc::new(Mutex::new(may_go_on));
        let manner = Arc::new(manner);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let Some(request) = Request::read(&stream) else {
                    continue;
                };
                if request.path == "/end" {
                    break;
                }
                // Each on its own thread: pip keeps a connection open while it makes another.
                let (manner, is_halfway) = (Arc::clone(&manner), is_halfway.clone());
                let may_go_on = Arc::clone(&may_go_on);
                std::thread::spawn(move || {
                    let wait = || {
                        let _ = is_halfway.send(());
                        let _ = may_go_on.lock().expect("one download").recv();
                    };
                    let _ = answer(stream, &request, &manner, wait);
                });
            }
        });
        Self {
            port,
            halfway,
            go_on,
            thread: Some(thread),
        }
    }

    /// Its address, for `--index-url`.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/simple", self.port)
    }

    /// Waits until half of the wheel is sent.
    pub(super) fn wait_halfway(&self) {
        let patience = std::time::Duration::from_secs(60);
        self.halfway.recv_timeout(patience).expect("a download");
    }

    /// Lets the other half go.
    pub(super) fn go_on(&self) {
        self.go_on.send(()).expect("the index runs");
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = stream.write_all(b"GET /end HTTP/1.1\r\n\r\n");
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Request {
    path: String,
    has_password: bool,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        let first = lines.next()?;
        let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
        Some(Self {
            path: first.split(' ').nth(1)?.to_owned(),
            has_password: head
                .iter()
                .any(|line| line.to_ascii_lowercase().starts_with("authorization:")),
        })
    }
}

fn answer(
    mut stream: TcpStream,
    request: &Request,
    manner: &Manner,
    wait: impl Fn(),
) -> std::io::Result<()> {
    let mut page = |status: &str, extra: &str, body: &str| {
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: text/html\r\n{extra}Content-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )
    };
    match manner {
        Manner::AsksForPassword if request.has_password => page("404 Not Found", "", ""),
        Manner::AsksForPassword => page(
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"x\"\r\n",
            "",
        ),
        Manner::Slow(name, wheel) if request.path.ends_with(name.as_str()) => {
            let (one, other) = wheel.split_at(wheel.len() / 2);
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/zip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                wheel.len()
            )?;
            stream.write_all(one)?;
            stream.flush()?;
            wait();
            stream.write_all(other)
        }
        Manner::Slow(name, _) => page(
            "200 OK",
            "",
            &format!("<a href=\"/files/{name}\">{name}</a>"),
        ),
    }
}
