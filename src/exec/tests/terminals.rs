//! Terminals: the capture terminal is like the real one, and what a person does at the real one works.

use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::pty::{OpenptFlags, grantpt, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use super::super::terminal::open_slave;
use super::*;

/// A terminal as a person has one: the far end and the one that programs write to.
fn terminal() -> (OwnedFd, OwnedFd) {
    let far = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    fcntl_setfd(&far, FdFlags::CLOEXEC).unwrap();
    grantpt(&far).unwrap();
    unlockpt(&far).unwrap();
    let near = open_slave(&far).unwrap();
    tcsetwinsize(
        &far,
        Winsize {
            ws_row: 33,
            ws_col: 101,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )
    .unwrap();
    (far, near)
}

/// All that was written to a terminal, once nobody has it open any more.
fn collect_terminal(far: OwnedFd) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
        loop {
            match rustix::io::read(&far, &mut buffer) {
                Ok(0) | Err(Errno::IO) => return all,
                Ok(count) => all.extend_from_slice(&buffer[..count]),
                Err(error) => panic!("{error}"),
            }
        }
    })
}

#[test]
fn a_terminal_is_replaced_by_one_like_it() {
    let (far, near) = terminal();
    let seen = collect_terminal(far);
    let script = "import os\nfor fd in (1, 2): print(os.isatty(fd), *os.get_terminal_size(fd), flush=True)\n\
                  print(os.ttyname(1) == os.ttyname(2))";
    let ran = run_to(
        near.as_fd(),
        near.try_clone().unwrap().as_fd(),
        python(script),
    );
    drop(near);
    assert_eq!(ran.outcome.wiring, Wiring::Together);
    assert_eq!(
        String::from_utf8_lossy(&ran.out),
        "True 101 33\nTrue 101 33\nTrue\n"
    );
    // It is the real terminal, and it alone, that makes a newline into two characters.
    assert_eq!(
        String::from_utf8_lossy(&seen.join().unwrap()),
        "True 101 33\r\nTrue 101 33\r\nTrue\r\n"
    );
}

#[test]
fn a_capture_terminal_is_not_a_controlling_one() {
    let (far, near) = terminal();
    let seen = collect_terminal(far);
    let script = "import os\nos.setsid()\ntry: os.open('/dev/tty', os.O_RDWR)\nexcept OSError: print('none')";
    let ran = run_to(near.as_fd(), near.as_fd(), python(script));
    drop(near);
    assert_eq!(ran.out, b"none\n");
    assert_eq!(seen.join().unwrap(), b"none\r\n");
}

#[test]
fn a_lot_of_terminal_output_is_whole() {
    let (far, near) = terminal();
    let seen = collect_terminal(far);
    let ran = run_to(near.as_fd(), near.as_fd(), sh("seq 1 200000"));
    drop(near);
    let expected = sh("seq 1 200000").output().unwrap().stdout;
    assert!(ran.out == expected);
    let on_screen = String::from_utf8(expected).unwrap().replace('\n', "\r\n");
    assert!(seen.join().unwrap() == on_screen.as_bytes());
}

#[test]
fn one_terminal_and_one_pipe() {
    let (far, near) = terminal();
    let seen = collect_terminal(far);
    let (reader, writer) = io::pipe().unwrap();
    let piped = collect(reader);
    let script = "import os, sys\nprint(os.isatty(1), os.isatty(2))\nprint('err', file=sys.stderr)";
    let ran = run_to(near.as_fd(), writer.as_fd(), python(script));
    drop((near, writer));
    assert_eq!(ran.outcome.wiring, Wiring::Apart);
    assert_eq!(
        (ran.out.as_slice(), ran.err.as_slice()),
        (&b"True False\n"[..], &b"err\n"[..])
    );
    assert_eq!(seen.join().unwrap(), b"True False\r\n");
    assert_eq!(piped.join().unwrap(), b"err\n");
}

#[test]
fn a_terminal_that_hangs_up_fails_the_child_write() {
    let (far, near) = terminal();
    let (reader, writer) = io::pipe().unwrap();
    let errors = collect(reader);
    let script = "import os, sys\nsys.stderr.write('ready\\n'); sys.stderr.flush()\n\
                  try:\n  while True: os.write(1, b'x' * 1000)\n\
                  except OSError as error: sys.exit(error.errno)";
    let mut far = Some(far);
    let ends = Ends {
        stdout: Some(near.as_fd()),
        stderr: Some(writer.as_fd()),
    };
    let outcome = run_on(&ends, &mut python(script), &mut |stream, _| {
        if stream == ChildStream::Stderr {
            far = None;
        }
    });
    drop(writer);
    assert_eq!(outcome.unwrap().status, ChildStatus::Exited(libc::EIO));
    assert_eq!(errors.join().unwrap(), b"ready\n");
}

/// A process of its own on a terminal of its own, as a person's shell would start it.
fn on_terminal(script: &str) -> rexpect::session::PtySession {
    let mut session = rexpect::session::spawn_command(alone("", script), Some(20_000)).unwrap();
    session.exp_string("ready").unwrap();
    session
}

/// The same with Python as the child. The script must not have a single quote.
fn on_terminal_python(script: &str) -> rexpect::session::PtySession {
    on_terminal(&format!("exec {} -c '{script}'", interpreter()))
}

#[test]
fn ctrl_c_reaches_the_child_once() {
    let mut session = on_terminal_python(
        "import signal\ncount = 0\n\
         def caught(*_):\n  global count\n  count += 1\n  print(\"caught\", flush=True)\n\
         signal.signal(signal.SIGINT, caught)\nprint(\"ready\", flush=True)\ninput()\nprint(\"times\", count)",
    );
    session.send_control('c').unwrap();
    session.exp_string("caught").unwrap();
    session.send_line("").unwrap();
    session.exp_string("times 1").unwrap();
    session.exp_eof().unwrap();
}

#[test]
fn ctrl_c_without_a_catcher_ends_us_by_sigint() {
    let mut session = on_terminal("echo ready; exec cat");
    session.send_control('c').unwrap();
    session.exp_eof().unwrap();
    let status = session.process().wait().unwrap();
    assert!(format!("{status:?}").contains("SIGINT"), "{status:?}");
}

#[test]
fn a_resize_reaches_the_capture_terminal() {
    let mut session = on_terminal_python(
        "import os, signal\n\
         signal.signal(signal.SIGWINCH, lambda *_: print(\"size\", *os.get_terminal_size(1), flush=True))\n\
         print(\"ready\", flush=True)\ninput()",
    );
    let pty = session.process().get_file_handle().unwrap();
    tcsetwinsize(
        &pty,
        Winsize {
            ws_row: 44,
            ws_col: 122,
            ws_xpixel: 0,
            ws_ypixel: 0,
        },
    )
    .unwrap();
    session.exp_string("size 122 44").unwrap();
    session.send_line("").unwrap();
    session.exp_eof().unwrap();
}
