//! One message to the daemon that may get lost: "this project's environment is at generation N".
//!
//! For the shim, after pip has ended: the standard library and one system call, a short time limit, no error. The
//! daemon reads `env_meta.json` before every node anyway, so a lost message delays only the warm-up.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

use super::address::{Address, check_ours};

/// Each of the two steps, writing and waiting for the first byte of the reply, may take this long.
const PATIENCE: Duration = Duration::from_millis(125);

/// Tells the daemon at `socket`, if there is one, that the environment of the project in `folder` is at `generation`
/// after the run `run_id`. Says whether the daemon has heard it.
pub fn env_changed(socket: &Path, folder: &Path, generation: u64, run_id: &str) -> bool {
    try_env_changed(socket, folder, generation, run_id).is_some()
}

fn try_env_changed(socket: &Path, folder: &Path, generation: u64, run_id: &str) -> Option<()> {
    check_ours(socket).ok()?;
    let mut stream = connect(socket)?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let run_id: String = run_id
        .chars()
        .filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c))
        .collect();
    let body = format!("{{\"generation\":{generation},\"run_id\":\"{run_id}\"}}");
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: aim\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        Address::of_folder(folder).url("/env-changed"),
        body.len(),
    );
    stream.write_all(request.as_bytes()).ok()?;
    // The reply is not looked at, but waited for: a server may drop a call whose caller is gone.
    (stream.read(&mut [0; 64]).ok()? > 0).then_some(())
}

/// Connects without waiting: std's own `connect` blocks for as long as a stuck daemon's queue is full.
fn connect(socket: &Path) -> Option<UnixStream> {
    let handle = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).ok()?;
    rustix::io::fcntl_setfd(&handle, rustix::io::FdFlags::CLOEXEC).ok()?;
    let stream = UnixStream::from(handle);
    stream.set_nonblocking(true).ok()?;
    rustix::net::connect(&stream, &SocketAddrUnix::new(socket).ok()?).ok()?;
    stream.set_nonblocking(false).ok()?;
    Some(stream)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn says_one_complete_request() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("bind");
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a caller");
            let mut bytes = vec![0; 4096];
            let n = stream.read(&mut bytes).expect("a request");
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").expect("reply");
            String::from_utf8(bytes[..n].to_vec()).expect("utf-8")
        });
        assert!(env_changed(&socket, Path::new("/a b"), 7, "id\"-1"));
        let request = daemon.join().expect("the daemon's side");
        let (head, body) = request.split_once("\r\n\r\n").expect("head and body");
        assert!(head.starts_with("POST /api/v1/projects/-/env-changed?path=%2Fa%20b HTTP/1.1\r\n"));
        assert!(head.contains(&format!("content-length: {}", body.len())));
        assert_eq!(body, r#"{"generation":7,"run_id":"id-1"}"#);
    }

    #[test]
    fn nobody_there_is_no_trouble() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        assert!(!env_changed(&socket, Path::new("/p"), 1, ""));
        drop(UnixListener::bind(&socket).expect("bind"));
        assert!(
            !env_changed(&socket, Path::new("/p"), 1, ""),
            "a stale socket"
        );
        std::fs::remove_file(&socket).expect("remove");
        let _silent = UnixListener::bind(&socket).expect("bind");
        assert!(
            !env_changed(&socket, Path::new("/p"), 1, ""),
            "never answers"
        );
        let long = dir.path().join("x".repeat(200));
        assert!(!env_changed(&long, Path::new("/p"), 1, ""));
    }
}
