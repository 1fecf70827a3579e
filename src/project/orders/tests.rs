use super::*;
use crate::project::settings_file;

fn read_text(text: &str) -> (Orders, Vec<Problem>) {
    let (_, tables) = settings_file::entries_but(text, TABLES).expect("TOML");
    let origin = Origin::File("/p/.aim.toml".into());
    read(tables, text, &origin)
}

#[test]
fn a_command_is_words_or_what_is_typed() {
    let text = "[supervise.web]\ncommand = \"uvicorn --fd 3 'a b'\"\non = \"manual\"\nsignal = \"HUP\"\n\
                grace = 2.5\nlisten = 8000\n[supervise.a]\ncommand = [\"x\", \"--\", \"\"]\n\
                listen = [\"unix:/s\", 1]\n";
    let (orders, problems) = read_text(text);
    assert_eq!(problems, []);
    let [a, web] = &orders.supervised[..] else {
        panic!("{orders:?}")
    };
    assert_eq!(a.command, ["x", "--", ""]);
    assert_eq!(a.options(), ["--listen=unix:/s", "--listen=1"]);
    assert_eq!(web.command, ["uvicorn", "--fd", "3", "a b"]);
    let options = [
        "--on=manual",
        "--signal=HUP",
        "--grace=2.5",
        "--listen=8000",
    ];
    assert_eq!(web.options(), options);
}

#[test]
fn what_would_be_run_is_the_same_whatever_the_file_looks_like() {
    let digest = |text: &str| read_text(text).0.digest();
    let one = digest("[supervise.web]\ncommand = \"a b\"\ngrace = 3\n");
    let same =
        "# later\nguide = false\nsupervise.web = { grace = 3.0, command = [\"a\", \"b\"] }\n";
    assert_eq!(digest(same), one);
    for other in [
        "[supervise.web]\ncommand = \"a b\"\n",
        "[supervise.web]\ncommand = \"a c\"\ngrace = 3\n",
        "[supervise.jobs]\ncommand = \"a b\"\ngrace = 3\n",
        "[supervise.web]\ncommand = \"'a b'\"\ngrace = 3\n",
    ] {
        assert_ne!(digest(other), one, "{other}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line_and_spoils_nothing_else() {
    #[track_caller]
    fn check(text: &str, taken: usize, told: &str) {
        let (orders, problems) = read_text(text);
        assert_eq!(orders.supervised.len(), taken, "{orders:?}");
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let found = problems.iter().any(|problem| problem.contains(told));
        assert!(found, "{told:?} in {problems:?}");
    }
    let good = "[supervise.good]\ncommand = \"x\"\n";
    for name in [
        "\"../x\"",
        "\"a/b\"",
        "\"\"",
        "\".\"",
        "\"..\"",
        "\"a\\u0000\"",
        "\" \"",
    ] {
        check(
            &format!("{good}[supervise.{name}]\ncommand = \"y\"\n"),
            1,
            "/p/.aim.toml:3: ",
        );
    }
    for command in [
        "\"\"",
        "[]",
        "[\"\"]",
        "\"a 'b\"",
        "\"a\\u0000\"",
        "7",
        "[1]",
        "{ a = 1 }",
    ] {
        let text = format!("{good}[supervise.x]\ncommand = {command}\n");
        check(
            &text,
            1,
            "/p/.aim.toml:4: the value of \"supervise.x.command\"",
        );
    }
    check(
        "[supervise.x]\ngrace = 1\n",
        0,
        ":1: the value of \"supervise.x.command\"",
    );
    check("supervise = 7\n", 0, ":1: ");
    check("supervise.web = \"uvicorn\"\n", 0, ":1: ");
    for line in [
        "on = \"never\"",
        "signal = \"a b\"",
        "signal = \"\"",
        "grace = -1",
        "grace = nan",
        "grace = 1e9",
        "listen = \"\"",
        "listen = [\"\"]",
        "listen = true",
        "on = 3",
    ] {
        let name = line.split(' ').next().expect("a name");
        let told = format!(":3: the value of \"supervise.good.{name}\"");
        check(&format!("{good}{line}\n"), 1, &told);
    }
    check(
        &format!("{good}commands = 1\n"),
        1,
        "did you mean \"command\"?",
    );
    let many: Vec<String> = (0..1000)
        .map(|n| format!("[supervise.n{n}]\ncommand = \"x\"\n"))
        .collect();
    let many = many.concat();
    check(&many, 0, "at most 32");
    let bad: Vec<String> = (0..30)
        .map(|n| format!("[supervise.n{n}]\ncommand = 1\n"))
        .collect();
    let bad = bad.concat();
    assert_eq!(read_text(&bad).1.len(), MOST_PROBLEMS);
}

#[test]
fn what_is_run_after_a_change_is_a_shells_line_or_words() {
    let text = "[[after_change]]\nrun = \"make docs && echo 'a b'\"\n[[after_change]]\nname = \"docs\"\n\
                run = [\"make\", \"docs\"]\n[[after_change]]\nrun = \"x\"\n[supervise.web]\ncommand = \"y\"\n";
    let (orders, problems) = read_text(text);
    assert_eq!(problems, []);
    let told: Vec<_> = orders
        .supervised
        .iter()
        .map(|one| (&*one.name, one.command.join(" "), one.options().join(" ")))
        .collect();
    let line = |words: &str| format!("/bin/sh -c {words}");
    let option = "--after-change".to_owned();
    let expected = [
        (
            "after-change",
            line("make docs && echo 'a b'"),
            option.clone(),
        ),
        ("after-change-2", line("x"), option.clone()),
        ("docs", "make docs".to_owned(), option),
        ("web", "y".to_owned(), String::new()),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_is_wrong_with_one_that_is_run_after_a_change_is_told() {
    let good = "[supervise.web]\ncommand = \"y\"\n[[after_change]]\nrun = \"x\"\n";
    for (text, taken, told) in [
        (
            "[[after_change]]\n",
            2,
            ":5: the value of \"after_change.run\"",
        ),
        (
            "[[after_change]]\nrun = \" \"\n",
            2,
            ":6: the value of \"after_change.run\"",
        ),
        (
            "[[after_change]]\nrun = []\n",
            2,
            ":6: the value of \"after_change.run\"",
        ),
        (
            "[[after_change]]\nrun = \"a\\u0000\"\n",
            2,
            ":6: the value of \"after_change.run\"",
        ),
        (
            "[[after_change]]\nrun = \"a\"\nname = \"../a\"\n",
            2,
            ":7: the value of \"after_change.name\"",
        ),
        (
            "[[after_change]]\nrun = \"a\"\nname = \"web\"\n",
            2,
            "no other command",
        ),
        (
            "[[after_change]]\nruns = \"a\"\n",
            2,
            "did you mean \"run\"?",
        ),
        (
            "[[after_change]]\nrun = \"a\"\nnames = \"b\"\n",
            3,
            "did you mean \"name\"?",
        ),
    ] {
        let (orders, problems) = read_text(&format!("{good}{text}"));
        assert_eq!(orders.supervised.len(), taken, "{text}");
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let found = problems.iter().any(|problem| problem.contains(told));
        assert!(found, "{told:?} in {problems:?}");
    }
    for text in [
        "after_change = \"make\"\n",
        "[after_change]\nrun = \"make\"\n",
        "after_change = [\"make\"]\n",
    ] {
        let (orders, problems) = read_text(text);
        assert!(orders.is_empty());
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems[0].contains("[[after_change]]"), "{problems:?}");
    }
    let many = "[[after_change]]\nrun = \"x\"\n".repeat(33);
    assert!(read_text(&many).0.is_empty());
}
