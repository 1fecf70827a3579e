//! The end of a session, and what stays of it: nothing.

use super::*;

#[test]
fn the_end_of_a_shell_is_told_and_nothing_of_it_stays() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    page.type_in("kill -9 $$\r");
    assert_eq!(page.farewell(), (1000, "signal SIGKILL".to_owned()));
    // A page that wants the end, with a program that wants none.
    let mut page = Page::come(&world, project.root(), "");
    let shell = page.output("echo $$");
    page.type_in("sh -c 'trap \"\" HUP TERM; echo p\"\"id $$; while :; do sleep 1; done'\r");
    let mut text = page.until("pid ");
    while !text.rsplit_once("pid ").expect("said").1.contains('\n') {
        page.read();
        text = page.text();
    }
    let stubborn = text.rsplit_once("pid ").expect("said").1;
    let stubborn = stubborn.lines().next().expect("a line").to_owned();
    assert!(is_alive(&shell) && is_alive(&stubborn));
    page.say(&json!({"type": "close"}));
    assert_eq!(page.farewell(), (1000, "closed".to_owned()));
    wait_until("no process is left", || {
        !is_alive(&shell) && !is_alive(&stubborn)
    });
    // An end that somebody else wants.
    let mut page = Page::come(&world, project.root(), "");
    let (status, _) = world.send(
        "DELETE",
        &format!("/api/v1/terminals/{}", page.session()),
        "",
    );
    assert_eq!(status, 204);
    assert_eq!(page.farewell(), (1000, "closed".to_owned()));
    assert_eq!(world.send("DELETE", "/api/v1/terminals/none", "").0, 404);
}

#[test]
fn a_session_in_which_nothing_happens_is_ended_as_the_setting_says() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let settings = project.root().join(".aim.toml");
    let of = |minutes: u32| format!("[terminal]\nidle_minutes = {minutes}\n");
    std::fs::write(&settings, of(0)).expect("write");
    let kept = Page::come(&world, project.root(), "");
    std::fs::write(&settings, of(1)).expect("write");
    let mut busy = Page::come(&world, project.root(), "");
    busy.type_in("while :; do echo still; sleep 0.05; done\r");
    let mut page = Page::come(&world, project.root(), "");
    let shell = page.output("echo $$");
    let expected = "nothing was typed or printed for too long".to_owned();
    assert_eq!(page.farewell(), (4408, expected));
    wait_until("no process is left", || !is_alive(&shell));
    // One without a page is ended, too.
    let left = Page::come(&world, project.root(), "");
    let session = left.session();
    drop(left);
    let is_open = |session: &str| {
        let all = list(&world);
        let mut all = all.as_array().expect("a list").iter();
        all.any(|open| open["session"] == session)
    };
    wait_until("it is ended", || !is_open(&session));
    assert!(is_open(&kept.session()) && is_open(&busy.session()));
    busy.shown.clear();
    busy.until("still");
}

#[test]
fn a_shell_that_cannot_be_started_is_told_with_the_reason() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let shell = dir.path().join("broken-shell");
    program(&shell, "");
    // It may be run and is a file, but what runs it is not there.
    std::fs::write(&shell, "#!/nowhere/interpreter\n").expect("write");
    let Some((world, project)) = world_with(shell.to_str().expect("text")) else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let (code, reason) = page.farewell();
    assert_eq!(code, 1011, "{reason}");
    let said = format!("{} could not be started: ", shell.display());
    assert!(
        reason.starts_with(&said) && reason.contains("No such file"),
        "{reason}"
    );
    assert_eq!(page.told, [] as [Value; 0], "there is no session");
    assert_eq!(list(&world), json!([]));
    // Once it can be started, it is.
    program(&shell, "exec /bin/sh \"$@\"");
    let mut page = Page::come(&world, project.root(), "");
    assert_eq!(page.output("echo $((1 + 1))"), "2");
}

#[test]
fn a_daemon_that_ends_says_so_and_leaves_no_shell() {
    let Some((mut world, project)) = world_with("bash") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let shell = page.output("echo $$");
    let waiting = std::thread::spawn(move || page.farewell());
    world.end();
    let (code, reason) = waiting.join().expect("told");
    assert_eq!((code, reason.as_str()), (1001, "aim-backend is ending"));
    assert!(!is_alive(&shell));
}

#[test]
fn terminals_leave_no_descriptor_open() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let open = || std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let cycle = || {
        let mut page = Page::come(&world, project.root(), "");
        page.type_in("exit\r");
        page.farewell();
    };
    cycle();
    let before = open();
    for _ in 0..20 {
        cycle();
    }
    // Other tests open files of their own, but none so many for long.
    wait_until("they are closed", || open() < before + 20);
}

#[test]
#[ignore = "takes minutes (`make long`)"]
fn a_thousand_sessions_leave_the_daemon_as_it_was() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let count = |folder: &str| std::fs::read_dir(folder).map_or(0, Iterator::count);
    let memory = || {
        let text = std::fs::read_to_string("/proc/self/statm").expect("statm");
        let pages = text.split(' ').nth(1).expect("resident");
        pages.parse::<u64>().expect("a number") * 4096
    };
    let cycle = |way: usize| {
        let mut page = Page::come(&world, project.root(), "");
        match way % 3 {
            0 => page.type_in("exit\r"),
            1 => page.say(&json!({"type": "close"})),
            _ => page.type_in("kill -KILL $$\r"),
        }
        page.farewell();
    };
    for way in 0..50 {
        cycle(way);
    }
    let (files, threads, bytes) = (count("/proc/self/fd"), count("/proc/self/task"), memory());
    for way in 0..1000 {
        cycle(way);
    }
    wait_until("the descriptors are closed", || {
        count("/proc/self/fd") <= files
    });
    wait_until("no thread is left", || count("/proc/self/task") <= threads);
    let more = memory().saturating_sub(bytes);
    assert!(more < 8 << 20, "{more} bytes more");
    assert_eq!(list(&world).as_array().map(Vec::len), Some(0));
}
