//! From the messages in two languages to Rust: a type for each message, a field for each of its values, and the macro
//! that finds the type by the message's key.
//!
//! The files are the part of YAML that messages need: `key:` with what belongs to it two blanks further in, or
//! `key: "text"` with `\"`, `\\` and `\n`, where `%{name}` stands for a value; lines that begin with `#` are comments.
//! Nothing else is let in.
//!
//! **Invariant:** what the compiler can see itself is left to it: an unknown value, a missing one, an unused message.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The Rust of two locale files, English and Korean, each with its name.
///
/// # Errors
/// Every fault of the files, with its file and its line or key.
pub(crate) fn rust(files: [(&str, &str); 2]) -> Result<String, Vec<String>> {
    let mut faults = Vec::new();
    let languages = files.map(|(file, text)| read(file, text, &mut faults));
    let [english, korean] = &languages;
    for (one, other, file) in [(english, korean, files[1].0), (korean, english, files[0].0)] {
        let missing = one.keys().filter(|key| !other.contains_key(*key));
        faults.extend(missing.map(|key| format!("{file}: `{key}` is missing")));
    }
    let mut types = String::new();
    let mut arms = String::new();
    for (key, english) in english {
        let Some(korean) = korean.get(key) else {
            continue;
        };
        let (ours, theirs) = (values(english), values(korean));
        if ours == theirs {
            type_of(&mut types, key, &ours, english, korean);
            let _ = writeln!(
                arms,
                "    ({key:?} $(, $value:ident = $is:expr)* $(,)?) => {{\n        \
                 $crate::words::messages::{} {{ $($value: &$is),* }}.text()\n    }};",
                name(key)
            );
        } else {
            faults.push(format!(
                "{}: `{key}` has the values {theirs:?}, in {} {ours:?}",
                files[1].0, files[0].0
            ));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let [english, korean] = files.map(|(file, _)| file);
    Ok(format!(
        "{types}\nmacro_rules! t {{\n{arms}    ($key:literal $($values:tt)*) => {{\n        \
         compile_error!(concat!(\"`\", $key, \"` is no message of {english} and {korean}, \", \
         \"or its values are not `name = value`\"))\n    }};\n}}\n"
    ))
}

/// A message, cut at its values.
type Message = Vec<Part>;

enum Part {
    Text(String),
    Value(String),
}

/// The messages of a file by their keys (`room.what_it_says`).
fn read(file: &str, text: &str, faults: &mut Vec<String>) -> BTreeMap<String, Message> {
    let mut found = BTreeMap::new();
    let mut above: Vec<&str> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut fault = |why: &str| faults.push(format!("{file}:{}: {why}", at + 1));
        let inside = line.trim_start_matches(' ');
        if inside.is_empty() || inside.starts_with('#') {
            continue;
        }
        let indent = line.len() - inside.len();
        let Some((key, rest)) = inside.split_once(':').filter(|(key, _)| is_name(key)) else {
            fault("not a key of small letters, digits and _, and a colon");
            continue;
        };
        if indent % 2 != 0 || indent / 2 > above.len() {
            fault("not two blanks further in than what it belongs to");
            continue;
        }
        above.truncate(indent / 2);
        above.push(key);
        if rest.is_empty() {
            continue;
        }
        let whole = above.join(".");
        above.pop();
        match message(rest) {
            Ok(message) => {
                if found.insert(whole.clone(), message).is_some() {
                    fault(&format!("`{whole}` stands here a second time"));
                }
            }
            Err(why) => fault(why),
        }
    }
    found
}

/// What stands behind a key: a blank and a text in double quotes.
fn message(rest: &str) -> Result<Message, &'static str> {
    let quoted = rest
        .strip_prefix(" \"")
        .and_then(|rest| rest.strip_suffix('"'))
        .ok_or("not a text in double quotes")?;
    let mut parts = vec![];
    let mut text = String::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => return Err("a double quote inside the text needs a \\"),
            '\\' => text.push(match rest.next() {
                Some(escaped @ ('"' | '\\')) => escaped,
                Some('n') => '\n',
                _ => return Err("only \\\", \\\\ and \\n have a meaning"),
            }),
            '%' if rest.as_str().starts_with('{') => {
                let (value, after) = rest.as_str()[1..]
                    .split_once('}')
                    .filter(|(value, _)| is_name(value))
                    .ok_or("a value is %{name}, in small letters, digits and _")?;
                parts.push(Part::Text(std::mem::take(&mut text)));
                parts.push(Part::Value(value.to_owned()));
                rest = after.chars();
            }
            _ => text.push(c),
        }
    }
    parts.push(Part::Text(text));
    Ok(parts)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

fn values(message: &Message) -> BTreeSet<&str> {
    message
        .iter()
        .filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value(value) => Some(value.as_str()),
        })
        .collect()
}

/// The type's name: `ApiNoDaemon` of `api.no_daemon`.
fn name(key: &str) -> String {
    key.split(['.', '_'])
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect()
}

/// The type of the message `key`: its values are fields, so that the compiler knows which there are.
fn type_of(
    out: &mut String,
    key: &str,
    values: &BTreeSet<&str>,
    english: &Message,
    korean: &Message,
) {
    let name = name(key);
    let (of, within, make) = if values.is_empty() {
        ("", "", "Borrowed")
    } else {
        ("<'a>", "<'_>", "Owned")
    };
    let fields: Vec<String> = values
        .iter()
        .map(|value| format!("pub(crate) {value}: &'a dyn Display"))
        .collect();
    let values: Vec<&str> = values.iter().copied().collect();
    let (english, korean) = (expression(english), expression(korean));
    let text = if english == korean {
        english
    } else {
        format!(
            "match language() {{\n            Language::English => {english},\n            \
             Language::Korean => {korean},\n        }}"
        )
    };
    let _ = writeln!(
        out,
        "/// `{key}`\npub(crate) struct {name}{of} {{ {} }}\n\
         impl {name}{within} {{\n    pub(crate) fn text(self) -> Cow<'static, str> {{\n        \
         let Self {{ {} }} = self;\n        Cow::{make}({text})\n    }}\n}}",
        fields.join(", "),
        values.join(", "),
    );
}

/// A message as an expression: a text, or `format!` with the values captured by their names.
fn expression(message: &Message) -> String {
    if let [Part::Text(text)] = message.as_slice() {
        return format!("{text:?}");
    }
    let format: String = message
        .iter()
        .map(|part| match part {
            Part::Text(text) => text.replace('{', "{{").replace('}', "}}"),
            Part::Value(value) => format!("{{{value}}}"),
        })
        .collect();
    format!("format!({format:?})")
}
