//! Faults in the messages are found when the toolkit is compiled, and what no compiler sees is found here.

use std::process::Command;

#[path = "../../build/words.rs"]
mod build;

const ENGLISH: &str = include_str!("../../locales/en.yml");
const KOREAN: &str = include_str!("../../locales/ko.yml");

/// What becomes of two locale files: their Rust, or the faults.
fn made(english: &str, korean: &str) -> Result<String, Vec<String>> {
    build::rust([("en.yml", english), ("ko.yml", korean)])
}

#[test]
fn a_fault_of_the_files_is_named_with_its_place() {
    let right = "room:\n  says: \"%{a} and %{b}\"\n";
    let check = |korean: &str, expected: &[&str]| {
        assert_eq!(made(right, korean).expect_err(korean), expected);
    };
    assert!(made(right, "room:\n  # with words\n\n  says: \"%{b}, %{a}\"\n").is_ok());
    check("", &["ko.yml: `room.says` is missing"]);
    check(
        "room:\n  says: \"%{a}\"\n",
        &["ko.yml: `room.says` has the values {\"a\"}, in en.yml {\"a\", \"b\"}"],
    );
    check(
        "room:\n  says: \"%{a}%{b}\"\n  more: \"\"\n",
        &["en.yml: `room.more` is missing"],
    );
    check(
        "room:\n  says: \"%{a}%{b}\"\n  says: \"%{a}%{b}\"\n",
        &["ko.yml:3: `room.says` stands here a second time"],
    );
    for (text, why) in [
        ("room:\n  says: plain", "2: not a text in double quotes"),
        (
            "room:\n  says: \"a\" # why",
            "2: not a text in double quotes",
        ),
        (
            "room:\n  says: \"a\"b\"",
            "2: a double quote inside the text needs a \\",
        ),
        (r#"says: "\t""#, r#"1: only \", \\ and \n have a meaning"#),
        (
            r#"says: "open\""#,
            r#"1: only \", \\ and \n have a meaning"#,
        ),
        (
            "says: \"%{A}\"",
            "1: a value is %{name}, in small letters, digits and _",
        ),
        (
            "says: \"%{a\"",
            "1: a value is %{name}, in small letters, digits and _",
        ),
        (
            "room:\n says: \"a\"",
            "2: not two blanks further in than what it belongs to",
        ),
        (
            "room:\n    says: \"a\"",
            "2: not two blanks further in than what it belongs to",
        ),
        (
            "says: \"a\"\n  more: \"b\"",
            "2: not two blanks further in than what it belongs to",
        ),
        (
            "\"room\":",
            "1: not a key of small letters, digits and _, and a colon",
        ),
        (
            "- says",
            "1: not a key of small letters, digits and _, and a colon",
        ),
    ] {
        let faults = made(text, text).expect_err(text);
        assert_eq!(
            faults[..2],
            [format!("en.yml:{why}"), format!("ko.yml:{why}")]
        );
    }
}

#[test]
fn a_wrong_call_is_not_compiled() {
    let english = "room:\n  plain: \"plain\"\n  says: \"%{a} and %{b}\"\n";
    let words = made(english, &english.replace(" and ", ", ")).expect("no fault");
    let compiled = |call: &str| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = folder.path().join("main.rs");
        let program = format!(
            "mod words {{\n    pub enum Language {{ English, Korean }}\n    pub mod messages {{\n        \
             use std::{{borrow::Cow, fmt::Display}};\n        use super::Language;\n        \
             fn language() -> Language {{ Language::Korean }}\n        {words}\n        pub(crate) use t;\n    }}\n}}\n\
             use words::messages::t;\nfn main() {{ let _ = words::Language::English; {call}; }}\n"
        );
        std::fs::write(&source, program).expect("written");
        let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
            .args([
                "--edition=2024",
                "--emit=metadata",
                "-Dwarnings",
                "--out-dir",
            ])
            .args([folder.path(), &source])
            .output()
            .expect("rustc");
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let all = r#"t!("room.plain"); t!("room.says", b = 1, a = "x")"#;
    assert_eq!(compiled(all), (true, String::new()));
    for (call, why) in [
        (
            r#"t!("room.sais")"#,
            "`room.sais` is no message of en.yml and ko.yml",
        ),
        (
            r#"t!("room.says", 1, 2)"#,
            "or its values are not `name = value`",
        ),
        (r#"t!("room.says", a = 1)"#, "missing field `b`"),
        (
            r#"t!("room.says", a = 1, b = 2, c = 3)"#,
            "no field named `c`",
        ),
        (r#"t!("room.plain", a = 1)"#, "no field named `a`"),
        (
            r#"t!("room.plain")"#,
            "struct `RoomSays` is never constructed",
        ),
    ] {
        let (is_compiled, said) = compiled(call);
        assert!(!is_compiled && said.contains(why), "{call}: {said}");
    }
}

/// Particles that depend on the sound before them (`이` or `가`) cannot follow a value, whose sound nobody knows: the
/// sentence is built otherwise, or says both (`이(가)`).
#[test]
fn no_korean_particle_guesses_the_sound_of_a_value() {
    assert!(made(ENGLISH, KOREAN).is_ok());
    let guesses = |text: &str| {
        text.match_indices("%{").any(|(at, _)| {
            let after = text[at..].split_once('}').map_or("", |(_, after)| after);
            let after = after.trim_start_matches(['`', '\'', '"', '”', '’', '\\']);
            let word: String = after.chars().take_while(|c| c.is_alphanumeric()).collect();
            let guess = "은 는 이 가 을 를 과 와 로 으로 이나 나 이랑 랑 이라 라".split(' ');
            guess.into_iter().any(|particle| particle == word)
                && !after[word.len()..].starts_with('(')
        })
    };
    assert!(guesses("`%{path}`를 읽을 수 없습니다") && guesses("%{n}과 %{m}"));
    assert!(!guesses("%{path}을(를) 엽니다") && !guesses("%{n}개를") && !guesses("이 %{n}에서"));
    let found: Vec<_> = KOREAN.lines().filter(|line| guesses(line)).collect();
    assert!(found.is_empty(), "{found:#?}");
}
