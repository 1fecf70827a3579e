//! Every shape, in every piece that it may come in.

use proptest::prelude::*;

use super::testing::{innocent, shaped};
use super::*;

fn in_pieces(text: &str, size: usize) -> String {
    let (mut hiding, mut shown) = (Hiding::default(), String::new());
    let mut rest = text;
    while !rest.is_empty() {
        let end = (size..rest.len()).find(|at| rest.is_char_boundary(*at));
        let (piece, more) = rest.split_at(end.unwrap_or(rest.len()));
        shown.push_str(&hiding.feed(piece));
        rest = more;
    }
    shown + &hide(&hiding.take_held())
}

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(hide(text), expected);
    assert_eq!(hide(expected), expected, "hidden twice");
    for size in 1..=text.len() {
        assert_eq!(in_pieces(text, size), expected, "in pieces of {size}");
    }
}

/// `line` in lines of `width`, in a frame or without one, as rich folds it: a word that is too long for one begins a
/// line, and is broken at its end.
fn folded(line: &str, width: usize, is_framed: bool) -> String {
    let mut lines = vec![String::new()];
    for word in line.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let last = lines.last_mut().expect("a line");
            let column = last.chars().count();
            let room = width.saturating_sub(column + usize::from(column > 0));
            if room < word.len() && column > 0 {
                lines.push(String::new());
                continue;
            }
            if column > 0 {
                last.push(' ');
            }
            last.extend(word.drain(..room.min(word.len())));
        }
    }
    let framed = |line: &String| format!("│ │ {line:width$} │ │");
    if is_framed {
        lines = lines.iter().map(framed).collect();
    }
    lines.join("\n") + "\n"
}

/// Whether four neighbours of `secret` are together in `text`, which was made of `source`. What stands together in
/// `source` beside the secret, too (`rk/a` of a path), gives nothing away.
fn has_part(text: &str, secret: &str, source: &str) -> bool {
    let beside = source.replace(secret, "\n");
    let letters: Vec<char> = secret.chars().collect();
    let mut parts = letters
        .windows(4)
        .map(|part| part.iter().collect::<String>());
    parts.any(|part| text.contains(&part) && !beside.contains(&part))
}

#[test]
fn words_broken_over_lines_are_one() {
    check(
        "│ │ link = <Link https://user:hunt │ │\n│ │ er2@host/x>                     │ │\n",
        "│ │ link = <Link https://user:**** │ │\n│ │ ****@host/x>                     │ │\n",
    );
    let url = format!("Collecting x@ http://{}", "u".repeat(40));
    check(
        &format!("{url}:hunt\ner2@host/x.whl\nnext\n"),
        &format!("{url}:****\n****@host/x.whl\nnext\n"),
    );
    let wide = format!("https://h/{}?token=", "a".repeat(60));
    check(
        &format!("{wide}SECR\nET99x\nCollecting six\n"),
        &format!("{wide}****\n****\nCollecting six\n"),
    );
    check(
        &format!(
            "{wide}SECR\n{}\nET99x and more\nCollecting six\n",
            "B".repeat(72)
        ),
        &format!("{wide}****\n****\n**** and more\nCollecting six\n"),
    );
    check(
        &format!("{wide}SECR\nCollecting six\n"),
        &format!("{wide}****\nCollecting six\n"),
    );
    let token = format!("{} https://hunter2", "a".repeat(60));
    check(
        &format!("{token}\n@host/x and more\n"),
        &format!("{} https://****\n@host/x and more\n", "a".repeat(60)),
    );
    let named = format!("https://h/{}?to", "a".repeat(60));
    check(
        &format!("{named}\nken=SECRET99\n"),
        &format!("{named}\nken=****\n"),
    );
    check(
        "x = 'https://hunter2'+20 and 'https://h.org'+20\n",
        "x = 'https://****'+20 and 'https://h.org'+20\n",
    );
}

