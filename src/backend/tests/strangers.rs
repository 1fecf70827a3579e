//! What others do at the doors, and what the person's own calls see of it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use super::{TOKEN, World, ask};

/// More than a door takes.
const MANY: usize = 60;

#[test]
fn half_requests_by_tcp_stop_neither_the_person_nor_the_page() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let halves: Vec<TcpStream> = (0..MANY)
        .map(|_| {
            let mut stream = TcpStream::connect(address).expect("connects");
            stream.write_all(b"GET / HTTP/1.1\r\nhost: ").expect("sent");
            stream
        })
        .collect();
    assert_eq!(world.get("/api/health").0, 200);
    let page = format!(
        "GET /api/health HTTP/1.1\nhost: {address}\nauthorization: Bearer {TOKEN}\nconnection: close\n\n"
    );
    let (status, answer) = ask(TcpStream::connect(address).expect("connects"), &page);
    assert_eq!(status, 200, "{answer}");
    // The first are gone by now.
    for mut half in halves.into_iter().take(MANY / 2) {
        let mut bytes = [0; 1];
        assert!(!matches!(half.read(&mut bytes), Ok(1..)), "no answer");
    }
}

#[test]
fn half_requests_by_the_socket_do_not_stop_the_person() {
    let world = World::new();
    let halves: Vec<UnixStream> = (0..MANY)
        .map(|_| {
            let mut stream = UnixStream::connect(world.path("s")).expect("connects");
            stream.write_all(b"POST ").expect("sent");
            stream
        })
        .collect();
    assert_eq!(world.get("/api/health").0, 200);
    drop(halves);
}

#[test]
fn strangers_who_read_no_answer_stop_nobody() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let request = format!("GET /nowhere HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let deaf: Vec<TcpStream> = (0..MANY)
        .map(|_| {
            let mut stream = TcpStream::connect(address).expect("connects");
            stream.set_nonblocking(true).expect("set");
            // Until the daemon takes no more, for nobody takes its answers; or has hung up.
            while stream.write(request.repeat(100).as_bytes()).is_ok() {}
            stream
        })
        .collect();
    assert_eq!(world.get("/api/health").0, 200);
    let page = request.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(page.as_bytes()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    drop(deaf);
}

#[test]
fn pages_that_follow_events_leave_the_persons_socket_alone() {
    let world = World::with_tcp();
    let address = world.tcp.expect("TCP");
    let follow = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\n\r\n"
    );
    let mut heads = Vec::new();
    for _ in 0..MANY {
        let mut stream = TcpStream::connect(address).expect("connects");
        let _ = stream.write_all(follow.as_bytes());
        let mut head = [0; 12];
        stream.read_exact(&mut head).expect("an answer");
        heads.push((head, stream));
    }
    let count = |status: &[u8]| {
        heads
            .iter()
            .filter(|(head, _)| head.ends_with(status))
            .count()
    };
    assert_eq!((count(b"200"), count(b"503")), (16, MANY - 16));
    assert_eq!(world.get("/api/health").0, 200);
}
