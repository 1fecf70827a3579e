//! What is wrong with a command line, in our own words: clap tells the kind and the parts, and the sentence is made
//! here.

use std::error::Error as _;
use std::net::AddrParseError;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::shell;
use crate::error::Error;
use crate::words::t;

/// What `error` says of the command line; none for what clap says itself: help, the version, and kinds that a later
/// clap may have.
pub(super) fn complaint(error: &clap::Error) -> Option<Error> {
    let complaint = Error::usage(message(error)?);
    let hints = suggestions(error).into_iter().chain(how_to(error));
    Some(hints.fold(complaint, Error::hint))
}

fn message(error: &clap::Error) -> Option<String> {
    let arg = || text(error, ContextKind::InvalidArg);
    let value = || text(error, ContextKind::InvalidValue);
    let number = |kind| match error.get(kind) {
        Some(ContextValue::Number(number)) => Some(*number),
        _ => None,
    };
    let message = match error.kind() {
        ErrorKind::UnknownArgument => {
            let arg = arg()?;
            if arg.starts_with('-') {
                t!("console.complaint.unknown_option", arg = arg)
            } else {
                t!("console.complaint.too_much", arg = arg)
            }
        }
        ErrorKind::InvalidSubcommand => {
            let name = text(error, ContextKind::InvalidSubcommand)?;
            t!("console.complaint.unknown_command", name = name)
        }
        ErrorKind::InvalidValue => match (arg()?, value()?) {
            (arg, value) if value.is_empty() => t!("console.complaint.no_value", arg = arg),
            (arg, value) => t!("console.complaint.bad_value", arg = arg, value = value),
        },
        ErrorKind::ValueValidation => {
            let (arg, value, why) = (arg()?, value()?, why(error));
            t!(
                "console.complaint.bad_value_because",
                arg = arg,
                value = value,
                why = why
            )
        }
        ErrorKind::ArgumentConflict => {
            let one = arg().or_else(|| text(error, ContextKind::InvalidSubcommand))?;
            match text(error, ContextKind::PriorArg) {
                Some(other) if other == one => t!("console.complaint.twice", arg = one),
                Some(other) => t!("console.complaint.conflict", one = one, other = other),
                None => t!("console.complaint.conflict_with_others", one = one),
            }
        }
        ErrorKind::NoEquals => t!("console.complaint.no_equals", arg = arg()?),
        ErrorKind::MissingRequiredArgument => t!("console.complaint.missing", args = arg()?),
        ErrorKind::MissingSubcommand => t!("console.complaint.no_command"),
        ErrorKind::InvalidUtf8 => t!("console.complaint.not_utf8"),
        ErrorKind::TooManyValues => {
            let (arg, value) = (arg()?, value()?);
            t!(
                "console.complaint.too_many_values",
                arg = arg,
                value = value
            )
        }
        ErrorKind::TooFewValues => {
            let needs = number(ContextKind::MinValues)?;
            let has = number(ContextKind::ActualNumValues)?;
            t!(
                "console.complaint.too_few_values",
                arg = arg()?,
                needs = needs,
                has = has
            )
        }
        ErrorKind::WrongNumberOfValues => {
            let needs = number(ContextKind::ExpectedNumValues)?;
            let has = number(ContextKind::ActualNumValues)?;
            t!(
                "console.complaint.wrong_number",
                arg = arg()?,
                needs = needs,
                has = has
            )
        }
        _ => return None,
    };
    Some(message.into_owned())
}

/// Why a value was refused: by one of our own parsers, in the person's language, or by one for numbers.
fn why(error: &clap::Error) -> String {
    let Some(source) = error.source() else {
        return String::new();
    };
    if let Some(error) = source.downcast_ref::<ParseIntError>() {
        let is_too_large = *error.kind() == IntErrorKind::PosOverflow;
        return if is_too_large {
            t!("console.complaint.too_large").into_owned()
        } else {
            t!("console.complaint.not_a_number").into_owned()
        };
    }
    if source.is::<AddrParseError>() {
        return t!("console.complaint.not_an_address").into_owned();
    }
    let said = source.to_string();
    // A range of clap's: `11 is not in 1..=10`.
    match said
        .split_once(" is not in ")
        .and_then(|(_, range)| range.split_once("..="))
    {
        Some((least, most)) => {
            t!("console.complaint.out_of_range", least = least, most = most).into_owned()
        }
        None => said,
    }
}

