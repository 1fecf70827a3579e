//! What a project asks to have run: the commands of `[supervise.NAME]` and `[[after_change]]` in its `.aim.toml`.
//!
//! A repository can bring any of it, so here it is only read. Nothing of it runs before the person has allowed exactly
//! this, which is known by its [`Orders::digest`] (`store::Allowed`, decision 0039). Start reading at `read`.
//!
//! **Invariant:** only the project's own file orders anything; what is wrong with it is told as that of any setting.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

use super::problem::Problem;
use super::setting::Origin;
use super::settings_file::line;
use crate::words::{nearest, t};

/// The tables that the commands stand in.
pub(super) const TABLES: [&str; 2] = [SUPERVISE, AFTER_CHANGE];
const SUPERVISE: &str = "supervise";
const AFTER_CHANGE: &str = "after_change";

/// Commands of one project; a file with more is not meant so.
const MOST: usize = 32;
/// Problems that are told of one file.
const MOST_PROBLEMS: usize = 20;
/// Bytes of a command line, and of the value of an option.
const LONGEST: usize = 16 << 10;
/// Seconds that a command may have for its end.
const LONGEST_GRACE: f64 = 24.0 * 3600.0;
/// When a command is restarted, as `--on` has it.
const ON: [&str; 3] = ["change", "loaded", "manual"];
/// What the table of a command may have that runs all the time.
const KEYS: [&str; 5] = ["command", "on", "signal", "grace", "listen"];
/// What the table of one may have that is run after each change.
const KEYS_AFTER_CHANGE: [&str; 2] = ["run", "name"];
/// How one of these is called that has no name; the second one has `-2` behind it.
const USUAL_NAME: &str = "after-change";
/// The shell that runs a line of text.
const SHELL: [&str; 2] = ["/bin/sh", "-c"];

/// All that a project asks to have run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Orders {
    /// The commands that are supervised, by name.
    pub supervised: Vec<SupervisedOrder>,
}

/// A command that the daemon is to have supervised. Its options are as they are typed after `aim-worker supervise`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SupervisedOrder {
    /// By what it is known.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// When it is restarted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<String>,
    /// Sent instead of a restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Seconds that it may take to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace: Option<String>,
    /// Addresses to listen on for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<String>,
    /// Whether it is run once after each change, and not all the time.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after_change: bool,
}

impl Orders {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.supervised.is_empty()
    }

    /// What they are known by: the same as long as the same would be run, whatever else the file says.
    pub fn digest(&self) -> String {
        digest(self)
    }
}

impl SupervisedOrder {
    /// `command` as `name`, all else as usual.
    pub fn new(name: &str, command: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            command,
            on: None,
            signal: None,
            grace: None,
            listen: Vec::new(),
            after_change: false,
        }
    }

    /// As [`Orders::digest`], of this one alone.
    pub fn digest(&self) -> String {
        digest(self)
    }

    /// Its options, as they are typed.
    pub fn options(&self) -> Vec<String> {
        let single = [
            ("on", &self.on),
            ("signal", &self.signal),
            ("grace", &self.grace),
        ];
        let single = single
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("--{name}={value}")));
        let listen = self.listen.iter().map(|place| format!("--listen={place}"));
        let after_change = self.after_change.then(|| "--after-change".to_owned());
        single.chain(listen).chain(after_change).collect()
    }
}

/// Whether `text` can be the name of a supervised command, which is a file's, too.
pub fn is_command_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('.')
        && text.len() <= 64
        && text.chars().all(is_of_command_name)
}

/// Whether `c` can stand in such a name; at its beginning `.` cannot.
pub fn is_of_command_name(c: char) -> bool {
    c.is_alphanumeric() || "._-".contains(c)
}

fn digest(what: &impl Serialize) -> String {
    let text = serde_json::to_vec(what).unwrap_or_default();
    HEXLOWER.encode(&Sha256::digest(text))
}

