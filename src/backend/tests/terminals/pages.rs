//! What a page sees of a session.

use super::*;

#[test]
fn a_terminal_is_one() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    assert_eq!(page.ready()["resumed"], false);
    assert_eq!(page.ready()["offset"], 0);
    assert_eq!(page.output("pwd"), project.root().display().to_string());
    assert_eq!(page.output("stty size"), "24 80");
    page.say(&json!({"type": "resize", "cols": 100, "rows": 30}));
    assert_eq!(page.output("stty size"), "30 100");
    // What is no size changes nothing, and what cannot be understood is said.
    page.say(&json!({"type": "resize", "cols": 0, "rows": 30}));
    page.say(&json!({"type": "resize", "cols": "x", "rows": 30}));
    page.say(&json!(["nonsense"]));
    assert_eq!(page.output("stty size"), "30 100");
    let errors = page.told.iter().filter(|told| told["type"] == "error");
    assert_eq!(errors.count(), 2, "{:?}", page.told);
    // Job control, and a controlling terminal.
    page.type_in("sleep 1000\r");
    wait_until("it runs", || list(&world)[0]["command"] == "sleep 1000");
    page.type_in("\u{3}");
    assert_eq!(
        page.output(": </dev/tty && echo one of its own"),
        "one of its own"
    );
    assert_eq!(
        page.output("trap"),
        "",
        "every signal has its default action"
    );
    page.type_in("exit 3\r");
    assert_eq!(page.farewell(), (1000, "exit 3".to_owned()));
    assert_eq!(
        page.told.last(),
        Some(&json!({"type": "exit", "code": 3, "signal": null}))
    );
    assert_eq!(list(&world), json!([]));
}

#[test]
fn a_page_that_comes_back_misses_nothing() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let session = page.session();
    page.type_in("for i in 1 2 3 4 5; do echo line $i; done; echo en\"\"d\r");
    page.until("end");
    let (all, half) = (page.shown.clone(), page.shown.len() / 2);
    drop(page);
    wait_until("nobody looks", || list(&world)[0]["is_shown"] == false);
    let mut page = Page::come(
        &world,
        project.root(),
        &format!("session={session}&offset={half}"),
    );
    assert_eq!(page.ready()["resumed"], true);
    assert_eq!(page.ready()["offset"], half);
    page.type_in("echo mo\"\"re\r");
    page.until("more");
    assert_eq!(&page.shown[..all.len() - half], &all[half..]);
    // Another one takes it up, from the beginning.
    let mut other = Page::come(&world, project.root(), &format!("session={session}"));
    assert_eq!(other.ready()["resumed"], false);
    other.until("more");
    assert_eq!(&other.shown[..all.len()], &all[..]);
    let (code, reason) = page.farewell();
    assert_eq!((code, reason.contains("another page")), (4409, true));
    assert_eq!(other.output("echo still $((1 + 1))"), "still 2");
}

#[test]
fn refusals_are_told_where_a_page_sees_them() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, &world.path("nowhere"), "");
    let (code, reason) = page.farewell();
    assert_eq!(
        (code, reason.contains("no such project")),
        (4404, true),
        "{reason}"
    );
    let mut page = Page::come(&world, project.root(), "session=gone");
    assert_eq!(page.farewell().0, 4404);
    // Another project's session is none of this one.
    let open = Page::come(&world, project.root(), "");
    let other = world.project("other");
    let wish = format!("session={}", open.session());
    assert_eq!(Page::come(&world, other.root(), &wish).farewell().0, 4404);
    std::fs::write(project.root().join(".aim.toml"), "[terminal]\nlimit = 1\n").expect("write");
    assert_eq!(Page::come(&world, project.root(), "").farewell().0, 4429);
    std::fs::write(project.root().join(".aim.toml"), "").expect("write");
    let mut page = Page::come(&world, project.root(), "");
    page.type_in(&"x".repeat(1 << 20));
    assert_eq!(page.farewell().0, 1009);
    assert_eq!(
        world.get("/api/ws/terminal/x").0,
        426,
        "no WebSocket was asked for"
    );
    drop(open);
}

#[test]
fn an_old_page_gets_bytes_alone() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::speaking(&world, project.root(), "events=1", false);
    page.say(&json!({"type": "dance"}));
    page.say(&json!("nonsense"));
    assert_eq!(page.output("echo $((40 + 2))"), "42");
    // It acknowledges nothing, and gets everything.
    page.shown.clear();
    page.type_in("seq 1 400000; echo do\"\"ne\r");
    page.until("\ndone");
    assert!(page.shown.len() > 2_500_000, "{}", page.shown.len());
    page.type_in("exit\r");
    assert_eq!(page.farewell(), (1000, "exit 0".to_owned()));
}

