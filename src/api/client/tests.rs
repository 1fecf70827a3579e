use std::io::Write;
use std::os::unix::net::{UnixListener, UnixStream};

use super::*;

/// What a client makes of a daemon that gives these replies, each on a connection of its own.
fn connect_to<const N: usize>(replies: [&'static str; N]) -> Error {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).expect("bind");
    let daemon = std::thread::spawn(move || {
        for reply in replies {
            let (mut stream, _) = listener.accept().expect("a caller");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream.write_all(reply.as_bytes()).expect("reply");
        }
    });
    let error = Client::at(&socket).expect_err("no client");
    daemon.join().expect("the daemon's side");
    error
}

/// A client and its daemon's side, which has said its version.
fn connected() -> (tempfile::TempDir, Client, UnixStream) {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    let listener = UnixListener::bind(&socket).expect("bind");
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let _ = stream.read(&mut [0; 4096]).expect("a request");
        let version = format!("{{\"api_version\":\"{API_VERSION}\"}}");
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
            version.len()
        );
        stream
            .write_all((head + &version).as_bytes())
            .expect("reply");
        stream
    });
    let client = Client::at(&socket).expect("a client");
    (dir, client, daemon.join().expect("the daemon's side"))
}

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

#[test]
fn lines_come_as_they_are_sent_and_an_answer_cut_short_is_an_error() {
    let (_dir, client, mut stream) = connected();
    let (told, hears) = std::sync::mpsc::channel();
    let daemon = std::thread::spawn(move || {
        let _ = stream.read(&mut [0; 4096]).expect("a request");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).expect("head");
        let line = "{\"type\":\"output\",\"stream\":\"stdout\",\"text\":\"a\"}\n";
        for part in [&chunk(line), &(chunk(&line[..9]) + &chunk(&line[9..]))] {
            stream.write_all(part.as_bytes()).expect("a line");
            hears
                .recv()
                .expect("the line was heard before the next was sent");
        }
    });
    let node = NodeRun {
        file: "n.py".to_owned(),
        input: Json::default(),
        ..NodeRun::default()
    };
    let mut printed = String::new();
    let folder = Address::of_folder(Path::new("/p"));
    let error = client.run_node(folder, &node, |event| {
        if let NodeEvent::Output(output) = event {
            printed.push_str(&output.text);
        }
        told.send(()).expect("the daemon's side");
        Ok(())
    });
    daemon.join().expect("the daemon's side");
    assert_eq!(printed, "aa");
    assert_eq!(error.expect_err("no reply came").exit(), Exit::Failed);
}

#[test]
fn an_answer_that_comes_before_the_request_is_read_is_heard() {
    let (_dir, client, mut stream) = connected();
    let daemon = std::thread::spawn(move || {
        let _ = stream
            .read(&mut [0; 16])
            .expect("the beginning of a request");
        let refusal = "{\"detail\":\"too much\",\"code\":\"bad_request\"}";
        let head = format!(
            "HTTP/1.1 413 X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            refusal.len()
        );
        stream
            .write_all((head + refusal).as_bytes())
            .expect("reply");
    });
    let long = PathBuf::from("x".repeat(1 << 20));
    let error = client.register(&long).expect_err("refused");
    daemon.join().expect("the daemon's side");
    assert_eq!(error.to_string(), "too much");
}

#[test]
fn a_call_ends_with_its_time_limit_before_and_within_the_answer() {
    for begun in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let (_dir, client, mut stream) = connected();
        let daemon = std::thread::spawn(move || {
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            stream.write_all(begun.as_bytes()).expect("reply");
            stream
        });
        let call = client.get("/api/health").within(Duration::from_millis(30));
        let error = call.ask::<Health>().expect_err("silence");
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.to_string().contains("to the end"), "{error}");
        daemon.join().expect("the daemon's side");
    }
}

#[test]
fn a_connection_is_used_again_until_the_daemon_closes_it() {
    let (_dir, client, mut stream) = connected();
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"projects\":[]}";
    stream.write_all(ok.as_bytes()).expect("reply");
    // The answer is in the connection before the question. A connection with unread bytes is not used again.
    assert_eq!(
        client.projects().expect_err("no listener").exit(),
        Exit::NoDaemon
    );
    let (_dir, client, mut stream) = connected();
    let daemon = std::thread::spawn(move || {
        let _ = stream.read(&mut [0; 4096]).expect("a request");
        stream.write_all(ok.as_bytes()).expect("reply");
    });
    assert_eq!(client.projects().expect("an answer"), []);
    daemon.join().expect("the daemon's side");
    assert_eq!(client.projects().expect_err("gone").exit(), Exit::NoDaemon);
}

#[test]
fn no_daemon_has_an_exit_status_of_its_own() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let socket = dir.path().join("s");
    let error = Client::at(&socket).expect_err("nothing there");
    assert_eq!(error.exit(), Exit::NoDaemon);
    assert!(error.hints()[0].contains("aim-backend serve"));
    drop(UnixListener::bind(&socket).expect("bind"));
    let error = Client::at(&socket).expect_err("a stale socket");
    assert_eq!(error.exit(), Exit::NoDaemon, "{error}");
}

