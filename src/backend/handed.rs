//! What a daemon that takes another's place gets from it besides words: open descriptors, and bytes.
//!
//! In JSON a descriptor is its number: `exec` leaves it open, where it is to be (`hand_over`).

use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

use data_encoding::BASE64;
use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A descriptor that is handed over.
#[derive(Debug)]
pub(super) struct Handed(OwnedFd);

impl Handed {
    /// `descriptor`, or another of the same open file.
    ///
    /// # Errors
    /// When none is free.
    pub(super) fn again(descriptor: impl AsFd) -> io::Result<Self> {
        descriptor.as_fd().try_clone_to_owned().map(Self)
    }

    /// Has it outlive the next `exec`.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn outlive_exec(&self) -> io::Result<()> {
        Ok(fcntl_setfd(&self.0, FdFlags::empty())?)
    }

    /// The descriptor itself.
    pub(super) fn into_inner(self) -> OwnedFd {
        self.0
    }
}

impl From<OwnedFd> for Handed {
    fn from(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }
}

impl Serialize for Handed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_raw_fd().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Handed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        adopt(RawFd::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Takes over the descriptor of this number, which ends with this process from now on.
///
/// # Errors
/// When there is none.
#[expect(unsafe_code, reason = "what was handed over is known by its number")]
pub(super) fn adopt(number: RawFd) -> io::Result<Handed> {
    if number < 0 {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: asked only whether it is open, and nothing is closed.
    fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) })?;
    // SAFETY: it is open; the daemon that was here before left it for this one, which takes it over once.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC)?;
    Ok(Handed(descriptor))
}

/// Bytes as text in JSON, for `#[serde(with = …)]`.
pub(super) mod as_text {
    use serde::de::Error as _;

    use super::{BASE64, Deserialize, Deserializer, Serializer};

    /// As base64.
    pub(in crate::backend) fn serialize<B, S>(bytes: &B, serializer: S) -> Result<S::Ok, S::Error>
    where
        B: Clone + Into<Vec<u8>>,
        S: Serializer,
    {
        serializer.serialize_str(&BASE64.encode(&bytes.clone().into()))
    }

    /// From base64.
    pub(in crate::backend) fn deserialize<'de, B, D>(deserializer: D) -> Result<B, D::Error>
    where
        B: From<Vec<u8>>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64.decode(text.as_bytes());
        bytes.map(B::from).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_descriptor_goes_through_its_number() {
        let (mut ours, theirs) = UnixStream::pair().expect("a pair");
        let handed = Handed::again(&theirs).expect("one more");
        handed.outlive_exec().expect("marked");
        let text = serde_json::to_string(&handed).expect("a number");
        // As an exec does: nobody owns it until it is taken over.
        std::mem::forget(handed);
        let handed: Handed = serde_json::from_str(&text).expect("open");
        let mut stream = UnixStream::from(handed.into_inner());
        assert_eq!(fcntl_getfd(&stream), Ok(FdFlags::CLOEXEC));
        stream.write_all(b"x").expect("written");
        let mut read = [0];
        ours.read_exact(&mut read).expect("read");
        assert_eq!(&read, b"x");
        for none in ["-1", "1000000", "\"3\""] {
            assert!(serde_json::from_str::<Handed>(none).is_err(), "{none}");
        }
    }
}
