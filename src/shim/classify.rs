//! What a call of pip may do to the environment, judged by its arguments.
//!
//! Three answers. *Reading* commands are replaced by pip at once. *Changing* ones are recorded whatever comes of them.
//! *Uncertain* ones (an unknown command, `install --target`, `PIP_TARGET`, `target` in a `pip.conf`) get the whole
//! story as well, and are recorded if they turn out to have changed this environment. So a wrong "uncertain" costs a
//! few milliseconds, a wrong "reading" loses a record until the next sync: in doubt, uncertain.
//!
//! pip reads its command line by `optparse` (compare pip's `parse_command`): general options up to the command, then
//! options and operands of the command in any order, until `--`.

use std::ffi::OsString;
use std::path::Path;

use super::options::{GENERAL, INSTALL, OptionMeaning, meaning};
use super::settings::Settings;
use crate::host::Host;

/// What a command may do to the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Reading,
    /// Perhaps something.
    Uncertain,
    /// It is meant to.
    Changing,
}

/// A call of pip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PipCommand {
    /// What it may do.
    pub effect: Effect,
    /// The command's name; empty when there is none (`pip --version`).
    pub action: String,
    /// Where the command's name stands in the arguments.
    pub action_at: Option<usize>,
    /// What was asked for, as typed and in that order: operands, and `-r FILE` or `-e PATH` as one entry each.
    pub packages: Vec<String>,
    /// The last `--python`: another environment is meant.
    pub python: Option<OsString>,
    /// The last `--target`, `--prefix` or `--root`: another folder is meant, perhaps one of an environment.
    pub into: Option<OsString>,
}

/// Commands that leave the environment as it is, whatever their options. `download` and `wheel` write files elsewhere,
/// `config` and `cache` settings and caches.
const READING: &[&str] = &[
    "cache",
    "check",
    "completion",
    "config",
    "debug",
    "download",
    "freeze",
    "hash",
    "help",
    "index",
    "inspect",
    "list",
    "lock",
    "search",
    "show",
    "wheel",
];

impl PipCommand {
    /// The command that pip's arguments `args` make in the process `host`, for the pip in the environment at `prefix`.
    pub fn of(args: &[OsString], prefix: &Path, host: &Host) -> Self {
        let mut command = Self::parse(args);
        if host.var_os("PIP_AUTO_COMPLETE").is_some() {
            command.effect = Effect::Reading; // pip prints what may follow, and leaves
        }
        if command.effect == Effect::Reading {
            return command;
        }
        let settings = Settings::of(prefix, &command.action, host);
        if command.effect == Effect::Changing && settings.diverts {
            command.effect = Effect::Uncertain;
        }
        command.python = command.python.or(settings.python);
        command
    }

    /// The command that `args` make, without regard to settings.
    pub fn parse(args: &[OsString]) -> Self {
        let mut command = Self {
            effect: Effect::Reading,
            action: String::new(),
            action_at: None,
            packages: Vec::new(),
            python: None,
            into: None,
        };
        let mut words = Words::new(args);
        match command.read_general(&mut words) {
            Verdict::Leaves => return command,
            Verdict::Unclear => {
                command.effect = Effect::Uncertain;
                return command;
            }
            Verdict::GoesOn => {}
        }
        let Some(at) = command.action_at else {
            return command; // `pip` alone prints its help
        };
        command.action = args[at].to_string_lossy().into_owned();
        command.effect = match command.action.as_str() {
            "install" | "uninstall" => Effect::Changing,
            reading if READING.contains(&reading) => Effect::Reading,
            _ => Effect::Uncertain,
        };
        if command.effect == Effect::Changing {
            command.read_install(&mut words);
        }
        command
    }

    /// Reads up to the command's name.
    fn read_general(&mut self, words: &mut Words<'_>) -> Verdict {
        while let Some(word) = words.next(&[GENERAL]) {
            match word {
                Word::Operand(_) => {
                    self.action_at = Some(words.at - 1);
                    return Verdict::GoesOn;
                }
                Word::Option(OptionMeaning::Help | OptionMeaning::Version, _) => {
                    return Verdict::Leaves;
                }
                Word::Option(OptionMeaning::Python, value) => self.python = value.map(|v| v.value),
                Word::Option(..) => {}
                Word::Unknown => return Verdict::Unclear,
            }
        }
        Verdict::GoesOn
    }

