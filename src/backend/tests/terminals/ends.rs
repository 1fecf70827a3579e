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
