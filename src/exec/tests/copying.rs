//! What passes, where it goes, and when a run is over.

use super::*;

#[test]
fn apart_each_output_is_itself() {
    let ran = run_apart(sh("echo out; echo err >&2"));
    assert_eq!(ran.outcome.wiring, Wiring::Apart);
    assert_eq!(
        (ran.out.as_slice(), ran.err.as_slice()),
        (&b"out\n"[..], &b"err\n"[..])
    );
}

#[test]
fn together_keeps_the_order() {
    let (reader, writer) = io::pipe().unwrap();
    let seen = collect(reader);
    let ran = run_to(
        writer.as_fd(),
        writer.try_clone().unwrap().as_fd(),
        sh("for i in 1 2 3 4; do echo o$i; echo e$i >&2; done"),
    );
    drop(writer);
    let expected = "o1\ne1\no2\ne2\no3\ne3\no4\ne4\n";
    assert_eq!(ran.outcome.wiring, Wiring::Together);
    assert_eq!(String::from_utf8_lossy(&ran.out), expected);
    assert!(ran.err.is_empty());
    assert_eq!(seen.join().unwrap(), ran.out);
}

#[test]
fn statuses() {
    let check = |script: &str, expected| {
        assert_eq!(run_apart(sh(script)).outcome.status, expected, "{script}");
    };
    check("true", ChildStatus::Exited(0));
    check("exit 120", ChildStatus::Exited(120));
    check("exit 255", ChildStatus::Exited(255));
    check("kill -TERM $$", ChildStatus::Signaled(libc::SIGTERM));
    check("kill -PIPE $$", ChildStatus::Signaled(libc::SIGPIPE));
    check("kill -KILL $$", ChildStatus::Signaled(libc::SIGKILL));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    let ends = Ends {
        stdout: None,
        stderr: None,
    };
    let error = run_on(
        &ends,
        &mut Command::new("/nonexistent/python"),
        &mut |_, _| {},
    )
    .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn any_bytes_pass() {
    let script = "import os\nfor _ in range(300): os.write(1, bytes(range(256)))\nos.write(2, b'\\xff\\0\\r')";
    let ran = run_apart(python(script));
    assert_eq!(ran.out, (0..300).flat_map(|_| 0..=255).collect::<Vec<u8>>());
    assert_eq!(ran.err, b"\xff\0\r");
}

#[test]
fn two_hundred_megabytes_arrive_unchanged() {
    fn hash(mut reader: impl io::Read) -> (u64, u64) {
        let (mut hasher, mut total, mut buffer) = (DefaultHasher::new(), 0, vec![0; 1 << 16]);
        loop {
            match reader.read(&mut buffer).unwrap() {
                0 => return (hasher.finish(), total),
                count => {
                    hasher.write(&buffer[..count]);
                    total += count as u64;
                }
            }
        }
    }
    let source = || {
        let mut command = Command::new("seq");
        command.args(["1", "23500000"]);
        command
    };
    let mut direct = source().stdout(Stdio::piped()).spawn().unwrap();
    let expected = hash(direct.stdout.take().unwrap());
    direct.wait().unwrap();

    let (reader, writer) = io::pipe().unwrap();
    let seen = thread::spawn(move || hash(reader));
    let (mut hasher, mut total) = (DefaultHasher::new(), 0);
    let ends = Ends {
        stdout: Some(writer.as_fd()),
        stderr: None,
    };
    let outcome = run_on(&ends, &mut source(), &mut |_, bytes| {
        hasher.write(bytes);
        total += bytes.len() as u64;
    });
    drop(writer);
    assert_eq!(outcome.unwrap().status, ChildStatus::Exited(0));
    assert!(total > 200_000_000);
    assert_eq!(seen.join().unwrap(), expected);
    assert_eq!((hasher.finish(), total), expected);
}

#[test]
fn a_reader_that_goes_away_is_felt_by_the_child() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let ran = run_to(writer.as_fd(), writer.as_fd(), sh("exec yes"));
    assert_eq!(ran.outcome.status, ChildStatus::Signaled(libc::SIGPIPE));
    assert!(ran.out.is_empty());
}

#[test]
fn a_reader_that_goes_away_is_noticed_while_nothing_is_written() {
    let (out, stdout) = io::pipe().unwrap();
    let (err, stderr) = io::pipe().unwrap();
    let errors = collect(err);
    // Blocks until our end of its stdout is closed: poll reports the error with nothing written.
    let script = "import select, sys\nprint('ready', file=sys.stderr, flush=True)\n\
                  poll = select.poll()\npoll.register(1, 0)\nprint(poll.poll(20000) != [], file=sys.stderr)";
    let mut out = Some(out);
    let ends = Ends {
        stdout: Some(stdout.as_fd()),
        stderr: Some(stderr.as_fd()),
    };
    let outcome = run_on(&ends, &mut python(script), &mut |_, _| out = None);
    drop(stderr);
    assert_eq!(outcome.unwrap().status, ChildStatus::Exited(0));
    assert_eq!(errors.join().unwrap(), b"ready\nTrue\n");
}

