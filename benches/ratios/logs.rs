//! Reading a long history.

use aim_toolkit::testing::RunId;

use crate::measure::{row, run, turns};
use crate::sandbox::Sandbox;

/// Runs of the long history.
const RUNS: usize = 10_000;

pub(crate) fn rows() {
    let (long, short) = (Sandbox::ready(), Sandbox::ready());
    remember(&long);
    let (one, many) = turns(
        60,
        || run(short.command("aim-logs").arg("list")),
        || run(long.command("aim-logs").arg("list")),
    );
    row(
        "aim-logs list of 10,000 runs / of one",
        one,
        many,
        "at most 15 ms",
    );
    difference();
}

/// Distributions of the compared generations.
const DISTRIBUTIONS: usize = 300;

/// What is different between two generations of many distributions.
fn difference() {
    let sandbox = Sandbox::ready();
    for generation in 1..=2 {
        for number in 0..DISTRIBUTIONS {
            let before = format!("d{number}-{}.dist-info", generation - 1);
            let _ = std::fs::remove_dir_all(sandbox.site_packages().join(before));
            let info = format!("d{number}-{generation}.dist-info");
            let info = sandbox.site_packages().join(info);
            std::fs::create_dir_all(&info).expect("folder");
            let text = format!("Name: d{number}\nVersion: {generation}\n");
            std::fs::write(info.join("METADATA"), text).expect("written");
        }
        sandbox.run("aim-venv-sync", ["sync"]).ok();
    }
    let now = sandbox.generation();
    let (before, now) = (format!("g{}", now - 1), format!("g{now}"));
    let differs = sandbox.run("aim-logs", ["diff", &before, &now]).ok();
    assert!(differs.stdout().lines().count() >= DISTRIBUTIONS);
    let (same, all) = turns(
        60,
        || run(sandbox.command("aim-logs").args(["diff", &now, &now])),
        || run(sandbox.command("aim-logs").args(["diff", &before, &now])),
    );
    row(
        "aim-logs diff of 300 distributions / of none",
        same,
        all,
        "at most 10 ms",
    );
}

/// Gives the project so many runs, each with a log.
fn remember(sandbox: &Sandbox) {
    let logs = sandbox.project().join(".pip-logs");
    let mut record = sandbox.last_record();
    let mut text = String::new();
    for number in 1..=RUNS {
        let id = RunId::new().to_string();
        // One a second: a log is told from those of earlier records by the time in its name.
        let (hour, minute, second) = (number / 3600, number / 60 % 60, number % 60);
        let name = format!("20260301{hour:02}{minute:02}{second:02}_install_000-{id}_success.log");
        std::fs::write(logs.join(&name), "[stdout]\n").expect("written");
        record["log_path"] = format!(".pip-logs/{name}").into();
        record["id"] = id.into();
        record["number"] = number.into();
        record["started_at"] =
            format!("2026-03-01T{hour:02}:{minute:02}:{second:02}.000000+00:00").into();
        text += &record.to_string();
        text.push('\n');
    }
    std::fs::write(logs.join("runs.jsonl"), text).expect("written");
}
