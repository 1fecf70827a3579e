//! Made-up runs for the tests of whoever shows runs.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{LoneLog, Run, RunRecord};

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

/// A record of `pip install six` in which the fields of `other` stand instead.
pub(crate) fn record(number: u8, other: &Value) -> RunRecord {
    let mut value = json!({
        "schema": 1,
        "id": format!("0199ab12-cd34-7000-8000-0000000000{number:02x}"),
        "action": "install",
        "packages": ["six"],
        "argv": ["pip", "install", "six"],
        "cwd": "/work/demo",
        "tool": "pip",
        "started_at": format!("2026-03-01T12:{number:02}:00+00:00"),
        "duration_ms": 1234,
        "exit_code": 0,
        "generation_before": 3,
        "generation_after": 4,
        "added": [{"name": "six", "from": null, "to": "1.16.0"}],
        "removed": [],
        "changed": [],
        "log_path": null,
        "bytes": 0,
        "user": "kim",
        "pid": 77,
    });
    let fields = value.as_object_mut().expect("an object");
    for (name, value) in other.as_object().expect("an object") {
        fields.insert(name.clone(), value.clone());
    }
    fields.retain(|_, value| value != "absent");
    serde_json::from_value(value).expect("a record")
}

pub(crate) fn run(number: u8, other: &Value) -> Run {
    Run::Recorded(record(number, other).into())
}

pub(crate) fn lone(success: bool) -> Run {
    Run::Lone(LoneLog {
        log_path: ".pip-logs/20250101000000_install_success.log".into(),
        action: "install".into(),
        packages: vec!["requests".into()],
        success,
        at: at("2025-01-01T00:00:00Z"),
        bytes: 12,
    })
}
