//! Sockets that are made once and handed from one process of the command to the next.

use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;

use super::site::{Supervised, call, install};
use crate::place::wait_until;
use crate::sandbox::{Ran, Sandbox};

/// Takes the socket as `sd_listen_fds(3)` has it, and answers each connection with its process and the version of
/// `greeting`. With `breaks`, a broken one ends it before it accepts.
const SERVER: &str = r#"
import os, selectors, signal, socket, sys

assert os.environ["LISTEN_PID"] == str(os.getpid()), os.environ["LISTEN_PID"]
count = int(os.environ["LISTEN_FDS"])
names = os.environ["LISTEN_FDNAMES"].split(":")
assert len(names) == count and os.get_inheritable(3), names
try:
    import greeting
    has = greeting.VERSION
except ImportError:
    has = "none"
if has == "broken":
    sys.exit(3)
print("began", os.getpid(), has, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(40))
waits = selectors.DefaultSelector() if "selects" not in sys.argv else selectors.SelectSelector()
for number in range(3, 3 + count):
    waits.register(socket.socket(fileno=number), selectors.EVENT_READ)
while True:
    for key, _ in waits.select():
        try:
            connection, _ = key.fileobj.accept()
        except BlockingIOError:
            continue
        connection.sendall(("%d %s" % (os.getpid(), has)).encode())
        connection.close()
"#;

/// A port that nobody has.
pub(super) fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address").port()
}

fn ask(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("nobody is refused");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer
}

fn serve(sandbox: &Sandbox, options: &[&str], words: &[&str]) -> Supervised {
    sandbox.write("server.py", SERVER);
    let supervised = Supervised::start(
        sandbox,
        options,
        &[&["python", "server.py"], words].concat(),
    );
    supervised.says("began", 1);
    supervised
}

#[test]
fn one_socket_goes_from_one_process_to_the_next() {
    let sandbox = Sandbox::ready();
    let port = free_port();
    let path = sandbox.root().join("run/web");
    let unix = format!("unix:{}", path.display());
    let supervised = serve(
        &sandbox,
        &["--listen", &port.to_string(), "--listen", &unix],
        &[],
    );
    let first = ask(port);
    assert!(first.ends_with(" none"), "{first}");
    let mut answer = String::new();
    let mut stream = UnixStream::connect(&path).expect("connects");
    stream.read_to_string(&mut answer).expect("answered");
    assert_eq!(answer, first);
    install(&sandbox, "1.0", "one");
    // Who asks meanwhile is answered, by the last one or the next.
    let mut answers = vec![first];
    while !answers
        .last()
        .is_some_and(|answer| answer.ends_with(" one"))
    {
        answers.push(ask(port));
    }
    supervised.says("restarted in", 1);
    supervised.stop();
    assert!(!path.exists());
    TcpListener::bind(("127.0.0.1", port)).expect("it is free");
}

#[test]
fn the_last_one_goes_on_where_the_next_one_fails() {
    let sandbox = Sandbox::ready();
    let port = free_port();
    let options = ["--on", "loaded", "--listen", &port.to_string()];
    let supervised = serve(&sandbox, &options, &[]);
    let first = ask(port);
    install(&sandbox, "1.0", "broken");
    supervised.says("ended at once (exit 3); the one from before goes on", 1);
    assert_eq!(ask(port), first);
    sandbox
        .run("aim-worker", ["list"])
        .ok()
        .says("running, but the next one failed: exit 3");
    let refused = sandbox.run("aim-worker", ["restart", "server.py"]).exits(1);
    refused.warns("server.py was not restarted: exit 3");
    // What it missed is missing again.
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    wait_until("nothing is wrong any more", || {
        !sandbox
            .run("aim-worker", ["list"])
            .stdout()
            .contains("failed")
    });
    assert_eq!(ask(port), first);
    install(&sandbox, "2.0", "sound");
    wait_until("the next one answers", || ask(port).ends_with(" sound"));
    supervised.stop();
}

#[test]
fn the_last_one_ends_in_time_also_where_nobody_can_tell_when_the_next_one_listens() {
    let sandbox = Sandbox::ready();
    let port = free_port();
    let options = ["--grace", "1", "--listen", &format!("localhost:{port}")];
    let supervised = serve(&sandbox, &options, &["selects"]);
    let first = ask(port);
    install(&sandbox, "1.0", "one");
    supervised.says("restarted in 1.0 s", 1);
    wait_until("the last one is gone", || ask(port) != first);
    supervised.stop();
}

#[test]
fn an_address_in_use_is_told_in_words() {
    let sandbox = Sandbox::ready();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let port = taken.local_addr().expect("an address").port().to_string();
    let call = |listen: &str| Ran::of(&mut call(&sandbox, &["--listen", listen], &["true"]));
    call(&port)
        .exits(1)
        .warns(&format!("127.0.0.1:{port} is in use"));
    let path = sandbox.root().join("run/taken");
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let unix = format!("unix:{}", path.display());
    call(&unix).exits(1).warns("is in use");
    // What nobody listens at any more is in nobody's way; what is no socket stays.
    drop(listener);
    call(&unix).ok();
    std::fs::write(&path, "mine").expect("written");
    call(&unix).exits(1);
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "mine");
    call("no.such.host.invalid:80")
        .exits(1)
        .warns("no.such.host.invalid:80");
}

#[test]
fn who_connects_waits_while_nobody_accepts() {
    let sandbox = Sandbox::ready();
    let port = free_port();
    let options = ["--listen", &port.to_string()];
    let supervised = Supervised::start(&sandbox, &options, &["sleep", "600"]);
    wait_until("it listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    supervised.stop();
}
