//! The command is in the foreground as if it had been typed: its status, its signals, its terminal.

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

use super::site::{Supervised, call, is_there, kill};
use crate::place::wait_until;
use crate::sandbox::{Ran, Sandbox};
use crate::shells::{Terminal, shells};

#[test]
fn it_ends_as_the_command_ends() {
    let sandbox = Sandbox::ready();
    let run = |script: &str| Ran::of(&mut call(&sandbox, &[], &["sh", "-c", script]));
    run("exit 0").ok();
    run("exit 7").exits(7);
    let killed = run("kill -KILL $$");
    assert_eq!(killed.output.status.signal(), Some(9), "{killed:?}");
    assert_eq!(killed.stderr(), "");
    let missing = Ran::of(&mut call(&sandbox, &[], &["nowhere-to-be-found"]));
    missing.exits(127).warns("nowhere-to-be-found");
    sandbox.write("no_program", "#!/nowhere/at/all\n");
    Ran::of(&mut call(&sandbox, &[], &["./no_program"])).exits(127);
    Ran::of(&mut call(&sandbox, &[], &[])).exits(2);
    Ran::of(&mut call(&sandbox, &["--signal", "NONE"], &["true"]))
        .exits(2)
        .warns("HUP");
    Ran::of(&mut call(&sandbox, &["--listen", "here"], &["true"]))
        .exits(2)
        .warns("PORT");
}

#[test]
fn its_streams_and_its_environment_are_the_commands() {
    let sandbox = Sandbox::ready();
    let mut call = call(
        &sandbox,
        &[],
        &[
            "python",
            "-c",
            "import sys; print(input() + sys.prefix, flush=True)",
        ],
    );
    call.env("PYTHONHOME", "/nowhere")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = call.spawn().expect("starts");
    let mut input = child.stdin.take().expect("piped");
    input.write_all(b"typed \n").expect("typed");
    let output = child.wait_with_output().expect("ends");
    let expected = format!("typed {}\n", sandbox.venv().display());
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[test]
fn what_is_sent_to_it_alone_reaches_the_command() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &[], &[]);
    for signal in ["HUP", "USR1"] {
        supervised.send(signal);
        supervised.says(&format!("heard SIG{signal}"), 1);
    }
    supervised.send("TERM");
    supervised.says("heard SIGTERM", 1);
    assert_eq!(supervised.ends().code(), Some(40));
}

#[test]
fn a_killed_one_takes_the_command_along() {
    let sandbox = Sandbox::ready();
    let supervised = Supervised::script(&sandbox, &[], &[]);
    let (pid, _) = supervised.begun().remove(0);
    assert!(is_there(pid));
    kill(supervised.pid(), "KILL");
    wait_until("the command ends", || !is_there(pid));
    // Its note is nobody's now.
    let again = Supervised::script(&sandbox, &["--name", "python"], &[]);
    again.stop();
}

#[test]
fn keys_and_job_control_are_the_commands() {
    let sandbox = Sandbox::ready();
    sandbox.write(
        "wait.py",
        "import signal\nprint('be' + 'gan', flush=True)\ntry:\n    signal.pause()\nexcept KeyboardInterrupt:\n    \
        print('inter' + 'rupted', flush=True)\n    raise SystemExit(5)\n",
    );
    let Some(bash) = shells().into_iter().find(|(name, ..)| *name == "bash") else {
        return;
    };
    let mut terminal = Terminal::of(&sandbox, bash);
    terminal.prompt(0);
    terminal.types_without_prompt("aim-worker supervise -- python wait.py", "began");
    // Ctrl-Z stops both, `fg` continues both, Ctrl-C is the command's alone to answer.
    let shown = terminal.presses('\x1a', 148);
    assert!(shown.contains("Stopped"), "{shown:?}");
    terminal.types_without_prompt("fg", "wait.py");
    let shown = terminal.presses('\x03', 5);
    assert_eq!(shown.matches("interrupted").count(), 1, "{shown:?}");
}