#[test]
fn what_is_not_our_socket_is_not_called() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let error = Client::at(dir.path()).expect_err("a folder");
    assert_eq!(error.exit(), Exit::Failed);
}

const OTHER_VERSION: &str = "HTTP/1.1 200 OK\r\ncontent-length: 24\r\nconnection: close\r\n\r\n\
    {\"api_version\": \"2.0.0\"} ";

#[test]
fn a_daemon_of_another_version_is_told_apart() {
    let ours = "HTTP/1.1 200 OK\r\ncontent-length: 62\r\nconnection: close\r\n\r\n\
        {\"status\":\"healthy\",\"service\":\"x\",\"program\":\"aim-backend\"    }";
    let error = connect_to([OTHER_VERSION, ours]);
    assert_eq!(error.exit(), Exit::Failed);
    assert!(error.to_string().contains("2.0.0"), "{error}");
    assert!(error.hints()[0].contains("aim-backend stop"), "{error:?}");
}

#[test]
fn nobody_is_advised_to_end_another_program() {
    let unnamed = "HTTP/1.1 200 OK\r\ncontent-length: 40\r\nconnection: close\r\n\r\n\
        {\"status\":\"healthy\",\"service\":\"backend\"}";
    let named = "HTTP/1.1 200 OK\r\ncontent-length: 59\r\nconnection: close\r\n\r\n\
        {\"status\":\"healthy\",\"service\":\"x\",\"program\":\"aim\u{1b}forge\"}  ";
    let nothing = "HTTP/1.1 404 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    for health in [unnamed, named, nothing] {
        let error = connect_to([OTHER_VERSION, health]);
        let hint = &error.hints()[0];
        assert!(!hint.contains("stop"), "{hint}");
        assert!(hint.contains("AIM_SOCKET"), "{hint}");
        assert!(!hint.contains('\u{1b}'), "{hint}");
    }
}

#[test]
fn what_another_program_does_not_offer_is_said_in_words() {
    let missing = r#"{"detail":"no such call: GET /x","code":"no-such-call"}"#;
    for (program, hint) in [
        ("aim-forge", "AIM_SOCKET"),
        ("aim-backend", "aim-backend stop"),
    ] {
        for (kind, body) in [("application/json", missing), ("text/html", "Not Found")] {
            let dir = tempfile::tempdir().expect("temporary folder");
            let socket = dir.path().join("s");
            let listener = UnixListener::bind(&socket).expect("bind");
            let version = format!(r#"{{"api_version":"{API_VERSION}"}}"#);
            let health = format!(r#"{{"status":"healthy","service":"x","program":"{program}"}}"#);
            let daemon = std::thread::spawn(move || {
                for (status, kind, body) in [
                    ("200 OK", "application/json", &*version),
                    ("404 X", kind, body),
                    ("200 OK", "application/json", &*health),
                ] {
                    let (mut stream, _) = listener.accept().expect("a caller");
                    let _ = stream.read(&mut [0; 4096]).expect("a request");
                    let length = body.len();
                    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n");
                    let rest = "connection: close\r\n\r\n";
                    let answer = format!("{head}content-length: {length}\r\n{rest}{body}");
                    stream.write_all(answer.as_bytes()).expect("reply");
                }
            });
            let client = Client::at(&socket).expect("a client");
            let error = client.projects().expect_err("not offered");
            daemon.join().expect("the daemon's side");
            assert_eq!(error.exit(), Exit::Failed);
            assert!(
                error.to_string().contains("GET /api/v1/projects"),
                "{error}"
            );
            assert!(error.hints()[0].contains(hint), "{error:?}");
        }
    }
}

#[test]
fn another_kind_of_server_is_an_error_in_words() {
    for (reply, words) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
            "understood",
        ),
        (
            "HTTP/1.1 502 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            "502",
        ),
        ("nonsense", "daemon"),
    ] {
        let error = connect_to([reply]);
        assert_eq!(error.exit(), Exit::Failed, "{reply}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_stranger_in_one_place_keeps_nobody_from_another() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let (first, second) = (dir.path().join("first"), dir.path().join("second"));
    let host = Host::fake(["x"])
        .with_var("XDG_RUNTIME_DIR", &first)
        .with_var("TMPDIR", &second);
    let places: Vec<_> = places(&host, None);
    let socket = |folder: &Path| {
        let here = places.iter().map(Place::socket);
        let mut here = here.filter(|socket| socket.starts_with(folder));
        here.next().expect("a place").to_path_buf()
    };
    let (occupied, serving) = (socket(&first), socket(&second));
    for socket in [&occupied, &serving] {
        std::fs::create_dir_all(socket.parent().expect("a folder")).expect("folders");
    }
    std::fs::write(&occupied, "no socket").expect("write");
    let error = Client::connect(&host, None).expect_err("nobody serves");
    assert!(error.to_string().contains("first"), "{error}");
    let listener = UnixListener::bind(&serving).expect("bind");
    let daemon = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a caller");
        let _ = stream.read(&mut [0; 4096]).expect("a request");
        stream
            .write_all(OTHER_VERSION.replace("2.0.0", API_VERSION).as_bytes())
            .expect("reply");
    });
    let client = Client::connect(&host, None).expect("found");
    assert_eq!(client.socket(), serving);
    daemon.join().expect("the daemon's side");
}
