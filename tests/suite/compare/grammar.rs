//! Our reading of command lines, compared with that of pip itself, for every pip that we know.
//!
//! `grammar.py` asks pip's own parsers. First every option that pip has, alone; then lines made by chance.

use std::cell::RefCell;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use aim_toolkit::testing::{Effect, PipCommand};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde::Deserialize;

use super::versions::{VERSIONS, wheel};
use crate::sandbox::{Python, Sandbox};

/// Lines made by chance for each pip; `AIM_LONG=1` makes many more.
const LINES: u32 = 200;
const MANY_LINES: u32 = 20_000;

/// One of pip's options.
#[derive(Debug, Clone, Deserialize)]
struct PipOption {
    names: Vec<String>,
    takes_value: bool,
    action: String,
}

/// What a pip can be asked.
#[derive(Debug, Clone, Deserialize)]
struct Grammar {
    commands: Vec<String>,
    general: Vec<PipOption>,
    install: Vec<PipOption>,
    uninstall: Vec<PipOption>,
}

/// What pip makes of a line that it accepts.
#[derive(Debug, Deserialize)]
struct Reading {
    /// None when it only printed a help text or its version.
    action: Option<String>,
    #[serde(default)]
    operands: Vec<String>,
    #[serde(default)]
    requirements: Vec<String>,
    #[serde(default)]
    editables: Vec<String>,
    #[serde(default)]
    reads: bool,
    #[serde(default)]
    elsewhere: bool,
    python: Option<String>,
}

/// A pip that reads lines.
struct Pip {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Pip {
    fn start(sandbox: &Sandbox, wheel: &std::path::Path) -> (Self, Grammar) {
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/suite/compare/grammar.py"
        );
        let mut child = sandbox
            .command(sandbox.python().path())
            .args(["-S", script])
            .env("PYTHONPATH", wheel)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut pip = Self {
            ask: child.stdin.take().expect("piped"),
            answers: BufReader::new(child.stdout.take().expect("piped")),
            child,
        };
        let grammar = serde_json::from_str(&pip.line()).expect("a grammar");
        (pip, grammar)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("readable");
        line
    }

    /// What pip makes of `words`; none when it refuses them.
    fn read(&mut self, words: &[String]) -> Option<Reading> {
        let question = serde_json::to_string(words).expect("JSON");
        writeln!(self.ask, "{question}").expect("asked");
        serde_json::from_str(&self.line()).expect("an answer")
    }
}

impl Drop for Pip {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn lines_are_read_as_each_pip_reads_them() {
    for (version, minor) in VERSIONS {
        let (Some(wheel), Some(python)) = (wheel(version), Python::find(*minor)) else {
            continue;
        };
        let sandbox = Sandbox::on(python);
        let (pip, grammar) = Pip::start(&sandbox, &wheel);
        every_option(version, &grammar);
        every_command(version, &grammar);
        by_chance(version, pip, &grammar);
    }
}

/// Whether the word after each option is its value, in every spelling.
fn every_option(version: &str, grammar: &Grammar) {
    for (command, own) in [
        ("install", &grammar.install),
        ("uninstall", &grammar.uninstall),
    ] {
        let counted = own.iter().filter(|option| !leaves(option));
        for (name, option) in
            counted.flat_map(|option| option.names.iter().map(move |n| (n, option)))
        {
            let rest = if option.takes_value {
                vec!["x"]
            } else {
                vec!["value", "x"]
            };
            let read = ours(&[command, name, "value", "x"]);
            assert_eq!(operands(&read), rest, "pip {version}: {command} {name}");
            if option.takes_value {
                let attached = if name.starts_with("--") {
                    format!("{name}=value")
                } else {
                    format!("{name}value")
                };
                let read = ours(&[command, &attached, "x"]);
                assert_eq!(
                    operands(&read),
                    ["x"],
                    "pip {version}: {command} {attached}"
                );
            }
        }
    }
    for option in grammar.general.iter().filter(|option| !leaves(option)) {
        for name in &option.names {
            let value = if option.takes_value {
                vec!["list"]
            } else {
                vec![]
            };
            let words = [vec![name.as_str()], value, vec!["install", "x"]].concat();
            let read = ours(&words);
            assert_eq!(read.action, "install", "pip {version}: {words:?}");
            assert_ne!(read.effect, Effect::Reading, "pip {version}: {words:?}");
        }
    }
}

/// Which commands can change an environment.
fn every_command(version: &str, grammar: &Grammar) {
    for command in &grammar.commands {
        let effect = if matches!(command.as_str(), "install" | "uninstall") {
            Effect::Changing
        } else {
            Effect::Reading
        };
        let read = ours(&[command]);
        assert_eq!(
            (read.effect, &read.action),
            (effect, command),
            "pip {version}"
        );
    }
}

fn by_chance(version: &str, pip: Pip, grammar: &Grammar) {
    let pip = RefCell::new(pip);
    let mut accepted = 0;
    let count = RefCell::new(&mut accepted);
    let cases = if std::env::var_os("AIM_LONG").is_some() {
        MANY_LINES
    } else {
        LINES
    };
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&line(grammar), |words| {
        let Some(pips) = pip.borrow_mut().read(&words) else {
            return Ok(());
        };
        **count.borrow_mut() += 1;
        compare(&words, &pips, is_spelled_out(&words, grammar))
    });
    if let Err(error) = result {
        panic!("pip {version}: {error}");
    }
    println!("pip {version} accepted {accepted} of {cases} lines");
    assert!(
        accepted > cases / 10,
        "pip {version} accepts hardly any line: {accepted}"
    );
}