/// What may have been meant, and what can be typed there.
fn suggestions(error: &clap::Error) -> Vec<String> {
    let mut hints = Vec::new();
    let did_you_mean = |this: &str| t!("console.complaint.did_you_mean", this = this).into_owned();
    let suggested = [
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedArg,
        ContextKind::SuggestedValue,
    ];
    for kind in suggested {
        match error.get(kind) {
            Some(ContextValue::String(this)) => hints.push(did_you_mean(this)),
            Some(ContextValue::Strings(all)) => {
                hints.extend(all.iter().map(|this| did_you_mean(this)));
            }
            _ => {}
        }
    }
    if let Some(ContextValue::StyledStrs(all)) = error.get(ContextKind::Suggested) {
        let typed = text(error, ContextKind::InvalidArg)
            .or_else(|| text(error, ContextKind::InvalidSubcommand))
            .unwrap_or_default();
        for said in all.iter().map(ToString::to_string) {
            let elsewhere = said
                .strip_prefix('\'')
                .and_then(|said| said.strip_suffix("' exists"));
            hints.push(if let Some(elsewhere) = elsewhere {
                did_you_mean(elsewhere)
            } else if said.starts_with("subcommand ") {
                did_you_mean(&typed) // it stands behind `--`
            } else {
                let typed = shell::word(&typed);
                t!("console.complaint.as_value", typed = typed).into_owned()
            });
        }
    }
    for kind in [ContextKind::ValidValue, ContextKind::ValidSubcommand] {
        if let Some(ContextValue::Strings(all)) = error.get(kind)
            && !all.is_empty()
        {
            hints.push(t!("console.complaint.possible", values = all.join(", ")).into_owned());
        }
    }
    hints
}

/// A usage of clap's, or a help text with one, where clap has a word that it never lets go of.
pub(super) fn in_our_words(usage: &str) -> String {
    usage.replacen("[OPTIONS]", &t!("console.help.options_value"), 1)
}

/// How the command is called, and where more is said of it.
fn how_to(error: &clap::Error) -> Vec<String> {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return Vec::new();
    };
    let usage = in_our_words(&usage.to_string());
    let usage = usage.split_once(':').map_or("", |(_, usage)| usage);
    // Of several ways each has a line.
    let ways: Vec<&str> = usage.lines().map(str::trim).collect();
    let is_name = |word: &&str| !word.starts_with(['[', '<', '-']);
    let command: Vec<&str> = ways
        .first()
        .into_iter()
        .flat_map(|way| way.split_whitespace())
        .take_while(is_name)
        .collect();
    ways.iter()
        .map(|way| t!("console.complaint.usage", usage = way).into_owned())
        .chain([t!("console.complaint.help", command = command.join(" ")).into_owned()])
        .collect()
}