#[test]
fn a_failed_stream_leaves_the_other_going() {
    let (out, stdout) = io::pipe().unwrap();
    drop(out);
    let (err, stderr) = io::pipe().unwrap();
    let errors = collect(err);
    let ran = run_to(
        stdout.as_fd(),
        stderr.as_fd(),
        sh("seq 1 100000 2>/dev/null; echo after >&2; exit 5"),
    );
    drop(stderr);
    assert_eq!(ran.outcome.status, ChildStatus::Exited(5));
    assert_eq!(errors.join().unwrap(), b"after\n");
}

#[test]
fn a_slow_reader_holds_the_child_back() {
    let (mut reader, writer) = io::pipe().unwrap();
    let seen = thread::spawn(move || {
        let (mut total, mut byte) = (0, [0; 997]);
        while let Ok(count @ 1..) = reader.read(&mut byte) {
            total += count;
            thread::yield_now();
        }
        total
    });
    let ran = run_to(writer.as_fd(), writer.as_fd(), sh("seq 1 100000"));
    drop(writer);
    assert_eq!(seen.join().unwrap(), ran.out.len());
    assert_eq!(ran.out.len(), 588_895);
}

#[test]
fn flags_of_the_caller_are_kept_and_non_blocking_ones_are_served() {
    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
    for nonblocking in [OFlags::empty(), OFlags::NONBLOCK] {
        let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
        let flags = fcntl_getfl(&near).unwrap() | nonblocking;
        fcntl_setfl(&near, flags).unwrap();
        let seen = thread::spawn(move || {
            let mut all = Vec::new();
            far.read_to_end(&mut all).unwrap();
            all
        });
        let ran = run_to(near.as_fd(), near.as_fd(), sh("seq 1 100000"));
        assert_eq!(fcntl_getfl(&near).unwrap(), flags);
        drop(near);
        assert_eq!(seen.join().unwrap(), ran.out);
        assert_eq!(ran.out.len(), 588_895);
    }
}

#[test]
fn a_file_is_written_where_it_stands() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"before\n").unwrap();
    let ran = run_to(file.as_fd(), file.as_fd(), sh("echo out; echo err >&2"));
    file.write_all(b"after\n").unwrap();
    assert_eq!(ran.outcome.wiring, Wiring::Together);
    let mut text = String::new();
    io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "before\nout\nerr\nafter\n");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_the_childs_own() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (err, stderr) = io::pipe().unwrap();
    let errors = collect(err);
    let script = "import os, sys\ntry: os.write(1, b'x')\nexcept OSError as error: sys.stderr.write(str(error.errno))";
    let ran = run_to(full.as_fd(), stderr.as_fd(), python(script));
    drop(stderr);
    assert_eq!(ran.outcome.status, ChildStatus::Exited(0));
    assert_eq!(errors.join().unwrap(), libc::ENOSPC.to_string().as_bytes());
}

#[test]
fn the_run_ends_with_the_child_and_a_grandchild_writes_on() {
    let (reader, writer) = io::pipe().unwrap();
    let mut seen = BufReader::new(reader);
    let (stdin, line) = io::pipe().unwrap();
    let mut command = sh("exec 3<&0; (read line <&3; echo \"late $line\") & echo early");
    command.stdin(stdin);
    let ran = run_to(writer.as_fd(), writer.as_fd(), command);
    drop(writer);
    assert_eq!(ran.out, b"early\n"); // the grandchild still waits for its line
    (&line).write_all(b"word\n").unwrap();
    let mut rest = String::new();
    seen.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "early\nlate word\n");
}

#[test]
fn a_grandchild_that_never_stops_does_not_keep_the_run() {
    let (reader, writer) = io::pipe().unwrap();
    let mut seen = BufReader::new(reader);
    let drain = thread::spawn(move || {
        let mut pid = String::new();
        seen.read_line(&mut pid).unwrap();
        let mut line = String::new();
        for _ in 0..1_000_000 {
            line.clear();
            seen.read_line(&mut line).unwrap();
        }
        assert_eq!(line, "y\n");
        pid.trim().parse::<i32>().unwrap()
    });
    let ran = run_to(
        writer.as_fd(),
        writer.as_fd(),
        sh("sh -c 'echo $$; exec yes' & exit 4"),
    );
    drop(writer);
    assert_eq!(ran.outcome.status, ChildStatus::Exited(4));
    // Once the reader is gone, `yes` dies of it, however often it was handed on.
    let pid = Pid::from_raw(drain.join().unwrap()).unwrap();
    until(|| rustix::process::test_kill_process(pid).is_err() || is_zombie(pid));
}
