//! Reading while one looks: what is not there counts as nothing, and no more. Whatever else the system says leaves open
//! what is there, and a snapshot is whole or it is an error.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::momentary::readable;
use crate::files::read;

/// Longer than any RECORD or METADATA: a line for each of 200,000 files.
const LONGEST: u64 = 32 << 20;

/// What `read` gives of the first of `places` that is there and not empty.
///
/// # Errors
/// As [`readable`].
pub(super) fn first(
    places: impl IntoIterator<Item = PathBuf>,
    read: impl Fn(&Path) -> io::Result<Vec<u8>>,
) -> io::Result<Option<Vec<u8>>> {
    for place in places {
        if let Some(bytes) = readable(read(&place))?
            && !bytes.is_empty()
        {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

/// All of the file at `path`.
///
/// # Errors
/// What the system says.
pub(super) fn read_whole(path: &Path) -> io::Result<Vec<u8>> {
    read::read(path, LONGEST)
}
