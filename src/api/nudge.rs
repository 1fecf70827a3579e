//! One message to the daemon that may get lost: "this project's environment is at generation N".
//!
//! For the shim, after pip has ended: the standard library and one system call, a short time limit, no error. The
//! daemon reads `env_meta.json` before every node anyway, so a lost message delays only the warm-up.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::Address;
use super::place::{Place, places};
use crate::host::Host;
use crate::project::Project;

/// Each of the two steps, writing and waiting for the first byte of the reply, may take this long.
const PATIENCE: Duration = Duration::from_millis(125);

/// Tells the daemon of `project`, if there is one, that the environment is at `generation` after the run `run_id`: of
/// this project, and of those that share its environment. Says whether the daemon has heard it.
pub fn env_changed(host: &Host, project: &Project, generation: u64, run_id: &str) -> bool {
    let places = places(host, Some(project));
    // Who listens and does not answer is waited for; nobody else is then.
    let told = |folder: &PathBuf| {
        let mut answers = places.iter();
        answers.find_map(|place| tell(place, folder, generation, run_id))
    };
    let heard: Vec<_> = project.sharing().iter().map(told).collect();
    heard.contains(&Some(true))
}

/// Whether the daemon at `place` has heard it; none where there is none.
fn tell(place: &Place, folder: &Path, generation: u64, run_id: &str) -> Option<bool> {
    let stream = place.connect_at_once().ok()?;
    Some(say(stream, folder, generation, run_id).is_some())
}

fn say(mut stream: UnixStream, folder: &Path, generation: u64, run_id: &str) -> Option<()> {
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
        let place = Place::of_ours(&socket);
        assert_eq!(tell(&place, Path::new("/a b"), 7, "id\"-1"), Some(true));
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
        let told = |socket: &Path| tell(&Place::of_ours(socket), Path::new("/p"), 1, "");
        assert_eq!(told(&socket), None);
        drop(UnixListener::bind(&socket).expect("bind"));
        assert_eq!(told(&socket), None, "a stale socket");
        std::fs::remove_file(&socket).expect("remove");
        let _silent = UnixListener::bind(&socket).expect("bind");
        assert_eq!(told(&socket), Some(false), "never answers");
        assert_eq!(told(&dir.path().join("x".repeat(200))), None);
    }
}