#[test]
fn a_long_paste_is_whole_and_a_slow_page_holds_the_program_up() {
    let Some((world, project)) = world_with("bash") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    let block = "한글 and text 0123456789\n".repeat(2_000);
    let count = 40;
    let total = block.len() * count;
    page.type_in(&format!(
        "stty raw -echo; echo re\"\"ady; head -c {total} | cksum; stty sane\r"
    ));
    page.until("ready");
    for _ in 0..count {
        page.type_in(&block);
    }
    std::fs::write(world.path("paste"), block.repeat(count)).expect("write");
    let expected = std::process::Command::new("cksum")
        .stdin(std::fs::File::open(world.path("paste")).expect("open"))
        .output()
        .expect("cksum");
    page.until(String::from_utf8_lossy(&expected.stdout).trim());
    // A page that draws nothing is sent so much and no more; a key is still heard.
    page.speaks_v1 = false;
    page.shown.clear();
    page.type_in("yes\r");
    while page.shown.len() < 256 << 10 {
        page.read();
    }
    let held = page.shown.len();
    let session = &list(&world)[0];
    assert_eq!(session["command"], "yes");
    assert!(held < 400 << 10, "{held}");
    page.speaks_v1 = true;
    page.say(&json!({"type": "ack", "bytes": held}));
    page.type_in("\u{3}");
    assert_eq!(page.output("echo stopped"), "stopped");
}

#[test]
fn a_page_that_asks_is_answered() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let mut page = Page::come(&world, project.root(), "");
    page.say(&json!({"type": "ping"}));
    while page.told.last().is_some_and(|told| told["type"] == "ready") {
        page.read();
    }
    assert_eq!(page.told.last(), Some(&json!({"type": "pong"})));
}

/// The rows that a terminal of 80 columns and 24 rows shows after `bytes`, without those that are empty.
fn rows(bytes: &[u8]) -> Vec<(usize, String)> {
    let mut terminal = avt::Terminal::new(80, 24).expect("a size");
    terminal.feed(&*String::from_utf8_lossy(bytes));
    let lines = terminal.screen().visible_lines().enumerate();
    lines
        .map(|(row, line)| (row, line.text().trim_end().to_owned()))
        .filter(|(_, text)| !text.is_empty())
        .collect()
}

#[test]
fn an_editor_shows_its_screen_after_more_than_is_kept() {
    let Some((world, project)) = world_with("bash") else {
        return;
    };
    // It draws one row again and again, and all of them when its terminal has another size than before.
    let editor = "draw() { printf '\\033[2J\\033[1;1Htop\\033[24;1Hbottom\\033[3;1Hmiddle'; }\n\
         again() { now=$(stty size); [ \"$now\" = \"$was\" ] || { was=$now; draw; }; }\n\
         was=$(stty size); printf '\\033[?1049h'; draw; trap again WINCH\n\
         yes \"$(printf '\\033[3;1Hmiddle')\" | tr -d '\\n' | head -c 3600000\n\
         printf '\\033[3;1Hmiddle\\033[5;1Hdrawn'; while :; do sleep 0.1; done\n";
    std::fs::write(world.path("editor"), editor).expect("write");
    let mut page = Page::come(&world, project.root(), "");
    page.type_in(&format!("bash {}\r", world.path("editor").display()));
    page.until("drawn");
    let of = |texts: &[(usize, &str)]| -> Vec<(usize, String)> {
        let rows = texts.iter().map(|(row, text)| (*row, (*text).to_owned()));
        rows.collect()
    };
    let stayed = of(&[(0, "top"), (2, "middle"), (4, "drawn"), (23, "bottom")]);
    assert_eq!(rows(&page.shown), stayed);
    let wish = format!("session={}", page.session());
    drop(page);
    wait_until("it is quiet", || list(&world)[0]["idle_s"] != 0);
    let mut next = Page::come(&world, project.root(), &wish);
    let begun = Instant::now();
    let drawn_again = of(&[(0, "top"), (2, "middle"), (23, "bottom")]);
    while rows(&next.shown) != drawn_again {
        assert!(
            begun.elapsed() < PATIENCE && next.read(),
            "it shows {:?}",
            rows(&next.shown)
        );
    }
}

#[test]
fn a_page_is_told_what_another_has_answered_meanwhile() {
    let Some((world, project)) = world_with("sh") else {
        return;
    };
    let come = |wish: &str| Page::come(&world, project.root(), wish);
    let go = |page: Page| {
        drop(page);
        wait_until("nobody looks", || list(&world)[0]["is_shown"] == false);
    };
    let mut page = come("");
    page.type_in("echo on\"\"e\r");
    page.until("one");
    let (seen, visit) = (page.shown.len(), page.ready()["visit"].clone());
    let session = format!("session={}", page.session());
    let again = format!("{session}&offset={seen}&visit={visit}");
    go(page);
    // Nobody else was there: what it gets is news.
    let same = come(&again);
    assert_eq!(same.ready()["resumed"], true);
    assert_eq!(same.ready()["replay"], 0);
    go(same);
    let mut other = come(&session);
    other.type_in("echo tw\"\"o\r");
    other.until("two");
    let all = other.shown.len();
    go(other);
    let back = come(&again);
    assert_eq!(back.ready()["resumed"], true);
    let no_news = back.ready()["replay"].as_u64().expect("a number");
    assert!(
        no_news >= (all - seen) as u64,
        "{no_news} from {seen} to {all}"
    );
    go(back);
    // A page that does not say when it was there last is told as ever.
    let old = come(&format!("{session}&offset={seen}"));
    assert_eq!(old.ready()["replay"], 0);
}
