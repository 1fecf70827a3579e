//! The text of a node's file, for the page's editor.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Reply of `GET …/nodes/text` and of `PUT …/nodes/text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct NodeText {
    /// The file, relative to the project.
    pub file: String,
    /// Its whole path, by which a language server knows it.
    #[cfg_attr(feature = "backend", schema(value_type = String))]
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
    /// What tells this text from another.
    pub version: String,
}

/// Body of `PUT …/nodes/text`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "backend", derive(utoipa::ToSchema))]
pub struct NewNodeText {
    /// What is to be in the file.
    pub text: String,
    /// The version that the text was made from; none for a file that is to be new.
    #[serde(default)]
    pub version: Option<String>,
}
