//! What each of our own stdout and stderr is, and what the child gets in its place.
//!
//! A terminal is replaced by a capture terminal; a pipe, a socket, a file or `/dev/null` by a pipe. Anything else
//! (`/dev/full`, say) is handed through and not captured, since only the device itself behaves like it. When both are
//! one open file, both get the same capture end: that keeps the order of what is written to them.

use std::process::Stdio;

use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl, fstat, tell};
use rustix::pipe::{PipeFlags, pipe_with};

use super::copy::Channel;
use super::descriptor_kind::DescriptorKind;
use super::sink::Sink;
use super::stream::ChildStream;
use super::sys;
use super::terminal::CaptureTerminal;

/// Whether stdout and stderr were one open file (then everything is delivered as [`ChildStream::Stdout`], in true
/// order).
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Wiring {
    /// One open file.
    Together,
    /// Two files.
    Apart,
}

/// The two descriptors that a child's output goes to; None is one that was closed when this process started.
pub(super) struct Ends<'fd> {
    pub(super) stdout: Option<BorrowedFd<'fd>>,
    pub(super) stderr: Option<BorrowedFd<'fd>>,
}

/// The child's output, wired up: what it gets, and the channels that copy from there to our own descriptors.
pub(super) struct Wired<'fd> {
    pub(super) wiring: Wiring,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
    pub(super) channels: Vec<Channel<'fd>>,
}

impl Ends<'static> {
    /// The process's own.
    pub(super) fn of_process() -> Self {
        Self {
            stdout: (!sys::was_closed(1)).then(rustix::stdio::stdout),
            stderr: (!sys::was_closed(2)).then(rustix::stdio::stderr),
        }
    }
}

impl<'fd> Ends<'fd> {
    /// Makes a capture end for each, or one for both. An end that cannot be captured is handed through: the child
    /// comes first, its log second.
    pub(super) fn wire(&self) -> Wired<'fd> {
        let mut channels = Vec::with_capacity(2);
        let wiring = match (self.stdout, self.stderr) {
            (Some(stdout), Some(stderr)) if is_same_file(stdout, stderr) => Wiring::Together,
            _ => Wiring::Apart,
        };
        if wiring == Wiring::Together
            && let Some(stdout) = self.stdout
            && let Ok((channel, end)) = capture(ChildStream::Stdout, stdout)
            && let Ok(copy) = end.try_clone()
        {
            channels.push(channel);
            return Wired {
                wiring,
                stdout: end.into(),
                stderr: copy.into(),
                channels,
            };
        }
        let mut one = |stream, real: Option<BorrowedFd<'fd>>| match real
            .map(|real| (real, capture(stream, real)))
        {
            Some((_, Ok((channel, end)))) => {
                channels.push(channel);
                Stdio::from(end)
            }
            Some((real, Err(_))) => real
                .try_clone_to_owned()
                .map_or_else(|_| Stdio::inherit(), Stdio::from),
            None => Stdio::inherit(), // is closed when the child starts, see `sys::pass_on`
        };
        let stdout = one(ChildStream::Stdout, self.stdout);
        let stderr = one(ChildStream::Stderr, self.stderr);
        Wired {
            wiring,
            stdout,
            stderr,
            channels,
        }
    }
}

/// Whether what is written to `a` and `b` lands in one place, in the order of writing.
///
/// Pipes, sockets and terminals are one if their inode is. A regular file must also be open at the same place in the
/// same way. That is so for `>f 2>&1` and `>>f 2>>f`. It is also taken to be so for `>f 2>f`, where it is wrong: there,
/// one stream would write over the other, and here both come in order.
fn is_same_file(a: BorrowedFd<'_>, b: BorrowedFd<'_>) -> bool {
    let (Ok(one), Ok(two)) = (fstat(a), fstat(b)) else {
        return false;
    };
    if (one.st_dev, one.st_ino, one.st_rdev, one.st_mode)
        != (two.st_dev, two.st_ino, two.st_rdev, two.st_mode)
    {
        return false;
    }
    if DescriptorKind::of(a) != DescriptorKind::File {
        return true;
    }
    match (fcntl_getfl(a), fcntl_getfl(b), tell(a), tell(b)) {
        (Ok(a), Ok(b), ..) if a.contains(OFlags::APPEND) && b.contains(OFlags::APPEND) => true,
        (Ok(flags_a), Ok(flags_b), Ok(at_a), Ok(at_b)) => flags_a == flags_b && at_a == at_b,
        _ => false,
    }
}

