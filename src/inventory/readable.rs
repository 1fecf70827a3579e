//! What counts as nothing while one looks: that nothing is there, and no more. Whatever else the system says leaves
//! open what is there, and a snapshot is whole or it is an error.

use std::io;
use std::path::{Path, PathBuf};

use crate::files::momentary::is_missing;
use crate::files::read;

/// Longer than any RECORD or METADATA: a line for each of 200,000 files.
const LONGEST: u64 = 32 << 20;

/// What was read; nothing where nothing is there that could be: no such file, one of another kind, a link that leads
/// nowhere.
///
/// # Errors
/// Every other failure.
pub(super) fn there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What `read` gives of the first of `places` that is there and not empty.
///
/// # Errors
/// As [`there`].
pub(super) fn first(
    places: impl IntoIterator<Item = PathBuf>,
    read: impl Fn(&Path) -> io::Result<Vec<u8>>,
) -> io::Result<Option<Vec<u8>>> {
    for place in places {
        if let Some(bytes) = there(read(&place))?
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
