//! One setting: its value, where that came from, and how files, variables and people have it.
//!
//! The settings that there are stand in `config`.

use std::fmt;
use std::path::PathBuf;

use serde::de::{Deserialize, DeserializeOwned};
use serde_json::Value as Json;

use crate::env_vars;

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

    /// Takes `value`, if there is one, in the place of what stands here.
    pub(super) fn over(&mut self, value: Option<T>, origin: &Origin) {
        if let Some(value) = value {
            *self = Self {
                value,
                origin: origin.clone(),
            };
        }
    }
}

/// What a setting can be.
pub(super) trait SettingValue: DeserializeOwned {
    /// The value as `aim-venv-sync config` shows it.
    fn shown(&self) -> Json;
}

impl SettingValue for bool {
    fn shown(&self) -> Json {
        (*self).into()
    }
}

impl SettingValue for u64 {
    fn shown(&self) -> Json {
        (*self).into()
    }
}

impl SettingValue for Vec<String> {
    fn shown(&self) -> Json {
        self.join(" ").into()
    }
}

/// What a setting can be that a variable overrides.
pub(super) trait OfVariable: Sized {
    /// The value that the variable's text means, or what it is not.
    fn of_variable(text: &str) -> Result<Self, &'static str>;
}

impl OfVariable for bool {
    fn of_variable(text: &str) -> Result<Self, &'static str> {
        Ok(env_vars::truthy(text))
    }
}

impl OfVariable for u64 {
    fn of_variable(text: &str) -> Result<Self, &'static str> {
        text.parse().map_err(|_| "not a whole number")
    }
}

/// The value of the setting `name` (`lock.timeout`) in a file's table; none where it is not set.
pub(super) fn in_file<T: SettingValue>(
    table: &toml::Table,
    name: &str,
) -> Result<Option<T>, toml::de::Error> {
    let Some((outer, inner)) = name.split_once('.') else {
        return table.get(name).cloned().map(T::deserialize).transpose();
    };
    match table.get(outer) {
        None => Ok(None),
        Some(toml::Value::Table(table)) => in_file(table, inner),
        Some(other) => in_file(&toml::Table::deserialize(other.clone())?, inner),
    }
}