/// Makes the child's end for `real` and the channel from it.
fn capture(
    stream: ChildStream,
    real: BorrowedFd<'_>,
) -> rustix::io::Result<(Channel<'_>, OwnedFd)> {
    // A descriptor that was opened for reading only makes the child's first write fail, as it should.
    if fcntl_getfl(real)? & OFlags::ACCMODE == OFlags::RDONLY {
        return Err(rustix::io::Errno::NOTSUP);
    }
    let kind = DescriptorKind::of(real);
    let (ours, theirs) = match kind {
        DescriptorKind::Other => return Err(rustix::io::Errno::NOTSUP),
        DescriptorKind::Terminal => {
            let terminal = CaptureTerminal::like(real)?;
            (terminal.master, terminal.slave)
        }
        DescriptorKind::Pipe
        | DescriptorKind::Socket
        | DescriptorKind::File
        | DescriptorKind::Null => pipe_with(PipeFlags::CLOEXEC)?,
    };
    fcntl_setfl(&ours, fcntl_getfl(&ours)? | OFlags::NONBLOCK)?;
    Ok((Channel::new(stream, ours, Sink::new(real, kind)), theirs))
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Write as _;
    use std::os::fd::AsFd as _;

    use super::*;

    fn open(path: &str) -> File {
        OpenOptions::new().write(true).open(path).unwrap()
    }

    #[test]
    fn kinds() {
        let (_reader, writer) = std::io::pipe().unwrap();
        let (socket, _peer) = std::os::unix::net::UnixStream::pair().unwrap();
        let file = tempfile::tempfile().unwrap();
        assert_eq!(DescriptorKind::of(writer.as_fd()), DescriptorKind::Pipe);
        assert_eq!(DescriptorKind::of(socket.as_fd()), DescriptorKind::Socket);
        assert_eq!(DescriptorKind::of(file.as_fd()), DescriptorKind::File);
        assert_eq!(
            DescriptorKind::of(open("/dev/null").as_fd()),
            DescriptorKind::Null
        );
        assert_eq!(
            DescriptorKind::of(File::open("/").unwrap().as_fd()),
            DescriptorKind::Other
        );
        #[cfg(target_os = "linux")]
        assert_eq!(
            DescriptorKind::of(open("/dev/full").as_fd()),
            DescriptorKind::Other
        );
    }

    #[test]
    fn one_file_or_two() {
        let check = |a: &dyn std::os::fd::AsFd, b: &dyn std::os::fd::AsFd, expected| {
            assert_eq!(is_same_file(a.as_fd(), b.as_fd()), expected);
        };
        let (_reader, pipe) = std::io::pipe().unwrap();
        let (_reader, other) = std::io::pipe().unwrap();
        check(&pipe, &pipe.try_clone().unwrap(), true);
        check(&pipe, &other, false);
        check(&open("/dev/null"), &open("/dev/null"), true);

        let named = tempfile::NamedTempFile::new().unwrap();
        let path = named.path();
        let mut file = OpenOptions::new().write(true).open(path).unwrap();
        let shared = file.try_clone().unwrap();
        let own = OpenOptions::new().write(true).open(path).unwrap();
        file.write_all(b"moved").unwrap();
        check(&file, &shared, true);
        check(&file, &own, false);
        let appends = || OpenOptions::new().append(true).open(path).unwrap();
        check(&appends(), &appends(), true);
        check(&file, &appends(), false);
        check(&file, &pipe, false);
    }
}
