//! What a project says about its worker: when it is replaced, and which variables its nodes get.

use serde::{Deserialize, Serialize};

use super::setting::{SettingValue, one_of};

/// When a change of the environment replaces the worker (`worker.policy`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartPolicy {
    /// With every change.
    #[default]
    Always,
    /// When a file that the worker has loaded changed or went; otherwise it keeps its memory.
    Loaded,
    /// Only when somebody asks for it.
    Manual,
}

impl SettingValue for RestartPolicy {
    fn shown(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn expects() -> String {
        one_of(&[Self::Always, Self::Loaded, Self::Manual])
    }
}

/// Which server pages get that ask for one of Python (`lsp.python`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PythonServer {
    /// The first of these that is there.
    #[default]
    Auto,
    /// basedpyright.
    Basedpyright,
    /// pyright.
    Pyright,
    /// ty.
    Ty,
}

impl SettingValue for PythonServer {
    fn shown(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn expects() -> String {
        one_of(&[Self::Auto, Self::Basedpyright, Self::Pyright, Self::Ty])
    }
}

/// Whether the variable `name` is among `patterns`: names, in which `*` stands for any characters.
pub fn names_variable(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, name))
}

fn matches(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(name) = name.strip_prefix(start) else {
        return false;
    };
    let mut ends = (0..=name.len()).filter(|at| name.is_char_boundary(*at));
    ends.any(|at| matches(rest, &name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_names() {
        let check = |pattern: &str, name: &str, expected| {
            assert_eq!(
                names_variable(&[pattern.to_owned()], name),
                expected,
                "{pattern} {name}"
            );
        };
        check("HOME", "HOME", true);
        check("HOME", "HOMES", false);
        check("AWS_*", "AWS_KEY", true);
        check("AWS_*", "MY_AWS_KEY", false);
        check("*_TOKEN*", "GH_TOKEN", true);
        check("*", "가", true);
        check("*가", "나가", true);
        check("", "X", false);
    }
}
