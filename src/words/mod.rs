//! Messages for people, in English and Korean.
//!
//! Every sentence that a command prints stands in `locales/en.yml` and `locales/ko.yml` under a key named after
//! its room, and reaches the code through `t!`. What is never translated: files on disk, the API, the
//! daemon's own log. Tests keep the two files alike, key by key and placeholder by placeholder.
//!
//! **Invariant:** the language is chosen once, at start, by [`choose`]; in tests each thread has its own.

use crate::env_vars;
use crate::error::Labels;
use crate::host::Host;

/// The message of a key in the chosen language: `t!("room.what_it_says", name = value)`.
macro_rules! t {
    ($key:expr $(,)?) => {
        ::rust_i18n::t!($key, locale = $crate::words::tag())
    };
    ($key:expr, $($values:tt)+) => {
        ::rust_i18n::t!($key, locale = $crate::words::tag(), $($values)+)
    };
}

pub(crate) use t;

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

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Korean => "ko",
        }
    }
}

/// Sets the language of every message of this process.
pub fn choose(language: Language) {
    chosen::set(language);
}

/// The tag of the chosen language, for [`t!`].
pub(crate) fn tag() -> &'static str {
    chosen::language().tag()
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