/// What the values of [`TABLES`] in the file `text` at `origin` ask for, and what is wrong with them.
pub(super) fn read(
    [supervise, after_change]: [Option<Spanned<DeValue<'_>>>; 2],
    text: &str,
    origin: &Origin,
) -> (Orders, Vec<Problem>) {
    let mut reader = Reader {
        text,
        origin,
        problems: Vec::new(),
    };
    let mut supervised = Vec::new();
    if let Some(value) = supervise {
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Table(table) if table.len() > MOST => reader.too_many(at, SUPERVISE),
            DeValue::Table(table) => {
                for (name, one) in table {
                    supervised.extend(reader.order(&name.into_inner(), one));
                }
            }
            _ => reader.wrong(at, SUPERVISE, &t!("settings.expects.command_table")),
        }
    }
    if let Some(value) = after_change {
        let at = value.span().start;
        match value.into_inner() {
            DeValue::Array(array) if array.len() > MOST => reader.too_many(at, AFTER_CHANGE),
            DeValue::Array(array) => {
                for one in array {
                    if let Some(order) = reader.after_change(one, &supervised) {
                        supervised.push(order);
                    }
                }
            }
            _ => reader.wrong(at, AFTER_CHANGE, &t!("settings.expects.after_change_table")),
        }
    }
    supervised.sort_by(|one, other| one.name.cmp(&other.name));
    (Orders { supervised }, reader.problems)
}

struct Reader<'t> {
    text: &'t str,
    origin: &'t Origin,
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CommandLine {
    Typed(String),
    Words(Vec<String>),
}

/// A number, or what else is typed.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Number(u64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Several {
    One(Word),
    All(Vec<Word>),
}

impl Reader<'_> {
    fn order(&mut self, name: &str, value: Spanned<DeValue<'_>>) -> Option<SupervisedOrder> {
        let at = value.span().start;
        let whole = format!("{SUPERVISE}.{name}");
        if !is_command_name(name) {
            self.wrong(at, &whole, &t!("settings.expects.command_name"));
            return None;
        }
        let DeValue::Table(table) = value.into_inner() else {
            self.wrong(at, &whole, &t!("settings.expects.command_table"));
            return None;
        };
        let mut order = SupervisedOrder::new(name, Vec::new());
        let mut has_command = false;
        for (key, value) in table {
            let at = key.span().start;
            let name = format!("{whole}.{}", key.get_ref());
            let expects = match &**key.get_ref() {
                "command" => {
                    has_command = true;
                    let command = of(value).and_then(words);
                    let expects = || t!("settings.expects.command");
                    command
                        .map(|command| order.command = command)
                        .ok_or_else(expects)
                }
                "on" => {
                    let on = of(value).filter(|on: &String| ON.contains(&&**on));
                    order.on.clone_from(&on);
                    on.map(drop).ok_or_else(|| {
                        let words = ON.map(|word| format!("\"{word}\"")).join(", ");
                        t!("settings.expects.one_of", words = words)
                    })
                }
                "signal" => {
                    let signal = of(value).map(typed).filter(|signal| is_signal(signal));
                    order.signal.clone_from(&signal);
                    signal
                        .map(drop)
                        .ok_or_else(|| t!("settings.expects.signal"))
                }
                "grace" => {
                    let grace = of(value).filter(|grace| (0.0..=LONGEST_GRACE).contains(grace));
                    order.grace = grace.map(|grace: f64| grace.to_string());
                    grace.map(drop).ok_or_else(|| t!("settings.expects.grace"))
                }
                "listen" => {
                    let listen = of(value)
                        .map(all)
                        .filter(|all| all.iter().all(|one| is_word(one)));
                    order.listen = listen.clone().unwrap_or_default();
                    listen
                        .map(drop)
                        .ok_or_else(|| t!("settings.expects.listen"))
                }
                other => {
                    self.unknown(at, name, nearest(other, KEYS));
                    continue;
                }
            };
            if let Err(expects) = expects {
                self.wrong(at, &name, &expects);
            }
        }
        if !has_command {
            self.wrong(
                at,
                &format!("{whole}.command"),
                &t!("settings.expects.command"),
            );
        }
        (!order.command.is_empty()).then_some(order)
    }

    /// A command that is run after each change, where `others` have their names.
    fn after_change(
        &mut self,
        value: Spanned<DeValue<'_>>,
        others: &[SupervisedOrder],
    ) -> Option<SupervisedOrder> {
        let at = value.span().start;
        let DeValue::Table(table) = value.into_inner() else {
            self.wrong(at, AFTER_CHANGE, &t!("settings.expects.after_change_table"));
            return None;
        };
        let is_free = |name: &str| others.iter().all(|other| other.name != name);
        let mut command = None;
        let mut name = None;
        let mut is_sound = true;
        for (key, value) in table {
            let at = key.span().start;
            let whole = format!("{AFTER_CHANGE}.{}", key.get_ref());
            match &**key.get_ref() {
                "run" => {
                    command = of(value).and_then(run);
                    if command.is_none() {
                        self.wrong(at, &whole, &t!("settings.expects.run"));
                        is_sound = false;
                    }
                }
                "name" => {
                    name = of(value).filter(|name: &String| is_command_name(name));
                    let expects = match &name {
                        None => t!("settings.expects.command_name"),
                        Some(name) if !is_free(name) => t!("settings.expects.another_name"),
                        Some(_) => continue,
                    };
                    self.wrong(at, &whole, &expects);
                    is_sound = false;
                }
                other => self.unknown(at, whole, nearest(other, KEYS_AFTER_CHANGE)),
            }
        }
        if command.is_none() && is_sound {
            let whole = format!("{AFTER_CHANGE}.run");
            self.wrong(at, &whole, &t!("settings.expects.run"));
        }
        let usual = || {
            let numbered = (2..).map(|number| format!("{USUAL_NAME}-{number}"));
            std::iter::once(USUAL_NAME.to_owned())
                .chain(numbered)
                .find(|name| is_free(name))
        };
        let order = SupervisedOrder::new(&name.or_else(usual)?, command.filter(|_| is_sound)?);
        Some(SupervisedOrder {
            after_change: true,
            ..order
        })
    }

    fn too_many(&mut self, at: usize, table: &str) {
        self.wrong(at, table, &t!("settings.expects.commands", most = MOST));
    }

    fn wrong(&mut self, at: usize, name: &str, expects: &str) {
        let problem = Problem::Wrong {
            place: self.place(at),
            name: name.to_owned(),
            expects: expects.to_owned(),
        };
        self.push(problem);
    }

    fn unknown(&mut self, at: usize, name: String, meant: Option<&'static str>) {
        let place = self.place(at);
        self.push(Problem::Unknown { place, name, meant });
    }

    fn push(&mut self, problem: Problem) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn place(&self, at: usize) -> String {
        format!("{}:{}", self.origin, line(self.text, at))
    }
}

