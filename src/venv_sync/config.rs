//! `aim-venv-sync config`: every setting, its value, and where that came from.

use serde_json::json;

use crate::error::Result;
use crate::project::Config;
