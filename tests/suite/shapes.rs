//! The shapes of what `--json` prints, as docs/json.md has them: made of what the commands print, so that they are
//! true. `AIM_UPDATE=1` makes the page anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::generated::compare;
use crate::sandbox::Sandbox;

const HEAD: &str = "# What `--json` prints

One JSON value on standard output, and nothing else there; what is said besides goes to standard error. Fields that are
not listed may be added; those that are keep their names and meanings. Times are UTC, ISO 8601; sizes are bytes; how
long something took ends in its unit.

Here `text?` may be null or left out, `…` was not there when this page was made, `[…]` is a list, and `{name: …}` has
names that are data. The fields of what the daemon answers are described in [api.md](api.md). Made from what the
commands print, by `make review`; do not edit.
";

/// What is run, in this order, and whether its value is shown.
const TYPED: [&[&str]; 22] = [
    &["aim-venv-sync", "status"],
    &["aim-venv-sync", "sync"],
    &["aim-venv-sync", "sync", "--check"],
    &["aim-venv-sync", "init"],
    &["aim-venv-sync", "list"],
    &["aim-venv-sync", "doctor"],
    &["aim-venv-sync", "config"],
    &["aim-logs", "list"],
    &["aim-logs", "show", "last"],
    &["aim-logs", "history"],
    &["aim-logs", "history", "greeting"],
    &["aim-logs", "why", "greeting"],
    &["aim-logs", "state"],
    &["aim-logs", "diff", "1"],
    &["aim-logs", "stats"],
    // What follows is the command's.
    &[
        "aim-logs",
        "--json",
        "bisect",
        "--",
        "sh",
        "-c",
        "! pip show -q greeting",
    ],
    &["aim-logs", "prune", "--dry-run"],
    &["aim-worker", "run", "node.py"],
    &["aim-worker", "status"],
    &["aim-worker", "list"],
    &["aim-lsp", "status"],
    &["aim-venv-sync", "remove"],
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
    for words in TYPED {
        let (program, args) = words.split_first().expect("a command");
        let ran = sandbox.run(program, args.iter().chain(&["--json"]));
        let shape = Shape::of(&ran.json(), None);
        let typed = words.join(" ");
        write!(page, "\n## `{typed}`\n\n```text\n{}\n```\n", shape.text(0)).expect("text");
    }
    compare(Path::new("docs/json.md"), &page);
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
