//! What was typed and has not reached the terminal yet.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::backend::handed::as_text;

/// Above so many bytes the page is not listened to until the terminal has taken some.
const PLENTY: usize = 256 << 10;

/// A queue of bytes.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Input(#[serde(with = "as_text")] VecDeque<u8>);

impl Input {
    /// Takes in what was typed.
    pub(super) fn push(&mut self, typed: &str) {
        self.0.extend(typed.as_bytes());
    }

    /// What is to be typed next.
    pub(super) fn next(&self) -> Option<&[u8]> {
        let (first, _) = self.0.as_slices();
        (!first.is_empty()).then_some(first)
    }

    /// The terminal has taken `count` bytes.
    pub(super) fn typed(&mut self, count: usize) {
        self.0.drain(..count);
        if self.0.is_empty() {
            self.0.shrink_to(0);
        }
    }

    /// There is nobody to type for any more.
    pub(super) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }

    /// Whether there is so much that no more is to be taken in.
    pub(super) fn is_plenty(&self) -> bool {
        self.0.len() > PLENTY
    }
}
