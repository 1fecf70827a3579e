//! `aim-backend stop`: asks the daemon's process to end, and waits until it has.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::socket::{holder, other_program};
use super::status::here;
use crate::api::v1::PROGRAM;
use crate::api::{Place, health_at, no_daemon, places};
use crate::console::Console;
use crate::error::{Error, Exit, Explain, Result};
use crate::host::Host;
use crate::project::socket_lock;
use crate::store::Environments;
use crate::supervise::supervised_in;
use crate::words::t;

/// How long the daemon may take: its grace for calls and for workers, and some more; for commands that projects order,
/// as long as those.
const PATIENCE: Duration = Duration::from_secs(20);

/// `aim-backend stop`: the daemon that the commands here would call. Another program goes on, whatever it offers.
pub(super) fn run(host: &Host, console: &mut Console) -> Result<Exit> {
    let project = here(host);
    let mut why = None;
    for place in places(host, project.as_ref()) {
        let Ok(serving) = serving_process(&place) else {
            continue;
        };
        match ours(&place, serving) {
            Ok((pid, lock)) => return end(host, pid, lock, console),
            Err(stranger) => drop(why.get_or_insert(stranger)),
        }
    }
    Err(why.unwrap_or_else(no_daemon))
}

/// The process to end, and its lock, if it is one of `aim-backend` that listens at `place`.
fn ours(place: &Place, serving: Option<u32>) -> Result<(Pid, File)> {
    let socket = place.socket();
    let health = health_at(place.clone());
    if let Some(program) = health.as_ref().and_then(|health| health.program.as_ref())
        && program != PROGRAM
    {
        return Err(other_program(socket, program));
    }
    // The process id in the lock file is believed only if the socket's peer has the same one: ids are used again. Where
    // a service manager made the socket, that is the peer, and the daemon is asked.
    let mut lock = File::open(socket_lock(socket)).map_err(|_| stranger(socket))?;
    let answering = health.and_then(|health| health.pid);
    let pid = holder(&mut lock)
        .filter(|pid| [serving, answering].contains(&Some(*pid)))
        .and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        .ok_or_else(|| stranger(socket))?;
    Ok((pid, lock))
}

fn end(host: &Host, pid: Pid, lock: File, console: &mut Console) -> Result<Exit> {
    let number = pid.as_raw_nonzero();
    kill_process(pid, Signal::TERM).context(t!("backend.cannot_stop", pid = number))?;
    let line = console.waiting(|time| Some(t!("backend.waiting_end", time = time).into_owned()));
    let line = line.until_interrupted();
    let ended = wait_for(lock, || has_ordered(host));
    drop(line);
    ended.map_err(|()| {
        Error::failed(t!("backend.does_not_stop", pid = number))
            .hint(format!("kill -KILL {number}"))
    })?;
    if console.is_json() {
        console.json(&serde_json::json!({"stopped": true, "pid": number.get()}))?;
    } else {
        console.note(t!("backend.stopped", pid = number));
    }
    Ok(Exit::Done)
}

/// The process that listens at `place`.
fn serving_process(place: &Place) -> io::Result<Option<u32>> {
    place.check()?;
    let stream = UnixStream::connect(place.socket())?;
    place.check_peer(&stream)?;
    stream.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let _inside = runtime.enter();
    let pid = tokio::net::UnixStream::from_std(stream)?.peer_cred()?.pid();
    Ok(pid.and_then(|pid| u32::try_from(pid).ok()))
}

/// Returns when the daemon's lock is free, which is when its process has ended. More patience is had with one that
/// waits for others (`is_waiting`).
fn wait_for(lock: File, is_waiting: impl Fn() -> bool) -> Result<(), ()> {
    let (free, is_free) = mpsc::channel();
    #[expect(
        clippy::disallowed_methods,
        reason = "a thread of a command, which ends with it"
    )]
    std::thread::spawn(move || {
        let _ = lock.lock();
        let _ = free.send(());
    });
    while is_free.recv_timeout(PATIENCE).is_err() {
        if !is_waiting() {
            return Err(());
        }
    }
    Ok(())
}

/// Whether a command runs that a project orders: the daemon gives it the time that the order says.
fn has_ordered(host: &Host) -> bool {
    let known = Environments::of(host);
    let known = known.iter().filter_map(|all| all.projects().ok());
    known.flatten().any(|project| {
        let mut all = supervised_in(&project).into_iter();
        all.any(|one| one.is_ordered_by(project.root()))
    })
}

/// Something that is not `aim-backend` listens there.
fn stranger(socket: &Path) -> Error {
    Error::failed(t!("backend.stranger", path = socket.display()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::console::CommonArgs;
    use crate::env_vars;

    fn stop(socket: &Path) -> Error {
        let host = Host::fake(["aim-backend"]).with_var(env_vars::SOCKET, socket);
        let common = CommonArgs::default();
        let mut console = Console::onto(&host, &common, Box::new(io::sink()), Box::new(io::sink()));
        run(&host, &mut console).expect_err("nothing to stop")
    }

    #[test]
    fn where_no_daemon_is_there_is_nothing_to_stop() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        assert_eq!(stop(&socket).exit(), Exit::NoDaemon);
        drop(UnixListener::bind(&socket).expect("bind"));
        assert_eq!(stop(&socket).exit(), Exit::NoDaemon, "a stale socket");
    }

    #[test]
    fn a_number_that_is_not_the_sockets_is_not_believed() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let _listener = UnixListener::bind(&socket).expect("bind");
        assert_eq!(stop(&socket).exit(), Exit::Failed, "no lock");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a bystander");
        std::fs::write(socket_lock(&socket), format!("{}\n", child.id())).expect("write");
        assert_eq!(stop(&socket).exit(), Exit::Failed);
        assert!(child.try_wait().expect("its state").is_none(), "it lives");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    #[test]
    fn another_program_is_not_ended_even_where_it_has_our_lock() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let socket = dir.path().join("s");
        let listener = UnixListener::bind(&socket).expect("bind");
        // As if the toolkit's own process were to be ended: this one.
        std::fs::write(socket_lock(&socket), format!("{}\n", std::process::id())).expect("write");
        let other = std::thread::spawn(move || {
            let _ = listener.accept().expect("a look at who listens");
            let (mut stream, _) = listener.accept().expect("a call");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let body = r#"{"status":"healthy","service":"backend","program":"aim-forge"}"#;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + body).as_bytes()).expect("reply");
        });
        let error = stop(&socket);
        other.join().expect("the other program");
        assert_eq!(error.exit(), Exit::Failed);
        assert!(error.to_string().contains("aim-forge"), "{error}");
        assert!(error.hints().is_empty(), "{error:?}");
    }
}
