//! `aim-logs list --format '{number} {action}'`: a line a run, with the fields that `--json` has.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::store::Run;
use crate::words::t;

/// What can stand between braces, in the order in which people are told.
const FIELDS: [&str; 21] = [
    "number",
    "id",
    "action",
    "packages",
    "argv",
    "cwd",
    "tool",
    "started_at",
    "duration_ms",
    "status",
    "exit_code",
    "signal",
    "generation_before",
    "generation_after",
    "added",
    "removed",
    "changed",
    "log_path",
    "user",
    "pid",
    "callers",
];

/// A line's text and the fields in it.
pub(super) struct Format<'a>(Vec<Piece<'a>>);

enum Piece<'a> {
    Text(&'a str),
    Field(&'a str),
}

impl<'a> Format<'a> {
    /// # Errors
    /// `Exit::Usage` for a field that there is not, with those that there are.
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, (field, after))) = rest
            .split_once('{')
            .and_then(|(before, after)| Some((before, after.split_once('}')?)))
        {
            if !FIELDS.contains(&field) {
                let error = Error::usage(t!("logs.no_such_field", field = field));
                return Err(error.hint(t!("logs.hint_fields", fields = FIELDS.join(", "))));
            }
            pieces.extend([Piece::Text(before), Piece::Field(field)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest));
        Ok(Self(pieces))
    }

    /// The line of `run`; a field that it has not is empty.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn line(&self, run: &Run) -> Result<String> {
        let fields = run.as_json()?;
        let piece = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => (*text).to_owned(),
            Piece::Field(field) => shown(&fields[*field]),
        };
        Ok(self.0.iter().map(piece).collect())
    }
}

/// A value as a word: lists are separated by spaces, changes are `name==version` of what is there now, or was.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(shown).collect::<Vec<_>>().join(" "),
        Value::Object(change) => {
            let version = [&change["to"], &change["from"]]
                .into_iter()
                .find_map(Value::as_str);
            format!(
                "{}=={}",
                shown(&change["name"]),
                version.unwrap_or_default()
            )
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::Exit;
    use crate::store::made_runs::{lone, run};

    #[test]
    fn fields_are_those_of_json() {
        fn check(format: &str, expected: &str) {
            let run = run(1, &json!({"number": 27, "packages": ["six", "x"]}));
            let line = Format::parse(format).expect(format).line(&run);
            assert_eq!(line.expect("a line"), expected, "{format}");
        }
        check("{number} {action}", "27 install");
        check("{packages}:{added}|{removed}", "six x:six==1.16.0|");
        check("{id", "{id");
        check("}{status}{signal}", "}success");
        for field in FIELDS {
            let text = format!("{{{field}}}");
            let format = Format::parse(&text).expect(field);
            format.line(&lone(true)).expect("a line");
        }
    }

    #[test]
    fn an_unknown_field_is_answered_by_those_that_there_are() {
        let error = Format::parse("{id} {colour}").err().expect("refused");
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("colour"), "{error}");
        assert!(error.hints()[0].contains("number, id, action"), "{error:?}");
    }
}
