//! The two outputs of a child, and who is told what passed.

/// Which of the two outputs bytes came from.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum ChildStream {
    /// Standard output; with [`Wiring::Together`](super::Wiring::Together), both.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Receives what passed.
pub(super) type Tee<'a> = dyn FnMut(ChildStream, &[u8]) + 'a;
