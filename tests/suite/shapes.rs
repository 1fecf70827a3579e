//! The shapes of what `--json` prints, as docs/json.md and docs/schema have them: made of what the commands print, so
//! that they are true. `AIM_UPDATE=1` makes them anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::generated::compare;
use crate::sandbox::Sandbox;

const HEAD: &str = "# What `--json` prints

One JSON value on standard output, and nothing else there; what is said besides goes to standard error. Fields that are
not listed may be added; those that are keep their names and meanings. Times are UTC, ISO 8601; sizes are bytes; how
long something took ends in its unit.

Here `text?` may be null or left out, `…` was not there when this page was made, `[…]` is a list, and `{name: …}` has
names that are data. docs/schema has the same as a JSON Schema for each command.

The fields of what the daemon answers are described in [api.md](api.md). Made from what the commands print, by `make
review`; do not edit.
";

/// What is run, in this order, whose value is shown: the name of its schema, and the words.
const TYPED: [(&str, &[&str]); 27] = [
    ("aim-venv-sync-status", &["status"]),
    ("aim-venv-sync-sync", &["sync"]),
    ("aim-venv-sync-sync-check", &["sync", "--check"]),
    ("aim-venv-sync-init", &["init"]),
    ("aim-venv-sync-list", &["list"]),
    ("aim-venv-sync-setup", &["setup", "--dry-run"]),
    ("aim-venv-sync-doctor", &["doctor"]),
    ("aim-venv-sync-config", &["config"]),
    ("aim-logs-list", &["list"]),
    ("aim-logs-show", &["show", "last"]),
    ("aim-logs-history", &["history"]),
    ("aim-logs-history-package", &["history", "greeting"]),
    ("aim-logs-why", &["why", "greeting"]),
    ("aim-logs-state", &["state"]),
    ("aim-logs-diff", &["diff", "1"]),
    ("aim-logs-export", &["export"]),
    ("aim-logs-undo", &["undo", "--dry-run"]),
    (
        "aim-logs-bisect",
        &["bisect", "--", "sh", "-c", "! pip show -q greeting"],
    ),
    ("aim-logs-stats", &["stats"]),
    ("aim-logs-prune", &["prune", "--dry-run"]),
    ("aim-worker-run", &["run", "node.py"]),
    ("aim-worker-status", &["status"]),
    ("aim-worker-list", &["list"]),
    ("aim-lsp-status", &["status"]),
    ("aim-venv-sync-report", &["report"]),
    ("aim-venv-sync-disable", &["disable"]),
    ("aim-venv-sync-remove", &["remove"]),
];

/// Other calls, which print the same with other things in it.
const ALSO: [(&str, &[&str]); 12] = [
    ("aim-logs-list", &["list", "--failed"]),
    ("aim-logs-list", &["list", "--all"]),
    ("aim-logs-show", &["show", "last-failed"]),
    ("aim-logs-show", &["show", "1"]),
    ("aim-logs-why", &["why", "pip"]),
    ("aim-logs-state", &["state", "--at", "g1"]),
    ("aim-logs-diff", &["diff", "now", "g1"]),
    ("aim-logs-diff", &["diff", "2", "3"]),
    ("aim-logs-export", &["export", "g1"]),
    ("aim-logs-undo", &["undo", "3", "--dry-run"]),
    ("aim-logs-prune", &["prune", "--keep", "3", "--dry-run"]),
    ("aim-venv-sync-disable", &["enable"]),
];

/// Objects whose names are data.
const OF_DATA: [&str; 3] = ["settings", "tools", "output"];

