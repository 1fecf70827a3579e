//! Frames around text, as rich draws them around a traceback and its variables.

use std::ops::Range;

/// The sides of frames.
const SIDES: &[char] = &['│', '┃', '║', '|'];

/// What `line` has between the sides of a frame; without one, all but the blanks at its end.
pub(super) fn content(line: &str) -> Range<usize> {
    let is_of_frame = |c: char| c == ' ' || SIDES.contains(&c);
    let mut inner = line.trim_end();
    if inner.ends_with(SIDES) {
        inner = inner.trim_end_matches(is_of_frame);
    }
    let mut start = 0;
    if inner.trim_start_matches(' ').starts_with(SIDES) {
        start = inner.len() - inner.trim_start_matches(is_of_frame).len();
    }
    start..inner.len()
}
