//! The speeds that are promised, each as a ratio (or a difference) to its floor, measured side by side in one run.
//!
//! `make bench` runs it; docs/benchmarks.md notes results. Machines are noisy, so the two sides of a comparison take
//! turns and medians are compared. What can only run where the daemon is built stands behind no feature: benches are
//! built with all of them.

#![allow(
    missing_docs,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints, and writes its fixtures in place"
)]

mod autostart;
mod environment;
mod floor;
mod flow;
mod http;
mod job;
mod logs;
mod lsp;
mod measure;
mod memory;
mod metrics;
mod objects;
#[path = "../../tests/suite/sandbox/mod.rs"]
#[allow(dead_code, reason = "a bench needs less of it than the tests")]
mod sandbox;
mod shim;
mod supervise;
mod terminal;
mod undo;
mod views;
mod worker;

fn main() {
    if std::env::args().nth(1).as_deref() == Some(lsp::SERVER) {
        return lsp::serve();
    }
    measure::header();
    // With words as arguments, only the parts of these names.
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let parts: [(&str, fn()); 15] = [
        ("environment", environment::rows),
        ("shim", shim::rows),
        ("logs", logs::rows),
        ("undo", undo::rows),
        ("job", job::rows),
        ("worker", worker::rows),
        ("flow", flow::rows),
        ("objects", objects::rows),
        ("memory", memory::rows),
        ("metrics", metrics::rows),
        ("autostart", autostart::rows),
        ("terminal", terminal::rows),
        ("lsp", lsp::rows),
        ("views", views::rows),
        ("supervise", supervise::rows),
    ];
    for (name, rows) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            rows();
        }
    }
}
