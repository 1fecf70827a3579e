//! One setting: its value, where that came from, and how files, variables and people have it.
//!
//! The settings that there are stand in `config`.

use std::fmt;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::env_vars;
use crate::words::t;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    BuiltIn,
    /// A settings file.
    File(PathBuf),
    /// A variable.
    Variable(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

impl<T> Setting<T> {
    pub(super) fn built_in(value: T) -> Self {
        Self {
            value,
            origin: Origin::BuiltIn,
        }
    }

    /// Takes `value` in the place of what stands here.
    pub(super) fn set(&mut self, value: T, origin: Origin) {
        *self = Self { value, origin };
    }
}

/// What a setting can be.
pub(super) trait SettingValue: DeserializeOwned {
    /// The value as `aim-venv-sync config` shows it.
    fn shown(&self) -> Json;

    /// What values there are, in the chosen language.
    fn expects() -> String;

    /// The value as a file has it.
    fn in_file(&self) -> String {
        self.shown().to_string()
    }
}

impl SettingValue for bool {
    fn shown(&self) -> Json {
        (*self).into()
    }

    fn expects() -> String {
        t!("settings.expects.bool").into_owned()
    }
}

impl SettingValue for u64 {
    fn shown(&self) -> Json {
        (*self).into()
    }

    fn expects() -> String {
        t!("settings.expects.number").into_owned()
    }
}

impl SettingValue for Vec<String> {
    fn shown(&self) -> Json {
        self.join(" ").into()
    }

    fn expects() -> String {
        t!("settings.expects.names").into_owned()
    }

    fn in_file(&self) -> String {
        Json::from(self.as_slice()).to_string()
    }
}

/// What a setting that is one of a few words expects.
pub(super) fn one_of<T: SettingValue>(words: &[T]) -> String {
    let words: Vec<String> = words.iter().map(SettingValue::in_file).collect();
    t!("settings.expects.one_of", words = words.join(", ")).into_owned()
}

/// What a setting can be that a variable overrides.
pub(super) trait OfVariable: Sized {
    /// The value that the variable's text means, if it can be one.
    fn of_variable(text: &str) -> Option<Self>;
}

impl OfVariable for bool {
    fn of_variable(text: &str) -> Option<Self> {
        Some(env_vars::truthy(text))
    }
}

impl OfVariable for u64 {
    fn of_variable(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}