#[test]
fn what_json_prints_is_as_the_page_says() {
    let sandbox = Sandbox::ready();
    let _daemon = sandbox.daemon();
    sandbox.write("node.py", "def main():\n    return {'a': 1}\n");
    for version in ["1.0", "2.0"] {
        sandbox.wheel("greeting", version);
        let wanted = format!("greeting=={version}");
        sandbox.pip(["install", "--no-index", &wanted]).ok();
    }
    sandbox.pip(["install", "--no-index", "nowhere"]).exits(1);
    sandbox.pip(["uninstall", "-y", "greeting"]).ok();
    sandbox.pip(["install", "--no-index", "greeting"]).ok();
    let mut page = HEAD.to_owned();
    let called = |(name, words): (&str, &[&str])| {
        let program = PROGRAMS.iter().find(|program| name.starts_with(**program));
        let program = *program.expect("one of ours");
        let (verb, rest) = words.split_first().expect("a verb");
        let ran = sandbox.run(program, [verb, "--json"].iter().chain(rest));
        (format!("{program} {}", words.join(" ")), ran.json())
    };
    // What takes the environment away comes last.
    let (last, first) = TYPED.split_last().expect("calls");
    let mut printed: BTreeMap<&str, (String, Vec<Value>)> = BTreeMap::new();
    for typed in first.iter().chain(&ALSO).chain([last]) {
        let (command, value) = called(*typed);
        let known = printed.entry(typed.0).or_insert((command, Vec::new()));
        known.1.push(value);
    }
    for (name, _) in TYPED {
        let (command, values) = &printed[name];
        let shapes = values.iter().map(|value| Shape::of(value, None));
        let shape = shapes.reduce(Shape::with).expect("a value");
        write!(
            page,
            "\n## `{command}`\n\n```text\n{}\n```\n",
            shape.text(0)
        )
        .expect("text");
        let mut schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": format!("{command} --json"),
        });
        let members = schema.as_object_mut().expect("an object");
        members.extend(shape.schema().as_object().expect("an object").clone());
        for value in values {
            if let Err(why) = fits(value, &schema) {
                panic!("{command}: {why}: {value:#}");
            }
        }
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        compare(
            &Path::new("docs/schema").join(format!("{name}.json")),
            &text,
        );
    }
    refuses(&printed["aim-logs-list"].1[0]);
    compare(Path::new("docs/json.md"), &page);
}

const PROGRAMS: [&str; 4] = ["aim-venv-sync", "aim-logs", "aim-worker", "aim-lsp"];

