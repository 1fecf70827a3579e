//! Why a flow did not run. The texts are AIM-Forge's; its clients show and compare them (compat, section 10).

use std::fmt::Write;

/// What kept a flow from running. A node that fails is no such error: it is a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// There is no such project, or it has no `structure.json`.
    #[error("Project {0} not found")]
    NoProject(String),
    /// No start was named and the project has none.
    #[error("No start node found in project")]
    NoStart,
    /// No start was named and the project has several.
    #[error("Multiple start nodes found: [{}]", list(.0))]
    ManyStarts(Vec<String>),
    /// The start that was named is not there.
    #[error("Start node {0} not found")]
    StartNotFound(String),
    /// A node would wait for itself.
    #[error("Cycle detected in the flow graph")]
    Cycle,
    /// Anything else.
    #[error("Flow execution failed: {0}")]
    Failed(String),
}

impl FlowError {
    /// The HTTP status that AIM-Forge answers it with.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoProject(_) => 404,
            Self::NoStart | Self::ManyStarts(_) | Self::StartNotFound(_) | Self::Cycle => 400,
            Self::Failed(_) => 500,
        }
    }
}

fn list(ids: &[String]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| python_text(id)).collect();
    ids.join(", ")
}

/// `text` as Python's `repr` writes it.
fn python_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            c if c == quote || c == '\\' => written.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(written, "\\x{:02x}", u32::from(c));
            }
            c => written.push(c),
        }
    }
    written.push(quote);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_listed_as_python_lists_them() {
        let check = |id: &str, expected: &str| {
            let error = FlowError::ManyStarts(vec![id.to_owned(), "2".to_owned()]);
            assert_eq!(
                error.to_string(),
                format!("Multiple start nodes found: [{expected}, '2']")
            );
        };
        check("s", "'s'");
        check("it's", "\"it's\"");
        check("'\"", "'\\'\"'");
        check("a\\b\n\u{1}한", "'a\\\\b\\n\\x01한'");
    }
}