    /// Reads the rest of `install` or `uninstall`.
    fn read_install(&mut self, words: &mut Words<'_>) {
        // After an unknown option the next word may be the option's value, so `-h` need not ask for help.
        let mut clear = true;
        while let Some(word) = words.next(&[INSTALL, GENERAL]) {
            match word {
                Word::Operand(operand) => self.packages.push(operand),
                Word::Option(OptionMeaning::Help | OptionMeaning::DryRun, _) if clear => {
                    self.effect = Effect::Reading;
                    return;
                }
                Word::Option(OptionMeaning::Elsewhere, value) => {
                    self.effect = Effect::Uncertain;
                    self.into = value.map(|v| v.value);
                }
                Word::Option(OptionMeaning::ElsewhereFlag | OptionMeaning::DryRun, _) => {
                    self.effect = Effect::Uncertain;
                }
                Word::Option(OptionMeaning::Python, value) => self.python = value.map(|v| v.value),
                Word::Option(OptionMeaning::Requirement, Some(value)) => {
                    self.packages.push(value.as_typed);
                }
                Word::Option(..) => {}
                Word::Unknown => clear = false,
            }
        }
    }
}

/// What general options say of the rest.
enum Verdict {
    /// The command follows.
    GoesOn,
    /// pip prints something and leaves.
    Leaves,
    /// An option that nobody knows: the next word may be its value or the command.
    Unclear,
}

/// One option or operand.
enum Word {
    Operand(String),
    Option(OptionMeaning, Option<OptionValue>),
    Unknown,
}

struct OptionValue {
    value: OsString,
    as_typed: String,
}

/// The arguments, read as `optparse` reads them.
struct Words<'a> {
    args: &'a [OsString],
    at: usize,
    /// Letters left of a word of several short options (`-qU`).
    cluster: String,
    only_operands: bool,
}

impl<'a> Words<'a> {
    fn new(args: &'a [OsString]) -> Self {
        Self {
            args,
            at: 0,
            cluster: String::new(),
            only_operands: false,
        }
    }

