//! Times of two things that take turns, and the row that compares them.

use std::process::Command;
use std::time::{Duration, Instant};

/// What the columns are.
pub(crate) fn header() {
    println!(
        "{:<58} {:>10} {:>10} {:>8}  bound",
        "what", "floor", "ours", "ratio"
    );
}

/// One comparison, printed as a row.
pub(crate) fn row(what: &str, floor: Duration, ours: Duration, bound: &str) {
    let ratio = ours.as_secs_f64() / floor.as_secs_f64();
    println!(
        "{what:<58} {:>10} {:>10} {ratio:>7.2}x  {bound}",
        shown(floor),
        shown(ours)
    );
}

fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 {
        format!("{micros:.1} us")
    } else {
        format!("{:.2} ms", micros / 1e3)
    }
}

/// Of [`quick_turns`].
const IN_A_ROW: usize = 50;

/// Medians of two things that take turns, `rounds` times each.
pub(crate) fn turns(
    rounds: usize,
    mut one: impl FnMut() -> Duration,
    mut other: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    blocks(rounds, || vec![one()], || vec![other()])
}

/// As [`turns`], for what takes microseconds: each turn is some in a row, since the first after another process has had
/// the processor pays for what that one left in its caches, which is not what the row is about.
pub(crate) fn quick_turns(
    rounds: usize,
    mut one: impl FnMut() -> Duration,
    mut other: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    blocks(
        rounds,
        || (0..IN_A_ROW).map(|_| one()).collect(),
        || (0..IN_A_ROW).map(|_| other()).collect(),
    )
}

/// As [`turns`], each turn giving several times.
pub(crate) fn blocks(
    rounds: usize,
    mut one: impl FnMut() -> Vec<Duration>,
    mut other: impl FnMut() -> Vec<Duration>,
) -> (Duration, Duration) {
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        times.0.extend(one());
        times.1.extend(other());
    }
    (median(times.0), median(times.1))
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed()
}

pub(crate) fn run(command: &mut Command) -> Duration {
    timed(|| {
        let output = command.output().expect("starts");
        assert!(output.status.success(), "{output:?}");
    })
}
