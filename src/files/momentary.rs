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
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if is_momentary(&error) => Err(error),
        Err(_) => Ok(None),
    }
}

/// Whether `error` says that nothing is there which could be read: no such file, a link that leads nowhere or in a
/// circle, or a thing of another kind. What is forbidden may well be there.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::InvalidData
    ) || matches!(
        error.raw_os_error(),
        Some(libc::ELOOP | libc::ENAMETOOLONG | libc::ENXIO)
    )
}

/// As [`found`], where nothing but what is missing counts as nothing: a list of what is in a folder.
///
/// # Errors
/// Every failure, but that there is no such folder.
pub fn there<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_the_moment_is_never_nothing() {
        let check = |number: i32, found_fails: bool, there_fails: bool| {
            let error = || Err::<(), _>(io::Error::from_raw_os_error(number));
            assert_eq!(found(error()).is_err(), found_fails, "{number}");
            assert_eq!(there(error()).is_err(), there_fails, "{number}");
        };
        for number in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::EIO] {
            check(number, true, true);
        }
        for number in [libc::EACCES, libc::EPERM, libc::ELOOP] {
            check(number, false, true);
        }
        for number in [libc::ENOENT, libc::ENOTDIR] {
            check(number, false, false);
        }
        assert_eq!(found(Ok(7)).expect("read"), Some(7));
    }
}
