//! The last part of what a process printed, within a bound.

/// Bytes kept.
const LIMIT: usize = 256 << 10;

/// Output that is wanted when something went wrong, of which the end tells most.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    was_cut: bool,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cut when it is twice too long, not with every byte.
        if self.bytes.len() > 2 * LIMIT {
            self.bytes.drain(..self.bytes.len() - LIMIT);
            self.was_cut = true;
        }
    }

    /// What is kept; begins with a mark when something before it is not.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        if self.was_cut {
            [b"[...]\n", self.bytes.as_slice()].concat()
        } else {
            self.bytes
        }
    }

    /// The last line that says something: of a traceback, what was raised.
    pub(super) fn last_line(&self) -> Option<String> {
        let end = &self.bytes[self.bytes.len().saturating_sub(4096)..];
        let text = String::from_utf8_lossy(end);
        let line = text
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty())?;
        Some(line.chars().take(300).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept() {
        let mut tail = Tail::default();
        for _ in 0..2 * LIMIT {
            tail.push(b"..");
        }
        tail.push(b"\nValueError: x\n  \n");
        assert_eq!(tail.last_line().as_deref(), Some("ValueError: x"));
        let bytes = tail.into_bytes();
        assert!(bytes.len() <= 2 * LIMIT + 6);
        assert!(bytes.starts_with(b"[...]\n") && bytes.ends_with(b"\n  \n"));
    }

    #[test]
    fn nothing_printed_has_no_last_line() {
        assert_eq!(Tail::default().last_line(), None);
    }
}