#[test]
fn what_is_not_settled_is_shown_without_what_may_be_a_secret() {
    let text = format!(
        "Looking in https://user:hunter2 and hunter3@host/simple now\nnext --token=hunter2 x\n\
         https://h/{}?token=hunter2\nhunter3\n https://hunter2@h/\n",
        "a".repeat(60)
    );
    for end in 0..=text.len() {
        for from in [0, end / 2, end] {
            let mut hiding = Hiding::default();
            let shown = hiding.feed(&text[..from]) + &hiding.preview(&text[from..end]);
            assert!(!shown.contains("hu"), "{from} {end} {shown}");
        }
    }
    let plain = "Collecting six\n 10% of it";
    assert_eq!(Hiding::default().preview(plain), plain);
}

#[test]
fn a_masked_line_keeps_its_columns() {
    let mut line = "가 https://u:비밀한글@host 나 token=ab".to_owned();
    for _ in 0..2 {
        mask(&mut line);
        assert_eq!(line, "가 https://u:****@host 나 token=**");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_shape_passes_in_any_pieces(before in innocent(), (secret, line) in shaped(), after in innocent()) {
        let text = format!("{before}\n{line}\n{after}\n");
        let hidden = hide(&text);
        prop_assert!(!has_part(&hidden, &secret, &text), "{}", hidden);
        prop_assert!(hidden.starts_with(&format!("{before}\n")), "{}", hidden);
        prop_assert!(hidden.ends_with(&format!("\n{after}\n")), "{}", hidden);
        prop_assert_eq!(&hide(&hidden), &hidden);
        for size in 1..=text.len() {
            prop_assert_eq!(&in_pieces(&text, size), &hidden, "{}", size);
        }
        let words = words(&["pip", "install", &line]);
        prop_assert!(!has_part(&words[2], &secret, &line), "{}", words[2]);
    }

    #[test]
    fn no_shape_passes_where_a_terminal_broke_it(
        (secret, line) in shaped(),
        width in 60_usize..110,
        is_framed: bool,
        indent in 0_usize..60,
    ) {
        prop_assume!(!secret.contains(' '));
        // Values are long enough to be broken more than once; of a userinfo, one end of a line is looked over.
        let value = |end: &str| line.contains(&format!("{secret}{end}"));
        let is_userinfo = ["@", ":", "%40"].iter().any(|end| value(end));
        let long = secret.repeat(if is_userinfo { 1 } else { 12 });
        let line = line.replace(&secret, &long);
        let source = format!("{} {line}", "x".repeat(indent));
        let text = folded(&source, width, is_framed);
        // Where a line ends between a name and its value, nothing was broken.
        let other_word = ["machine", "--config-settings"];
        let begins = |text: &str| text.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with("Zq");
        prop_assume!(!text.lines().any(begins) && !other_word.iter().any(|name| line.starts_with(name)));
        let hidden = hide(&text);
        prop_assert!(!has_part(&hidden, &secret, &source), "{}\n{}", text, hidden);
        prop_assert_eq!(hidden.lines().count(), text.lines().count());
        prop_assert_eq!(&hide(&hidden), &hidden);
        for size in [1, 7, 64] {
            prop_assert_eq!(&in_pieces(&text, size), &hidden, "{}", size);
        }
    }

    #[test]
    fn nothing_is_shown_before_its_end_is_known((secret, line) in shaped()) {
        for cut in (0..=line.len()).filter(|cut| line.is_char_boundary(*cut)) {
            let shown = Hiding::default().preview(&line[..cut]);
            prop_assert!(!has_part(&shown, &secret, &line), "{:?} of {:?}", shown, line);
        }
    }

    #[test]
    fn innocent_text_is_unchanged(lines in prop::collection::vec(innocent(), 0..30), size in 1_usize..40) {
        let text = lines.join("\n");
        prop_assert_eq!(&hide(&text), &text);
        prop_assert_eq!(in_pieces(&text, size), text);
    }

    #[test]
    fn hiding_twice_is_hiding_once(text in "([a-z:/@=?&%. \"'│-]|https://|token|password|%3A%2F%2F|\n){0,40}") {
        let once = hide(&text).into_owned();
        prop_assert_eq!(hide(&once), once.as_str());
    }
}