/// Whether `value` is as `schema` says, of the words that [`Shape::schema`] uses; else where it is not.
fn fits(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(all) = schema["anyOf"].as_array() {
        let one = all.iter().any(|schema| fits(value, schema).is_ok());
        return one
            .then_some(())
            .ok_or(format!("{value} is none of {all:?}"));
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is_kind = match &schema["type"] {
        Value::Null => true,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        one => one == kind,
    };
    if !is_kind {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    match value {
        Value::Array(all) => all.iter().try_for_each(|one| fits(one, &schema["items"])),
        Value::Object(members) => {
            let required = schema["required"].as_array().into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                members.get(name).ok_or(format!("no {name}"))?;
            }
            members.iter().try_for_each(|(name, value)| {
                let of_name = schema["properties"].get(name);
                let schema = of_name.unwrap_or(&schema["additionalProperties"]);
                fits(value, schema).map_err(|why| format!("{name}: {why}"))
            })
        }
        _ => Ok(()),
    }
}

/// That another shape does not fit.
fn refuses(list: &Value) {
    let schema = Shape::of(list, None).schema();
    let spoilt = |name: &str, other: Option<Value>| {
        let mut list = list.clone();
        let run = list[0].as_object_mut().expect("a run");
        run.remove(name);
        run.extend(other.map(|other| (name.to_owned(), other)));
        fits(&list, &schema)
    };
    assert_eq!(
        spoilt("more", Some(json!([1]))),
        Ok(()),
        "fields may be added"
    );
    for (name, other) in [
        ("id", None),
        ("id", Some(json!(1))),
        ("added", Some(json!([{}]))),
    ] {
        assert!(spoilt(name, other.clone()).is_err(), "{name} {other:?}");
    }
}

/// What is common to some values.
#[derive(Debug, Clone, Default, PartialEq)]
struct Shape {
    kinds: Vec<&'static str>,
    is_optional: bool,
    list: Option<Box<Shape>>,
    members: Option<BTreeMap<String, Shape>>,
    /// Of a map whose names are data.
    values: Option<Box<Shape>>,
}

impl Shape {
    fn of(value: &Value, name: Option<&str>) -> Self {
        let mut shape = Self::default();
        match value {
            Value::Null => shape.is_optional = true,
            Value::Bool(_) => shape.kinds.push("boolean"),
            Value::Number(_) => shape.kinds.push("number"),
            Value::String(_) => shape.kinds.push("text"),
            Value::Array(all) => {
                let all = all.iter().map(|one| Self::of(one, None));
                shape.list = Some(Box::new(all.reduce(Self::with).unwrap_or_default()));
            }
            Value::Object(members) if name.is_some_and(|name| OF_DATA.contains(&name)) => {
                let all = members.values().map(|one| Self::of(one, None));
                shape.values = Some(Box::new(all.reduce(Self::with).unwrap_or_default()));
            }
            Value::Object(members) => shape.members = Some(Self::members(members)),
        }
        shape
    }

    fn members(members: &Map<String, Value>) -> BTreeMap<String, Self> {
        let members = members.iter();
        members
            .map(|(name, value)| (name.clone(), Self::of(value, Some(name))))
            .collect()
    }

    fn with(mut self, other: Self) -> Self {
        for kind in other.kinds {
            if !self.kinds.contains(&kind) {
                self.kinds.push(kind);
            }
        }
        self.kinds.sort_unstable();
        self.is_optional |= other.is_optional;
        self.list = either(self.list, other.list);
        self.values = either(self.values, other.values);
        self.members = match (self.members, other.members) {
            (Some(mut ours), Some(theirs)) => {
                for (name, shape) in &mut ours {
                    shape.is_optional |= !theirs.contains_key(name);
                }
                for (name, mut shape) in theirs {
                    let known = ours.remove(&name);
                    shape.is_optional |= known.is_none();
                    ours.insert(name, known.map_or(shape.clone(), |known| known.with(shape)));
                }
                Some(ours)
            }
            (ours, theirs) => ours.or(theirs),
        };
        self
    }

    /// As a JSON Schema. What is optional may be null or left out; of what was never there nothing is said.
    fn schema(&self) -> Value {
        let mut kinds: Vec<&str> = self.kinds.clone();
        for kind in &mut kinds {
            if *kind == "text" {
                *kind = "string";
            }
        }
        let mut all = Vec::new();
        if let Some(of) = &self.list {
            all.push(json!({"type": "array", "items": of.schema()}));
        }
        if let Some(of) = &self.values {
            all.push(json!({"type": "object", "additionalProperties": of.schema()}));
        }
        if let Some(members) = &self.members {
            let required = members.iter().filter(|(_, shape)| !shape.is_optional);
            let required: Vec<_> = required.map(|(name, _)| name).collect();
            let members = members.iter();
            let properties: Map<_, _> = members
                .map(|(name, shape)| (name.clone(), shape.schema()))
                .collect();
            all.push(json!({"type": "object", "properties": properties, "required": required}));
        }
        if kinds.is_empty() && all.is_empty() {
            return json!({});
        }
        if self.is_optional {
            kinds.push("null");
        }
        match kinds.as_slice() {
            [] => {}
            [one] => all.push(json!({"type": one})),
            several => all.push(json!({"type": several})),
        }
        match all.len() {
            1 => all.remove(0),
            _ => json!({"anyOf": all}),
        }
    }

    fn text(&self, depth: usize) -> String {
        let room = "  ".repeat(depth + 1);
        let mut all: Vec<String> = self.kinds.iter().map(|kind| (*kind).to_owned()).collect();
        if let Some(of) = &self.list {
            all.push(format!("[{}]", of.text(depth)));
        }
        if let Some(of) = &self.values {
            all.push(format!("{{name: {}}}", of.text(depth)));
        }
        if let Some(members) = &self.members {
            let lines = members
                .iter()
                .map(|(name, shape)| format!("{room}{name}: {}\n", shape.text(depth + 1)));
            all.push(format!(
                "{{\n{}{}}}",
                lines.collect::<String>(),
                "  ".repeat(depth)
            ));
        }
        let text = if all.is_empty() {
            "…".to_owned()
        } else {
            all.join(" or ")
        };
        if self.is_optional { text + "?" } else { text }
    }
}

fn either(one: Option<Box<Shape>>, other: Option<Box<Shape>>) -> Option<Box<Shape>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(Box::new(one.with(*other))),
        (one, other) => one.or(other),
    }
}
