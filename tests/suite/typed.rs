//! What a person types wrongly, or to see what is there, and what each program says to it in both languages.

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
            for english in ["unexpected", "For more information", "Usage:"] {
                assert!(!text.contains(english), "{program}: {text}");
            }
        }
    }
    said(&sandbox, "ko", "aim-logs", &["list", "-n", "many"])
        .exits(2)
        .warns("--limit <N>에 쓸 수 없는 값입니다: many (0 이상의 정수가 아닙니다)");
}
