//! The daemon's own log, on standard error: for people on a terminal, a JSON object a line elsewhere.
//!
//! The fields are AIM-Forge's (compat, section 14): `ts` (ms), `level`, `msg`, `logger`, then the event's own. A log
//! that nobody takes is no reason to stop: see `sink`.

mod sink;

use std::fmt;
use std::io::Stderr;
use std::sync::OnceLock;

use chrono::Utc;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use self::sink::LogSink;
use crate::console::Console;
use crate::env_vars;
use crate::exec::outlive_full_files;
use crate::host::Host;
use crate::secrets;

/// The log of this process, once it has begun.
static LOG: OnceLock<LogSink<Stderr>> = OnceLock::new();

/// How many lines of this process's log could not be written.
pub(super) fn lost() -> u64 {
    LOG.get().map_or(0, LogSink::lost)
}

/// Starts the log of this process; `AIM_LOG` says what is in it.
pub(super) fn begin(host: &Host, console: &Console) {
    // `notify` complains of each watch that the system removed before it could, which is what becomes of a removed
    // folder.
    let usual = if console.is_verbose() {
        "info,aim_toolkit=debug,notify=off"
    } else if console.is_quiet() {
        "warn,notify=off"
    } else {
        "info,notify=off"
    };
    let asked = host.var(env_vars::LOG).map(EnvFilter::try_new);
    let (filter, complaint) = match asked {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(usual), Some(error)),
        None => (EnvFilter::new(usual), None),
    };
    outlive_full_files();
    let is_terminal = host.terminals().stderr;
    let notice = if is_terminal {
        lost_as_text
    } else {
        lost_as_json
    };
    let sink = LOG.get_or_init(|| LogSink::new(std::io::stderr(), notice));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || sink)
        .with_ansi(is_terminal && host.var("NO_COLOR").is_none());
    // A second start, in tests, keeps the first log.
    let _ = if is_terminal {
        log.try_init()
    } else {
        log.event_format(JsonLines).try_init()
    };
    if let Some(error) = complaint {
        tracing::warn!(%error, "{} is not understood", env_vars::LOG);
    }
}

/// The line in the place of those that are missing, for people.
fn lost_as_text(lost: u64) -> String {
    format!(
        "{} WARN {lost} lines of this log could not be written\n",
        Utc::now().to_rfc3339()
    )
}

/// The same as JSON.
fn lost_as_json(lost: u64) -> String {
    let line = serde_json::json!({
        "ts": Utc::now().timestamp_millis(),
        "level": "WARN",
        "msg": "lines of this log could not be written",
        "logger": module_path!(),
        "lost": lost,
    });
    format!("{line}\n")
}

/// Writes an event as one line of JSON.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let about = event.metadata();
        let mut line = Map::new();
        line.insert("ts".into(), Utc::now().timestamp_millis().into());
        line.insert("level".into(), about.level().as_str().into());
        line.insert("msg".into(), fields.message.into());
        line.insert("logger".into(), about.target().into());
        for (name, value) in fields.others {
            line.entry(name).or_insert(value);
        }
        writeln!(writer, "{}", Value::Object(line))
    }
}

/// The fields of an event, as JSON values without secrets.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let value = secrets::hide(value).into_owned();
        if field.name() == "message" {
            self.message = value;
        } else {
            self.add(field, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("one thread").write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_has_the_fields_that_log_readers_know() {
        let kept = Written::default();
        let to = kept.clone();
        let log = tracing_subscriber::fmt()
            .with_writer(move || to.clone())
            .event_format(JsonLines)
            .finish();
        tracing::subscriber::with_default(log, || {
            tracing::info!(pid = 7, why = %"a \"b\"\n", "worker {}", "started");
            tracing::warn!(
                url = "https://kim:hunter2@host/",
                "from {}",
                "?token=hunter2"
            );
        });
        let text = String::from_utf8(kept.0.lock().expect("one thread").clone()).expect("utf-8");
        assert_eq!(text.matches('\n').count(), 2, "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        let line = text.lines().next().expect("a line");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(line["ts"].as_i64().expect("ms") > 1_600_000_000_000);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["msg"], "worker started");
        assert_eq!(line["logger"], module_path!());
        assert_eq!(
            (&line["pid"], &line["why"]),
            (&7.into(), &"a \"b\"\n".into())
        );
    }
}
