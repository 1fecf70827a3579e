//! Failures that are of the moment, and say nothing about the file.
//!
//! Out of descriptors or of memory, a file that is there looks like one that is not. Whoever takes that for "there is
//! nothing" enters into a history that everything was removed. So what is missing, forbidden or no file may count as
//! nothing; a failure of the moment never does.

use std::io;

/// Whether `error` is of the moment: the same call may succeed in the next one.
pub fn is_momentary(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EMFILE
                | libc::ENFILE
                | libc::ENOMEM
                | libc::ENOBUFS
                | libc::EAGAIN
                | libc::EINTR
                | libc::EIO
                | libc::ESTALE
                | libc::ETIMEDOUT
        )
    )
}

/// What was read; nothing where the failure is of the thing itself.
///
/// # Errors
/// A failure of the moment.
pub fn found<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    unless(read, |error| !is_momentary(error))
}

/// As [`found`], where nothing but what is missing counts as nothing: a list of what is in a folder.
///
/// # Errors
/// Every failure, but that there is no such folder.
pub fn there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    unless(read, |error| is_absent(error.kind()))
}

/// As [`there`], where also what cannot be read by its kind counts as nothing: a thing of another kind, a link that
/// leads in a circle. What is forbidden may well be there.
///
/// # Errors
/// Every other failure.
pub fn readable<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    unless(read, |error| {
        is_absent(error.kind())
            || matches!(
                error.kind(),
                io::ErrorKind::IsADirectory
                    | io::ErrorKind::InvalidInput
                    | io::ErrorKind::InvalidData
            )
            || matches!(
                error.raw_os_error(),
                Some(libc::ELOOP | libc::ENAMETOOLONG | libc::ENXIO)
            )
    })
}

fn is_absent(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// What was read; nothing where the failure says that nothing is there.
fn unless<T>(
    read: io::Result<T>,
    is_nothing: impl FnOnce(&io::Error) -> bool,
) -> io::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_nothing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_moment_is_never_nothing() {
        // Whether `found`, `there` and `readable` fail.
        let check = |number: i32, expected: [bool; 3]| {
            let error = || Err::<(), _>(io::Error::from_raw_os_error(number));
            let fail =
                [found(error()), there(error()), readable(error())].map(|read| read.is_err());
            assert_eq!(fail, expected, "{number}");
        };
        for number in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EIO] {
            check(number, [true, true, true]);
        }
        for number in [libc::EACCES, libc::EPERM] {
            check(number, [false, true, true]);
        }
        for number in [libc::ELOOP, libc::EISDIR, libc::ENXIO, libc::ENAMETOOLONG] {
            check(number, [false, true, false]);
        }
        for number in [libc::ENOENT, libc::ENOTDIR] {
            check(number, [false, false, false]);
        }
        assert_eq!(found(Ok(7)).expect("read"), Some(7));
    }
}