fn of<'t, T: Deserialize<'t>>(value: Spanned<DeValue<'t>>) -> Option<T> {
    T::deserialize(ValueDeserializer::from(value)).ok()
}

/// The words of a command; none where it has no program, or what no process can be given.
fn words(line: CommandLine) -> Option<Vec<String>> {
    possible(match line {
        CommandLine::Typed(line) => shlex::split(&line)?,
        CommandLine::Words(words) => words,
    })
}

/// The words of what is run after a change: a text is a shell's.
fn run(line: CommandLine) -> Option<Vec<String>> {
    possible(match line {
        CommandLine::Typed(line) if line.trim().is_empty() => return None,
        CommandLine::Typed(line) => SHELL.map(str::to_owned).into_iter().chain([line]).collect(),
        CommandLine::Words(words) => words,
    })
}

fn possible(words: Vec<String>) -> Option<Vec<String>> {
    let length: usize = words.iter().map(String::len).sum();
    let can_be = words.iter().all(|word| !word.contains('\0'));
    let has_program = words.first().is_some_and(|program| !program.is_empty());
    (can_be && has_program && length <= LONGEST).then_some(words)
}

fn typed(word: Word) -> String {
    match word {
        Word::Number(number) => number.to_string(),
        Word::Text(text) => text,
    }
}

fn all(several: Several) -> Vec<String> {
    match several {
        Several::One(one) => vec![typed(one)],
        Several::All(all) => all.into_iter().map(typed).collect(),
    }
}

/// `HUP`, `SIGUSR1`, `12`. Which there are, knows `aim-worker`.
fn is_signal(text: &str) -> bool {
    (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && !text.contains('\0')
}

#[cfg(test)]
mod tests;