    fn next(&mut self, tables: &[&[(&str, OptionMeaning)]]) -> Option<Word> {
        if !self.cluster.is_empty() {
            return Some(self.short(tables));
        }
        let word = self.args.get(self.at)?.to_string_lossy().into_owned();
        self.at += 1;
        if self.only_operands || word == "-" || !word.starts_with('-') {
            return Some(Word::Operand(word));
        }
        if word == "--" {
            self.only_operands = true;
            return self.next(tables);
        }
        if !word.starts_with("--") {
            word[1..].clone_into(&mut self.cluster);
            return Some(self.short(tables));
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word.as_str(), None),
        };
        let Some(meaning) = meaning(name, tables) else {
            return Some(Word::Unknown);
        };
        let value = match value {
            Some(value) => Some(OptionValue {
                value: value.into(),
                as_typed: word.clone(),
            }),
            None if meaning.takes_value() => self.following(name),
            None => None,
        };
        Some(Word::Option(meaning, value))
    }

    /// The next letter of a cluster; the rest of the word, or the next one, is its value if it takes one.
    fn short(&mut self, tables: &[&[(&str, OptionMeaning)]]) -> Word {
        let letter = self.cluster.remove(0);
        let name = format!("-{letter}");
        let Some(meaning) = meaning(&name, tables) else {
            self.cluster.clear();
            return Word::Unknown;
        };
        let value = if !meaning.takes_value() {
            None
        } else if self.cluster.is_empty() {
            self.following(&name)
        } else {
            let value = std::mem::take(&mut self.cluster);
            Some(OptionValue {
                as_typed: format!("{name}{value}"),
                value: value.into(),
            })
        };
        Word::Option(meaning, value)
    }

    fn following(&mut self, name: &str) -> Option<OptionValue> {
        let value = self.args.get(self.at)?;
        self.at += 1;
        Some(OptionValue {
            value: value.clone(),
            as_typed: format!("{name} {}", value.to_string_lossy()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Effect::{Changing, Reading, Uncertain};
    use proptest::prelude::*;

    fn parse(line: &str) -> PipCommand {
        let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        PipCommand::parse(&args)
    }

    fn check(line: &str, effect: Effect, action: &str, packages: &[&str]) {
        let command = parse(line);
        assert_eq!(command.effect, effect, "{line}");
        assert_eq!(command.action, action, "{line}");
        if effect != Reading {
            assert_eq!(command.packages, packages, "{line}");
        }
    }

    #[test]
    fn commands_that_change_nothing() {
        for line in [
            "",
            "-V",
            "--version",
            "-q --vers install x",
            "-h",
            "--help install",
            "-qh install x",
        ] {
            check(line, Reading, "", &[]);
        }
        for name in READING {
            check(name, Reading, name, &[]);
        }
        check("--proxy install list", Reading, "list", &[]);
        check("--no-color -vv freeze --all", Reading, "freeze", &[]);
        check("install --help", Reading, "install", &[]);
        check("install -r x -h", Reading, "install", &[]);
        check("uninstall x -qh", Reading, "uninstall", &[]);
        check("install --dry-run x", Reading, "install", &[]);
        check("install x --dry", Reading, "install", &[]);
    }

    #[test]
    fn commands_that_change_the_environment() {
        check("install x", Changing, "install", &["x"]);
        check("install", Changing, "install", &[]);
        check("uninstall -y x y", Changing, "uninstall", &["x", "y"]);
        check("-v --log l install x", Changing, "install", &["x"]);
        check("--log=l --retr 3 install x", Changing, "install", &["x"]);
        check("install -- -h", Changing, "install", &["-h"]);
        check("install -qUi http://h x", Changing, "install", &["x"]);
        check("install -ihttp://h x", Changing, "install", &["x"]);
        check("install -c -h x", Changing, "install", &["x"]);
        check("install --index-u -h x", Changing, "install", &["x"]);
        check("install --version x", Changing, "install", &["x"]);
        check(
            "install -r a.txt -e . --requirement=b.txt -rc.txt z>=1,<2",
            Changing,
            "install",
            &[
                "-r a.txt",
                "-e .",
                "--requirement=b.txt",
                "-rc.txt",
                "z>=1,<2",
            ],
        );
    }

    #[test]
    fn what_is_unclear_is_told_by_what_it_did() {
        check("instal x", Uncertain, "instal", &[]);
        check("--unknown install x", Uncertain, "", &[]);
        check("install --target d x", Uncertain, "install", &["x"]);
        check("install --prefix=d x", Uncertain, "install", &["x"]);
        check("install -t d x", Uncertain, "install", &["x"]);
        check("install --user x", Uncertain, "install", &["x"]);
        check("install --root / x", Uncertain, "install", &["x"]);
        check("install --unknown -h x", Changing, "install", &["x"]);
        // Two options with different meanings begin so, and pip itself refuses it.
        check("install --p x", Changing, "install", &["x"]);
    }

    #[test]
    fn settings_divert_an_installation() {
        let args = ["install".into(), "x".into()];
        let of = |name: &str, value: &str| {
            let host = Host::fake(["aim-pip"]).with_var(name, value);
            let host = host.with_var("PIP_CONFIG_FILE", "/dev/null");
            PipCommand::of(&args, Path::new("/nowhere"), &host)
        };
        assert_eq!(of("PIP_TARGET", "/t").effect, Uncertain);
        assert_eq!(of("PIP_USER", "0").effect, Changing);
        assert_eq!(of("PIP_PYTHON", "/p").python, Some("/p".into()));
    }

    #[test]
    fn the_interpreter_that_is_meant() {
        assert_eq!(parse("--python /a install x").python, Some("/a".into()));
        assert_eq!(parse("--python=/a install x").python, Some("/a".into()));
        assert_eq!(parse("install x").python, None);
    }

    /// An option of the tables with a value if it takes one, spelled in one of the ways that pip accepts.
    fn option() -> impl Strategy<Value = (OptionMeaning, Vec<String>)> {
        let options: Vec<_> = [GENERAL, INSTALL].concat();
        (
            prop::sample::select(options),
            "[a-z-][a-z0-9=-]{0,6}",
            any::<bool>(),
        )
            .prop_map(|((name, meaning), value, attached)| {
                let words = match (meaning.takes_value(), attached) {
                    (false, _) => vec![name.to_owned()],
                    (true, false) => vec![name.to_owned(), value],
                    (true, true) if name.starts_with("--") => vec![format!("{name}={value}")],
                    (true, true) => vec![format!("{name}{value}")],
                };
                (meaning, words)
            })
    }

    proptest! {
        #[test]
        fn options_never_hide_an_installation(
            options in prop::collection::vec(option(), 0..6),
            names in prop::collection::vec("[a-z][a-z0-9]{0,5}", 0..4),
        ) {
            let leaves = |meaning| matches!(meaning, OptionMeaning::Help | OptionMeaning::DryRun);
            let mut args = vec![OsString::from("install")];
            for (_, words) in &options {
                args.extend(words.iter().map(OsString::from));
            }
            args.extend(names.iter().map(OsString::from));
            let command = PipCommand::parse(&args);
            let reads = options.iter().any(|(meaning, _)| leaves(*meaning));
            prop_assert_eq!(command.effect == Reading, reads);
            if !reads {
                prop_assert!(command.packages.ends_with(&names));
            }
        }

        #[test]
        fn no_words_make_it_panic(words in prop::collection::vec("[-a-zé=]{0,6}", 0..8)) {
            let args: Vec<OsString> = words.into_iter().map(OsString::from).collect();
            let _ = PipCommand::parse(&args);
        }
    }
}