/// The text, or texts, of one part.
fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction, Command};

    use super::*;
    use crate::words::{self, Language};

    const USAGE: [&str; 2] = [
        "usage: sample [OPTIONS] [COMMAND]",
        "사용법: sample [옵션] [COMMAND]",
    ];

    /// A command line with every kind of rule.
    fn sample() -> Command {
        let sub = Command::new("show")
            .arg(Arg::new("run").required(true).value_name("RUN"))
            .arg(Arg::new("stdout").long("stdout").action(ArgAction::SetTrue));
        let option = |name: &'static str| Arg::new(name).long(name);
        Command::new("sample")
            .arg(option("color").value_parser(["auto", "always"]))
            .arg(option("days").value_parser(clap::value_parser!(u64)))
            .arg(option("nodes").value_parser(clap::value_parser!(u8).range(1..=10)))
            .arg(option("listen").value_parser(clap::value_parser!(std::net::SocketAddr)))
            .arg(option("one").conflicts_with("days"))
            .arg(option("equals").require_equals(true))
            .arg(option("two").num_args(2))
            .arg(option("some").num_args(2..))
            .subcommand(sub)
            .subcommand(
                Command::new("need")
                    .subcommand_required(true)
                    .subcommand(Command::new("x")),
            )
    }

    fn check(line: &[&str], english: [&str; 2], korean: [&str; 2]) {
        let args = ["sample"].iter().chain(line);
        let error = sample().try_get_matches_from(args).expect_err("refused");
        for (language, expected) in [(Language::English, english), (Language::Korean, korean)] {
            words::choose(language);
            let said = complaint(&error).expect("words of ours");
            assert_eq!(said.to_string(), expected[0], "{line:?}");
            let hint = said.hints().first().map_or("", String::as_str);
            assert_eq!(hint, expected[1], "{line:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        check(
            &["--colour", "auto"],
            ["unknown option: --colour", "did you mean `--color`?"],
            ["알 수 없는 옵션: --colour", "`--color`인가요?"],
        );
        check(
            &["shows"],
            ["no such command: shows", "did you mean `show`?"],
            ["없는 명령입니다: shows", "`show`인가요?"],
        );
        check(
            &["show", "a", "b"],
            [
                "unexpected argument: b",
                "usage: sample show [OPTIONS] <RUN>",
            ],
            [
                "필요 없는 인자입니다: b",
                "사용법: sample show [옵션] <RUN>",
            ],
        );
        check(
            &["--stdout", "show", "a"],
            ["unknown option: --stdout", "did you mean `show --stdout`?"],
            ["알 수 없는 옵션: --stdout", "`show --stdout`인가요?"],
        );
        check(
            &["show", "--nope"],
            ["unknown option: --nope", "`-- --nope` passes it as a value"],
            [
                "알 수 없는 옵션: --nope",
                "값으로 넘기려면 `-- --nope`처럼 적으세요",
            ],
        );
    }

    #[test]
    fn a_wrong_value_is_named_with_the_reason() {
        check(
            &["--color", "red"],
            [
                "red is no value for --color <color>",
                "possible values: auto, always",
            ],
            [
                "--color <color>에 쓸 수 없는 값입니다: red",
                "쓸 수 있는 값: auto, always",
            ],
        );
        check(
            &["--days", "soon"],
            ["soon is no value for --days <days>: not a whole number", ""],
            [
                "--days <days>에 쓸 수 없는 값입니다: soon (0 이상의 정수가 아닙니다)",
                "",
            ],
        );
        check(
            &["--days", "99999999999999999999"],
            [
                "99999999999999999999 is no value for --days <days>: too large",
                "",
            ],
            [
                "--days <days>에 쓸 수 없는 값입니다: 99999999999999999999 (너무 큽니다)",
                "",
            ],
        );
        check(
            &["--listen", "x"],
            [
                "x is no value for --listen <listen>: not an address such as 127.0.0.1:8080",
                "",
            ],
            [
                "--listen <listen>에 쓸 수 없는 값입니다: x (127.0.0.1:8080 같은 주소가 아닙니다)",
                "",
            ],
        );
        check(
            &["--nodes", "11"],
            ["11 is no value for --nodes <nodes>: not from 1 to 10", ""],
            [
                "--nodes <nodes>에 쓸 수 없는 값입니다: 11 (1~10 범위가 아닙니다)",
                "",
            ],
        );
        check(
            &["--color"],
            [
                "--color <color> needs a value",
                "possible values: auto, always",
            ],
            [
                "값이 필요합니다: --color <color>",
                "쓸 수 있는 값: auto, always",
            ],
        );
    }

    #[test]
    fn what_does_not_go_together_or_is_missing_is_named() {
        check(
            &["--one", "1", "--one", "2"],
            ["--one <one> can be given only once", USAGE[0]],
            ["한 번만 쓸 수 있습니다: --one <one>", USAGE[1]],
        );
        check(
            &["--one", "1", "--days", "2"],
            [
                "--one <one> and --days <days> cannot be used together",
                "usage: sample --one <one>",
            ],
            [
                "함께 쓸 수 없습니다: --one <one>, --days <days>",
                "사용법: sample --one <one>",
            ],
        );
        check(
            &["--equals", "1"],
            [
                "a value of --equals=<equals> goes after an equals sign",
                USAGE[0],
            ],
            ["등호 뒤에 값을 적어야 합니다: --equals=<equals>", USAGE[1]],
        );
        check(
            &["show"],
            ["missing: <RUN>", "usage: sample show <RUN>"],
            ["빠진 인자가 있습니다: <RUN>", "사용법: sample show <RUN>"],
        );
        check(
            &["need"],
            ["a command is needed", "possible values: x, help"],
            ["명령을 지정해야 합니다", "쓸 수 있는 값: x, help"],
        );
        check(
            &["--two", "1"],
            ["--two <two> <two> needs 2 values and has 1", USAGE[0]],
            ["값이 2개 필요한데 1개입니다: --two <two> <two>", USAGE[1]],
        );
        check(
            &["--some", "1"],
            [
                "--some <some> <some>... needs at least 2 values and has 1",
                USAGE[0],
            ],
            [
                "값이 2개 이상 필요한데 1개입니다: --some <some> <some>...",
                USAGE[1],
            ],
        );
        check(
            &["--", "show"],
            ["unexpected argument: show", "did you mean `show`?"],
            ["필요 없는 인자입니다: show", "`show`인가요?"],
        );
    }

    #[test]
    fn each_way_to_call_a_command_has_a_line_and_more_is_one_command_away() {
        let error = sample()
            .override_usage("sample -- COMMAND…\n       sample status")
            .try_get_matches_from(["sample", "--zzzz"])
            .expect_err("refused");
        let said = complaint(&error).expect("words of ours");
        assert_eq!(
            said.hints(),
            [
                "usage: sample -- COMMAND…",
                "usage: sample status",
                "`sample --help` explains more"
            ]
        );
        assert_eq!(said.exit(), crate::error::Exit::Usage);
    }

    #[test]
    fn what_clap_says_itself_is_left_to_it() {
        for kind in [ErrorKind::DisplayHelp, ErrorKind::Io, ErrorKind::Format] {
            assert!(complaint(&clap::Error::new(kind)).is_none(), "{kind:?}");
        }
        let all = [
            ErrorKind::InvalidValue,
            ErrorKind::UnknownArgument,
            ErrorKind::ArgumentConflict,
        ];
        for kind in all {
            let bare = clap::Error::raw(kind, "of a later clap");
            assert!(complaint(&bare).is_none(), "{kind:?} without its parts");
        }
    }
}
