//! Messages for people, in English and Korean.
//!
//! Every sentence that a command prints stands in `locales/en.yml` and `locales/ko.yml` under a key named after
//! its room, and reaches the code through `t!`. What is never translated: files on disk, the API, the
//! daemon's own log. Keys and values are checked when the toolkit is compiled (decision 0014).
//!
//! **Invariant:** the language is chosen once, at start, by [`choose`]; in tests each thread has its own.

mod nearest;

pub use nearest::nearest;

use crate::env_vars;
use crate::error::Labels;
use crate::host::Host;

/// The messages as types, made by `build/words.rs`, and `t!`: `t!("room.what_it_says", name = value)` is the message of
/// that key in the chosen language. The compiler warns of a message that nobody uses, as of any unused code.
#[cfg_attr(
    not(feature = "backend"),
    expect(
        dead_code,
        reason = "what the daemon says is there without the daemon, too"
    )
)]
pub(crate) mod messages {
    use std::borrow::Cow;
    use std::fmt::Display;

    use super::Language;
    use super::chosen::language;

    include!(concat!(env!("OUT_DIR"), "/words.rs"));

    pub(crate) use t;
}

pub(crate) use messages::t;

/// A language that messages can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, when nothing else is asked for.
    English,
    /// Korean.
    Korean,
}

impl Language {
    /// The language that `AIM_LANG` names or, failing that, the locale (POSIX: `LC_ALL`, `LC_MESSAGES`, `LANG`, the
    /// first that is set).
    pub fn of(host: &Host) -> Self {
        [env_vars::LANG, "LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| host.var(name))
            .map_or(Self::English, Self::of_locale)
    }

    fn of_locale(locale: &str) -> Self {
        let language = locale
            .split(['_', '.', '-', '@'])
            .next()
            .unwrap_or_default();
        if language.eq_ignore_ascii_case("ko") {
            Self::Korean
        } else {
            Self::English
        }
    }
}

/// Sets the language of every message of this process.
pub fn choose(language: Language) {
    chosen::set(language);
}

#[cfg(not(test))]
mod chosen {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::Language;

    static KOREAN: AtomicBool = AtomicBool::new(false);

    pub(super) fn set(language: Language) {
        KOREAN.store(language == Language::Korean, Ordering::Relaxed);
    }

    pub(super) fn language() -> Language {
        if KOREAN.load(Ordering::Relaxed) {
            Language::Korean
        } else {
            Language::English
        }
    }
}

/// Tests run as threads of one process and must not hear each other's language.
#[cfg(test)]
mod chosen {
    use std::cell::Cell;

    use super::Language;

    thread_local! {
        static LANGUAGE: Cell<Language> = const { Cell::new(Language::English) };
    }

    pub(super) fn set(language: Language) {
        LANGUAGE.set(language);
    }

    pub(super) fn language() -> Language {
        LANGUAGE.get()
    }
}

/// The words that stand before the lines of a printed error.
pub fn labels() -> Labels {
    Labels {
        error: t!("error.error").into_owned(),
        caused_by: t!("error.caused_by").into_owned(),
        hint: t!("error.hint").into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_the_chosen_language() {
        let says = |expected: [&str; 3]| {
            let ours = 1;
            let messages = [
                t!("api.no_daemon"),
                t!("api.other_version", ours = ours, theirs = "2%{ours}",),
                t!("worker_cli.help.input"),
            ];
            for (message, expected) in messages.iter().zip(expected) {
                assert!(message.contains(expected), "{message}");
            }
        };
        says([
            "no daemon is running",
            "speaks version 2%{ours}, this command version 1",
            "(default: {})",
        ]);
        choose(Language::Korean);
        says([
            "실행 중인 데몬이 없습니다",
            "버전은 2%{ours}, 이 명령의 버전은 1입니다",
            "(기본값: {})",
        ]);
    }

    fn check(vars: &[(&str, &str)], expected: Language) {
        let host = vars.iter().fold(Host::fake(["x"]), |host, (name, value)| {
            host.with_var(*name, *value)
        });
        assert_eq!(Language::of(&host), expected, "{vars:?}");
    }

    #[test]
    fn the_variable_wins_over_the_locale() {
        check(&[], Language::English);
        check(&[("LANG", "ko_KR.UTF-8")], Language::Korean);
        check(
            &[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "C")],
            Language::English,
        );
        check(
            &[("LANG", "en_US.UTF-8"), ("AIM_LANG", "ko")],
            Language::Korean,
        );
        check(&[("LANG", "kok_IN")], Language::English);
        check(&[("LC_ALL", ""), ("LANG", "ko")], Language::Korean);
    }
}
