//! What a person types wrongly, or to see what is there, and what each program says to it in both languages.

use crate::compare::terminal::Terminal;
use crate::sandbox::{Ran, Sandbox};

/// `program` with `args`, in the language `lang`.
fn said(sandbox: &Sandbox, lang: &str, program: &str, args: &[&str]) -> Ran {
    Ran::of(sandbox.command(program).args(args).env("AIM_LANG", lang))
}

#[test]
fn a_wrong_command_line_is_named_in_the_persons_language() {
    let sandbox = Sandbox::new();
    let programs = [
        "aim-logs",
        "aim-worker",
        "aim-lsp",
        "aim-venv-sync",
        #[cfg(feature = "backend")]
        "aim-backend",
    ];
    for program in programs {
        for (lang, message, help) in [
            ("en", "error: unknown option: --nope", "hint: usage: "),
            ("ko", "오류: 알 수 없는 옵션: --nope", ": 사용법: "),
        ] {
            let ran = said(&sandbox, lang, program, &["--nope"]).exits(2);
            assert_eq!(ran.stdout(), "");
            let text = ran.stderr();
            assert!(text.starts_with(message) && text.contains(help), "{text}");
            for english in ["found", "For more information", "Usage:"] {
                assert!(!text.contains(english), "{program}: {text}");
            }
        }
    }
    said(&sandbox, "ko", "aim-logs", &["list", "-n", "many"])
        .exits(2)
        .warns("--limit <N>에 쓸 수 없는 값입니다: many (0 이상의 정수가 아닙니다)");
}

#[test]
fn an_unknown_setting_is_named_by_config_and_doctor_and_never_by_pip() {
    let sandbox = Sandbox::ready();
    sandbox.write(
        ".aim.toml",
        "[retention]\nrun = 5\ndays = \"many\"\nmib = 9\n",
    );
    let file = sandbox.project().join(".aim.toml");
    for (lang, unknown, wrong) in [
        (
            "en",
            "unknown setting \"retention.run\"; did you mean \"retention.runs\"?",
            "the value of \"retention.days\" is ignored: it has to be a whole number",
        ),
        (
            "ko",
            "알 수 없는 설정 \"retention.run\". \"retention.runs\"인가요?",
            "\"retention.days\"의 값을 무시합니다. 쓸 수 있는 값: 0 이상의 정수",
        ),
    ] {
        let unknown = format!("{}:2: {unknown}", file.display());
        let wrong = format!("{}:3: {wrong}", file.display());
        let config = said(&sandbox, lang, "aim-venv-sync", &["config"]).ok();
        let shown = config.stdout();
        assert!(
            shown.contains("retention.mib") && shown.contains(" 9 "),
            "{shown}"
        );
        config.warns(&unknown).warns(&wrong);
        let doctor = said(&sandbox, lang, "aim-venv-sync", &["doctor", "--json"]).json();
        let checks = doctor["checks"].as_array().expect("checks");
        let rating = |message: &str| {
            let is_it = |check: &&serde_json::Value| {
                check["message"]
                    .as_str()
                    .is_some_and(|said| said.ends_with(message))
            };
            checks.iter().find(is_it).expect("a check")["outcome"].clone()
        };
        assert_eq!(
            (rating(&unknown), rating(&wrong)),
            ("odd".into(), "wrong".into())
        );
    }
    sandbox.wheel("tidings", "1.0");
    let pip = sandbox.pip(["install", "-q", "tidings"]).ok();
    assert_eq!(pip.stderr(), "");
}

#[test]
fn a_setting_is_explained_in_the_persons_language() {
    let sandbox = Sandbox::new();
    for (lang, meaning, values, hint) in [
        (
            "en",
            "which server pages get for Python",
            "can be     one of \"auto\", \"basedpyright\"",
            "hint: did you mean `lsp.python`?",
        ),
        (
            "ko",
            "페이지가 쓰는 Python 언어 서버",
            "쓸 수 있는 값   \"auto\", \"basedpyright\"",
            ": `lsp.python`인가요?",
        ),
    ] {
        let explain = |name| {
            said(
                &sandbox,
                lang,
                "aim-venv-sync",
                &["config", "--explain", name],
            )
        };
        explain("lsp.python")
            .ok()
            .says(meaning)
            .says(values)
            .says("lsp.python = \"auto\"");
        explain("lsp.pythons").exits(2).warns(hint);
        said(&sandbox, lang, "aim-venv-sync", &["config", "--explain"])
            .ok()
            .says("worker.env_allow = [\"HOME\", \"LC_*\"]");
    }
}

#[test]
fn aim_pip_says_what_it_is_by_its_own_name_alone() {
    let sandbox = Sandbox::ready();
    let venv = sandbox.venv().display().to_string();
    for (lang, what) in [("en", "stands in front of pip"), ("ko", "pip 앞에 서서")] {
        for args in [&[][..], &["--help"]] {
            let ran = said(&sandbox, lang, "aim-pip", args).ok();
            assert_eq!(ran.stderr(), "");
            ran.says(what).says(&venv).says("aim-venv-sync init");
        }
        let version = said(&sandbox, lang, "aim-pip", &["--version"]).ok();
        let expected = format!("aim-pip {} (aim-toolkit)\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(version.stdout(), expected);
    }
    // As pip it is pip, and by its own name with anything else, too.
    for args in [&[][..], &["--help"], &["--version"]] {
        let ours = sandbox.pip(args).ok().stdout();
        let mut alone = sandbox.command(sandbox.bin("pip"));
        let pips = Ran::of(alone.args(args).env("AIM_PIP_BYPASS", "1")).ok();
        assert_eq!(ours, pips.stdout());
    }
    let list = said(&sandbox, "en", "aim-pip", &["list"]).ok();
    list.says("pip ");
    let nowhere = Sandbox::new();
    said(&nowhere, "en", "aim-pip", &[])
        .ok()
        .says("this folder has no Python environment");
}

#[test]
fn help_speaks_one_language_down_to_its_last_command() {
    let sandbox = Sandbox::new();
    for (program, args) in [
        ("aim-venv-sync", &["shell", "--help"][..]),
        ("aim-lsp", &["print-config", "--help"]),
        #[cfg(feature = "backend")]
        ("aim-backend", &["terminals", "--help"]),
    ] {
        let help = said(&sandbox, "ko", program, args).ok().stdout();
        for english in ["Print", "ossible values", "subcommand"] {
            assert!(!help.contains(english), "{help}");
        }
    }
}

#[test]
fn examples_of_a_help_fit_the_terminal() {
    let sandbox = Sandbox::new();
    for (columns, expected) in [
        (
            60,
            "\r\n  aim-logs 27\r\n      run 27 with everything it printed\r\n",
        ),
        (
            110,
            "\r\n  aim-logs 27                          run 27 with everything it printed\r\n",
        ),
    ] {
        let scene = Terminal::start(&sandbox, "NO_COLOR=1 aim-logs --help", columns).end(&sandbox);
        assert!(scene.shown.contains(expected), "{}", scene.shown);
    }
}