/// Whether we read `words` as pip does. Beginnings of options differ from one pip to another: of those we need only not
/// take a change for a reading command.
fn compare(words: &[String], pips: &Reading, exactly: bool) -> Result<(), TestCaseError> {
    let read = ours(words);
    if !exactly {
        let changes = matches!(pips.action.as_deref(), Some("install" | "uninstall"));
        prop_assert!(!changes || pips.reads || read.effect != Effect::Reading);
        return Ok(());
    }
    let Some(action) = &pips.action else {
        prop_assert_eq!(read.effect, Effect::Reading, "it only prints something");
        return Ok(());
    };
    prop_assert_eq!(&read.action, action);
    if !matches!(action.as_str(), "install" | "uninstall") {
        prop_assert_eq!(read.effect, Effect::Reading);
        return Ok(());
    }
    if pips.reads {
        return Ok(()); // whatever we think of a dry run, no record is lost
    }
    let effect = if pips.elsewhere {
        Effect::Uncertain
    } else {
        Effect::Changing
    };
    // That an option is taken back again (`--user --no-user`) is not looked at: no record is lost.
    let is_taken_back = words.iter().any(|word| word == "--no-user");
    prop_assert!(read.effect == effect || is_taken_back && read.effect == Effect::Uncertain);
    // After `--` a word is one whatever it begins with; those cannot be told from options here.
    let names = pips.operands.iter().filter(|name| !name.starts_with('-'));
    prop_assert_eq!(operands(&read), names.collect::<Vec<_>>());
    for value in pips.requirements.iter().chain(&pips.editables) {
        let is_there = read
            .packages
            .iter()
            .any(|typed| typed.ends_with(value.as_str()));
        prop_assert!(is_there, "{} is not in {:?}", value, read.packages);
    }
    let python = read
        .python
        .map(|python| python.to_string_lossy().into_owned());
    prop_assert_eq!(&python, &pips.python);
    Ok(())
}

/// Whether every long option in `words` is one of pip's whole names.
fn is_spelled_out(words: &[String], grammar: &Grammar) -> bool {
    let options = [&grammar.general, &grammar.install, &grammar.uninstall].map(|list| list.iter());
    let names: Vec<&String> = options
        .into_iter()
        .flatten()
        .flat_map(|option| &option.names)
        .collect();
    words
        .iter()
        .filter(|word| word.len() > 2 && word.starts_with("--"))
        .all(|word| {
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            names.iter().any(|known| *known == name)
        })
}

/// A line for this pip: most of them well formed.
fn line(grammar: &Grammar) -> impl Strategy<Value = Vec<String>> + use<> {
    let general = prop::collection::vec(option(grammar.general.clone()), 0..3);
    let others = prop::sample::select(grammar.commands.clone());
    let with = |command: &'static str, options: &[PipOption]| {
        let part = prop_oneof![
            3 => option(options.to_vec()),
            2 => "[a-z][a-z0-9.=<]{0,8}".prop_map(|word| vec![word]),
            1 => Just(vec!["--".to_owned()]),
        ];
        prop::collection::vec(part, 0..7)
            .prop_map(move |parts| [vec![command.to_owned()], parts.concat()].concat())
    };
    let command = prop_oneof![
        6 => with("install", &grammar.install),
        2 => with("uninstall", &grammar.uninstall),
        1 => others.prop_map(|command| vec![command]),
    ];
    (general, command).prop_map(|(general, command)| [general.concat(), command].concat())
}

/// An option in one of the spellings that `optparse` takes. No value is a command of the line: pip takes the first word
/// that is spelled like its command away, also where that is a value.
fn option(options: Vec<PipOption>) -> impl Strategy<Value = Vec<String>> {
    let value =
        prop_oneof![4 => Just("3".to_owned()), 1 => "[a-z-]{1,6}", 1 => Just("freeze".to_owned())];
    (
        prop::sample::select(options),
        any::<prop::sample::Index>(),
        value,
        any::<bool>(),
        prop_oneof![3 => Just(0_usize), 1 => 1..6_usize],
    )
        .prop_map(|(option, name, value, is_attached, cut)| {
            let mut name = option.names[name.index(option.names.len())].clone();
            let is_long = name.starts_with("--");
            if is_long {
                name.truncate(name.len().saturating_sub(cut).max(3));
            }
            match (option.takes_value, is_attached, is_long) {
                (false, ..) => vec![name],
                (true, false, _) => vec![name, value],
                (true, true, true) => vec![format!("{name}={value}")],
                (true, true, false) => vec![format!("{name}{value}")],
            }
        })
}

/// Whether pip prints something and leaves at this option, or only says what it would do.
fn leaves(option: &PipOption) -> bool {
    option.action == "help"
        || option
            .names
            .iter()
            .any(|name| name == "--version" || name == "--dry-run")
}

fn ours(words: &[impl AsRef<str>]) -> PipCommand {
    let args: Vec<OsString> = words.iter().map(|word| word.as_ref().into()).collect();
    PipCommand::parse(&args)
}

/// What is asked for by name; `-r FILE` and the like begin with a hyphen.
fn operands(command: &PipCommand) -> Vec<&str> {
    let names = command.packages.iter().map(String::as_str);
    names.filter(|name| !name.starts_with('-')).collect()
}
